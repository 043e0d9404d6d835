import type { Explanation, ExplainRequest } from '../../core/ipc/views.ts';
import type { SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { Logger } from '../../core/log/logger.ts';
import type { Clock } from '../../core/time/clock.ts';
import type { LogBatch } from '../observe/accessLog.ts';
import type { LogBudget } from '../observe/logBudget.ts';
import type { WorkerReport, WorkerSocket } from './workerMessages.ts';

/** What a worker gives its engine. */
export interface WorkerEngineOptions {
  readonly worker: string;
  readonly accessLogFormat: 'text' | 'json';
  readonly logger: Logger;
  readonly logBudget: LogBudget;
  /** Hands access log lines to the one writer of the process. */
  readonly sendLog: (batch: LogBatch) => void;
  readonly clock: Clock;
  /** 32 octets that all workers of all proxies of one controller share: TLS session ticket keys are derived from them. Never logged. */
  readonly ticketSecret: Buffer;
}

/** What a worker thread runs: everything between an accepted connection and a backend. */
export interface WorkerEngine {
  /** Serves `delta` from the next request on; synchronous. */
  apply(delta: SnapshotDelta): void;
  /**
   * Accepts connections, or with protocol `udp` reads datagrams, on `descriptor`, which the engine owns from the call on.
   * Resolves once it does; rejects when it cannot, with the descriptor closed.
   */
  listen(socket: WorkerSocket): Promise<void>;
  /** Stops accepting on a descriptor given to `listen` and closes it, at once; accepted connections stay. One it does not know is ignored. */
  unlisten(descriptor: number): void;
  explain(request: ExplainRequest): Explanation;
  collect(withEndpoints: boolean): WorkerReport;
  /** Stops accepting, waits for open requests, cuts what is left after `timeoutMs`. */
  drain(timeoutMs: number): Promise<{ readonly cutConnections: number }>;
}

/** Makes the engine of one worker thread. */
export type CreateWorkerEngine = (options: WorkerEngineOptions) => WorkerEngine;
