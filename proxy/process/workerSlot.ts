import { setTimeout as sleep } from 'node:timers/promises';
import { planRestart, type RestartPolicy } from '../../core/lifecycle/restartBackoff.ts';
import { RequestError } from '../../core/ipc/pendingRequests.ts';
import { WorkerThread, type DrainedWorker, type WorkerThreadOptions } from './workerThread.ts';
import type { Explanation, ExplainRequest } from '../../core/ipc/views.ts';
import type { SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { Logger } from '../../core/log/logger.ts';
import type { Clock } from '../../core/time/clock.ts';
import type { WorkerReport, WorkerSocket } from './workerMessages.ts';

/** What a slot needs beside what its threads need. */
export interface WorkerSlotOptions extends Omit<WorkerThreadOptions, 'sockets'> {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly restartPolicy: RestartPolicy;
  /** Called after every change of `state` or `generation`. */
  readonly changed: () => void;
}

/** `starting`: for the first time. `serving`: accepts on its own sockets. `down`: has died and is not back yet. */
export type WorkerSlotState = 'starting' | 'serving' | 'down' | 'drained';

/** Ours: beyond its drain time a worker gets this long to say so before nobody waits for it any more. */
const DRAIN_GRACE_MS = 2_000;

/** One worker's place: a thread that dies here is replaced by one that serves the current snapshot on the current sockets. */
export class WorkerSlot {
  readonly #options: WorkerSlotOptions;
  /** Descriptor → socket of this place. */
  readonly #sockets = new Map<number, WorkerSocket>();
  #thread: WorkerThread | null = null;
  #restart: NodeJS.Timeout | undefined;
  #startedAtMs = 0;
  #endsInRow = 0;
  #hasDied = false;
  #draining = false;

  constructor(options: WorkerSlotOptions) {
    this.#options = options;
  }

  get sockets(): readonly WorkerSocket[] {
    return [...this.#sockets.values()];
  }

  get state(): WorkerSlotState {
    if (this.#draining) return 'drained';
    if (this.#thread?.serving === true) return 'serving';
    return this.#hasDied ? 'down' : 'starting';
  }

  /** Generation that the present thread serves; 0: none. */
  get generation(): number {
    return this.#thread?.generation ?? 0;
  }

  start(): void {
    if (this.#thread !== null || this.#draining) return;
    const { changed } = this.#options;
    const options = { ...this.#options, sockets: () => this.#sockets.values() };
    this.#thread = new WorkerThread(options, { changed, ended: (fault) => this.#ended(fault) });
    this.#startedAtMs = this.#options.clock.now();
    this.#thread.start();
  }

  /** To be called after the shared snapshot has taken `delta`; a slot that is down is caught up when it comes back. */
  apply(delta: SnapshotDelta): void {
    this.#thread?.apply(delta);
  }

  /** Adds sockets to this place. */
  listen(sockets: readonly WorkerSocket[]): void {
    for (const socket of sockets) this.#sockets.set(socket.descriptor, socket);
    this.#thread?.listen(sockets);
  }

  /** Takes sockets away from this place, and has its thread accept on none of these, its own or adopted. Resolves when that is so. */
  unlisten(descriptors: readonly number[]): Promise<void> {
    for (const descriptor of descriptors) this.#sockets.delete(descriptor);
    return this.#thread?.unlisten(descriptors) ?? Promise.resolve();
  }

  /** Accept on another slot's sockets too, until `release`. */
  adopt(sockets: readonly WorkerSocket[]): void {
    this.#thread?.adopt(sockets);
  }

  release(sockets: readonly WorkerSocket[]): void {
    void this.#thread?.unlisten(sockets.map((socket) => socket.descriptor));
  }

  explain(request: ExplainRequest): Promise<Explanation> {
    return this.#thread?.explain(request) ?? this.#refuse();
  }

  collect(withEndpoints: boolean): Promise<WorkerReport> {
    return this.#thread?.collect(withEndpoints) ?? this.#refuse();
  }

  /** Has the thread finish; nothing is started here again. Resolves null when no thread was there to drain, or it died or stayed silent. */
  drain(timeoutMs: number): Promise<DrainedWorker | null> {
    this.#draining = true;
    clearTimeout(this.#restart);
    const thread = this.#thread;
    if (thread === null) return Promise.resolve(null);
    const silence = sleep(timeoutMs + DRAIN_GRACE_MS, null, { ref: false });
    return Promise.race([thread.drain(timeoutMs), silence]);
  }

  #refuse(): Promise<never> {
    return Promise.reject(new RequestError('gone', `worker ${this.#options.start.worker} is being restarted`));
  }

  #ended(fault: unknown): void {
    this.#thread = null;
    if (this.#draining) return;
    const { clock, restartPolicy, logger, start, changed } = this.#options;
    const plan = planRestart(this.#endsInRow, clock.now() - this.#startedAtMs, restartPolicy);
    this.#endsInRow = plan.endsInRow;
    this.#hasDied = true;
    const fields = { worker: start.worker, restartInMs: plan.delayMs, endsInRow: plan.endsInRow };
    logger.error('a worker has died and is replaced', fault === null ? fields : { ...fields, error: fault });
    this.#restart = setTimeout(() => this.start(), plan.delayMs);
    changed();
  }
}
