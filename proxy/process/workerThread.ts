import { Worker, type ResourceLimits } from 'node:worker_threads';
import { createPendingRequests } from '../../core/ipc/pendingRequests.ts';
import { mergeDeltas, type CurrentSnapshot } from '../../core/ir/currentSnapshot.ts';
import type { Explanation, ExplainRequest } from '../../core/ipc/views.ts';
import type { SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { LogBatch } from '../observe/accessLog.ts';
import { createLogBudget, type LogBudget } from '../observe/logBudget.ts';
import type { FromWorker, ToWorker, WorkerReport, WorkerSocket, WorkerStart } from './workerMessages.ts';

/** What a thread runs and serves. */
export interface WorkerThreadOptions {
  /** Module that the thread runs. */
  readonly entry: URL;
  readonly start: Omit<WorkerStart, 'logBudget'>;
  /** Its own sockets at this moment: what a thread that begins now listens on. */
  readonly sockets: () => Iterable<WorkerSocket>;
  /** Where a thread that begins now is caught up from. */
  readonly snapshot: CurrentSnapshot;
  readonly resourceLimits: ResourceLimits;
  /** A thread that answers no ping for this long is ended; one that cannot be ended takes the process with it. */
  readonly stuckAfterMs: number;
  /** Takes access log lines; gives their octets back to the budget once they are written. */
  readonly onLog: (batch: LogBatch, budget: LogBudget) => void;
}

/** What a thread tells its owner. */
export interface WorkerThreadEvents {
  /** The generation it serves, or whether it serves, has changed. */
  readonly changed: () => void;
  /** It is gone; `fault` is what it threw, null when it threw nothing. Called once. */
  readonly ended: (fault: unknown) => void;
}

/** What a drained worker leaves behind. */
export interface DrainedWorker {
  readonly cutConnections: number;
  readonly report: WorkerReport;
}

/** Ours: explain and collect take microseconds, so silence this long means trouble. */
const REQUEST_TIMEOUT_MS = 2_000;

/** Ours: access log octets of one worker that may wait for a slow reader; beyond, lines are dropped and counted. */
const MAX_LOG_BYTES = 4 * 1024 * 1024;

const PINGS_UNTIL_STUCK = 2;

/** One life of one worker thread, seen from the main thread. */
export class WorkerThread {
  readonly #options: WorkerThreadOptions;
  readonly #events: WorkerThreadEvents;
  readonly #explanations;
  readonly #reports;
  readonly #drained = Promise.withResolvers<DrainedWorker | null>();
  readonly #unlistened = new Map<number, () => void>();
  #lastUnlisten = 0;
  /** Descriptors of sockets it began with and has not tried to accept on yet. */
  readonly #awaited = new Set<number>();
  readonly #logBudget = createLogBudget(MAX_LOG_BYTES);
  #worker: Worker | null = null;
  #watch: NodeJS.Timeout | undefined;
  #unansweredPings = 0;
  #fault: unknown = null;
  #generation = 0;
  #begun = false;
  /** A delta is with the thread; what comes meanwhile is merged in #waiting, so that a busy thread is sent one, not many. */
  #applying = false;
  #waiting: SnapshotDelta | null = null;

  constructor(options: WorkerThreadOptions, events: WorkerThreadEvents) {
    const subject = `worker ${options.start.worker}`;
    this.#options = options;
    this.#events = events;
    this.#explanations = createPendingRequests<Explanation>(subject, REQUEST_TIMEOUT_MS);
    this.#reports = createPendingRequests<WorkerReport>(subject, REQUEST_TIMEOUT_MS);
  }

  /** Starts the thread; it serves as soon as there is a snapshot. */
  start(): void {
    const { entry, start, resourceLimits, snapshot, stuckAfterMs } = this.#options;
    const workerData: WorkerStart = { ...start, logBudget: this.#logBudget.shared };
    const worker = new Worker(entry, { workerData, resourceLimits, name: `worker ${start.worker}` });
    this.#worker = worker;
    worker.on('message', (message: FromWorker) => this.#receive(message));
    worker.on('error', (fault: unknown) => { this.#fault = fault; });
    worker.once('exit', () => this.#end());
    this.#watch = setInterval(() => this.#ping(), stuckAfterMs / PINGS_UNTIL_STUCK).unref();
    if (snapshot.generation() > 0) this.#begin();
  }

  /** Generation it serves; 0: none. */
  get generation(): number {
    return this.#generation;
  }

  /** True once it has a snapshot and accepts on the sockets it began with; those that come later change nothing. */
  get serving(): boolean {
    return this.#generation > 0 && this.#awaited.size === 0;
  }

  /** To be called after the shared snapshot has taken `delta`. */
  apply(delta: SnapshotDelta): void {
    if (this.#waiting !== null) this.#waiting = mergeDeltas(this.#waiting, delta);
    else if (this.#applying) this.#waiting = delta;
    else if (this.#begun) this.#postDelta(delta);
    else this.#begin();
  }

  /** Accept on sockets of its own that are new. One that has not begun gets them with all others. */
  listen(sockets: readonly WorkerSocket[]): void {
    if (this.#begun) this.adopt(sockets);
  }

  /** Accept on another worker's sockets too. */
  adopt(sockets: readonly WorkerSocket[]): void {
    this.#post({ type: 'listen', sockets });
  }

  /** Accept on these no more, whoever's they are. Resolves when that is so, at the latest with the thread's end. */
  unlisten(descriptors: readonly number[]): Promise<void> {
    if (this.#worker === null) return Promise.resolve();
    this.#lastUnlisten += 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#unlistened.set(this.#lastUnlisten, resolve);
    this.#post({ type: 'unlisten', id: this.#lastUnlisten, descriptors });
    const wasServing = this.serving;
    for (const descriptor of descriptors) this.#awaited.delete(descriptor);
    if (!wasServing && this.serving) this.#events.changed();
    return promise;
  }

  explain(request: ExplainRequest): Promise<Explanation> {
    return this.#explanations.open((id) => this.#post({ type: 'explain', id, request }));
  }

  collect(withEndpoints: boolean): Promise<WorkerReport> {
    return this.#reports.open((id) => this.#post({ type: 'collect', id, endpoints: withEndpoints }));
  }

  /** Resolves null when it ends undrained. */
  drain(timeoutMs: number): Promise<DrainedWorker | null> {
    this.#post({ type: 'drain', timeoutMs });
    return this.#drained.promise;
  }

  #begin(): void {
    this.#begun = true;
    this.#postDelta(this.#options.snapshot.full());
    const sockets = [...this.#options.sockets()];
    for (const { descriptor } of sockets) this.#awaited.add(descriptor);
    this.#post({ type: 'listen', sockets });
  }

  #postDelta(delta: SnapshotDelta): void {
    this.#applying = true;
    this.#post({ type: 'apply', delta });
  }

  #post(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'log': return this.#options.onLog(message.batch, this.#logBudget);
      case 'applied': return this.#applied(message.generation);
      case 'listening':
      case 'listenFailed': return this.#tried(message.descriptor);
      case 'unlistened':
        this.#unlistened.get(message.id)?.();
        return void this.#unlistened.delete(message.id);
      case 'explained': return this.#explanations.settle(message.id, message.explanation);
      case 'collected': return this.#reports.settle(message.id, message.report);
      case 'drained': return this.#drained.resolve(message);
      case 'pong':
        this.#unansweredPings = 0;
        return;
    }
  }

  #tried(descriptor: number): void {
    if (this.#awaited.delete(descriptor) && this.#awaited.size === 0) this.#events.changed();
  }

  #applied(generation: number): void {
    this.#generation = generation;
    this.#applying = false;
    const next = this.#waiting;
    this.#waiting = null;
    if (next !== null) this.#postDelta(next);
    this.#events.changed();
  }

  #ping(): void {
    const { start, stuckAfterMs } = this.#options;
    if (this.#unansweredPings === PINGS_UNTIL_STUCK) {
      this.#fault ??= new Error(`no sign of life for ${stuckAfterMs} ms: the thread was stuck`);
      void this.#worker?.terminate();
    }
    // Caught by nobody: the process ends, and the controller starts another on the same sockets.
    if (this.#unansweredPings === 2 * PINGS_UNTIL_STUCK) throw new Error(`worker ${start.worker} is stuck and cannot be ended`);
    this.#unansweredPings += 1;
    this.#post({ type: 'ping' });
  }

  #end(): void {
    clearInterval(this.#watch);
    this.#worker = null;
    this.#explanations.abandon('it has ended');
    this.#reports.abandon('it has ended');
    this.#drained.resolve(null);
    for (const resolve of this.#unlistened.values()) resolve();
    this.#unlistened.clear();
    this.#events.ended(this.#fault);
  }
}
