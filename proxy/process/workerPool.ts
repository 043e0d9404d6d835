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

/** All worker threads of the process, spoken to as one. Owns the inherited sockets. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #rollout: SnapshotRollout;
  readonly #slots: readonly WorkerSlot[];
  /** slot → the slot that accepts on its sockets. */
  #tenders: readonly number[];
  #hasServed = false;
  #reportedGeneration = 0;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#rollout = new SnapshotRollout(options.logger);
    this.#slots = Array.from({ length: options.start.workers }, (_, index) => this.#createSlot(index));
    this.#tenders = this.#slots.keys().toArray();
  }

  start(): void {
    this.#rollout.begin(this.#slots);
    for (const slot of this.#slots) slot.start();
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
  async collect(): Promise<readonly WorkerReport[]> {
    const outcomes = await Promise.allSettled(this.#slots.map((slot) => slot.collect()));
    return outcomes.flatMap((outcome) => outcome.status === 'fulfilled' ? [outcome.value] : []);
  }

  /** Stops accepting, waits for open requests. Answers what the workers leave behind; the process is to end then. */
  async drain(timeoutMs: number): Promise<{ readonly cutConnections: number; readonly reports: readonly WorkerReport[] }> {
    const draining = this.#slots.map((slot) => slot.drain(timeoutMs));
    closeListeningSockets(this.#options.start.listeners.flatMap((listener) => listener.descriptors));
    const drained = (await Promise.all(draining)).filter((worker) => worker !== null);
    return {
      cutConnections: drained.reduce((sum, worker) => sum + worker.cutConnections, 0),
      reports: drained.map((worker) => worker.report),
    };
  }

  #createSlot(index: number): WorkerSlot {
    const { start, ...shared } = this.#options;
    const { accessLogFormat, logLevel, logFormat } = start;
    return new WorkerSlot({
      ...shared,
      start: { worker: String(index), accessLogFormat, logLevel, logFormat },
      sockets: start.listeners.map((listener) => socketOf(listener, index)),
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

function socketOf({ protocol, address, port, descriptors }: ListenerSpec, index: number): WorkerSocket {
  const descriptor = descriptors[index];
  if (descriptor === undefined) throw new Error(`listener ${address}:${port} has no descriptor for worker ${index}`);
  return { protocol, address, port, descriptor };
}
