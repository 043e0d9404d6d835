import { closeListeningSockets } from '../../core/os/listeningSockets.ts';
import { mergeEndpointViews } from './mergeEndpointViews.ts';
import { unexplained } from './unexplained.ts';
import { SnapshotRollout } from './snapshotRollout.ts';
import { planTenders } from './socketTenders.ts';
import { WorkerSlot, type WorkerSlotOptions } from './workerSlot.ts';
import type { FromProxy, ListenerSpec, ProxyStart } from '../../core/ipc/messages.ts';
import type { Explanation, ExplainRequest } from '../../core/ipc/views.ts';
import type { SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { LogLevel } from '../../core/log/logger.ts';
import type { WorkerReport, WorkerSocket } from './workerMessages.ts';

/** What the pool passes to its slots, and where it reports. */
export interface WorkerPoolOptions
  extends Pick<WorkerSlotOptions, 'entry' | 'onLog' | 'resourceLimits' | 'stuckAfterMs' | 'restartPolicy' | 'logger' | 'clock'> {
  readonly start: ProxyStart & { readonly logLevel: LogLevel };
  readonly send: (message: FromProxy) => void;
}

/** A listener and this process's descriptors, one per worker. */
export interface PoolListener extends ListenerSpec {
  readonly descriptors: readonly number[];
}

/** All worker threads of the process, spoken to as one. Owns the descriptors of the listeners. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #rollout: SnapshotRollout;
  readonly #slots: readonly WorkerSlot[];
  /** Listener id → listener. */
  readonly #listeners = new Map<number, PoolListener>();
  /** slot → the slot that accepts on its sockets. */
  #tenders: readonly number[];
  #started = false;
  #draining = false;
  #hasServed = false;
  #reportedGeneration = 0;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#rollout = new SnapshotRollout(options.logger);
    this.#slots = Array.from({ length: options.start.workers }, (_, index) => this.#createSlot(index));
    this.#tenders = this.#slots.keys().toArray();
  }

  /** How many there are, alive or not. */
  get workers(): number {
    return this.#slots.length;
  }

  /** Starts the workers once all listeners of the start are there; call it again after `listen`. */
  start(): void {
    if (this.#started || this.#draining || this.#listeners.size < this.#options.start.listeners) return;
    this.#started = true;
    this.#rollout.begin(this.#slots);
    for (const slot of this.#slots) slot.start();
  }

  /** Adds listeners: all workers accept there, neighbours in place of those that are down. Descriptors are the pool's from now on. */
  listen(listeners: readonly PoolListener[]): void {
    if (this.#draining) return closeListeningSockets(listeners.flatMap((listener) => listener.descriptors));
    for (const listener of listeners) this.#listeners.set(listener.id, listener);
    for (const [index, slot] of this.#slots.entries()) {
      const sockets = listeners.map((listener) => socketOf(listener, index));
      slot.listen(sockets);
      const tender = this.#tenders[index] ?? index;
      if (tender !== index) this.#slots[tender]?.adopt(sockets);
    }
  }

  /** Removes listeners and closes their descriptors once no worker accepts there; ids it does not know are ignored. */
  async unlisten(ids: readonly number[]): Promise<void> {
    const descriptors = ids.flatMap((id) => this.#listeners.get(id)?.descriptors ?? []);
    for (const id of ids) this.#listeners.delete(id);
    await Promise.all(this.#slots.map((slot) => slot.unlisten(descriptors)));
    closeListeningSockets(descriptors);
  }

  apply(delta: SnapshotDelta): void {
    this.#rollout.apply(delta);
  }

  /** Asks one serving worker; always answers, if only with the reason why there is no explanation. */
  async explain(request: ExplainRequest): Promise<Explanation> {
    const slot = this.#slots.find((candidate) => candidate.state === 'serving');
    if (slot === undefined) return unexplained('no worker is serving');
    return slot.explain(request).catch((error: unknown) => unexplained(String(error)));
  }

  /** Reports of all workers that answer; what a silent one has counted comes with a later collect. */
  async collect(withEndpoints: boolean): Promise<readonly WorkerReport[]> {
    const outcomes = await Promise.allSettled(this.#slots.map((slot) => slot.collect(withEndpoints)));
    return outcomes.flatMap((outcome) => outcome.status === 'fulfilled' ? [outcome.value] : []);
  }

  /** Stops accepting, waits for open requests. Answers what the workers leave behind; the process is to end then. */
  async drain(timeoutMs: number): Promise<{ readonly cutConnections: number; readonly reports: readonly WorkerReport[] }> {
    this.#draining = true;
    const draining = this.#slots.map((slot) => slot.drain(timeoutMs));
    closeListeningSockets([...this.#listeners.values()].flatMap((listener) => listener.descriptors));
    this.#listeners.clear();
    const drained = (await Promise.all(draining)).filter((worker) => worker !== null);
    return {
      cutConnections: drained.reduce((sum, worker) => sum + worker.cutConnections, 0),
      reports: drained.map((worker) => worker.report),
    };
  }

  #createSlot(index: number): WorkerSlot {
    const { start, ...shared } = this.#options;
    const { accessLogFormat, logLevel, logFormat, ticketSecret } = start;
    return new WorkerSlot({
      ...shared,
      start: { worker: String(index), accessLogFormat, logLevel, logFormat, ticketSecret },
      snapshot: this.#rollout.proven,
      changed: () => this.#changed(),
    });
  }

  #changed(): void {
    this.#tend(planTenders(this.#slots.map((slot) => slot.state)));
    this.#rollout.changed();
    if (!this.#hasServed && this.#slots.every((slot) => slot.state === 'serving')) {
      this.#hasServed = true;
      this.#options.send({ type: 'serving' });
    }
    const generation = Math.min(...this.#slots.map((slot) => slot.generation));
    if (generation <= this.#reportedGeneration) return;
    this.#reportedGeneration = generation;
    this.#options.send({ type: 'applied', generation });
  }

  #tend(tenders: readonly number[]): void {
    const before = this.#tenders;
    this.#tenders = tenders;
    for (const [index, slot] of this.#slots.entries()) {
      if (before[index] === tenders[index]) continue;
      if (before[index] !== index) this.#slots[before[index] ?? index]?.release(slot.sockets);
      if (tenders[index] !== index) this.#slots[tenders[index] ?? index]?.adopt(slot.sockets);
    }
  }
}

/** The reports of all workers as messages: what each has counted, then the endpoints of all together. */
export function printReports(reports: readonly WorkerReport[], id: number): readonly FromProxy[] {
  return [
    ...reports.map((report) => ({ type: 'metrics' as const, delta: report.metrics })),
    { type: 'collected', id, endpoints: mergeEndpointViews(reports.map((report) => report.endpoints)) },
  ];
}

function socketOf({ protocol, address, port, descriptors }: PoolListener, index: number): WorkerSocket {
  const descriptor = descriptors[index];
  if (descriptor === undefined) throw new Error(`listener ${address}:${port} has no descriptor for worker ${index}`);
  return { protocol, address, port, descriptor };
}
