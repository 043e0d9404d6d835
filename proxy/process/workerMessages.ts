import type { ListenerAddress } from '../../core/ipc/messages.ts';
import type { EndpointView, Explanation, ExplainRequest } from '../../core/ipc/views.ts';
import type { SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { LogLevel } from '../../core/log/logger.ts';
import type { LogBatch } from '../observe/accessLog.ts';
import type { MetricsDelta } from '../../core/metrics/delta.ts';

/** What a worker thread is born with. Crosses the thread border by structured clone. */
export interface WorkerStart {
  /** Its index, as `worker` in metrics and logs. */
  readonly worker: string;
  readonly accessLogFormat: 'text' | 'json';
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
  /** Memory of the worker's LogBudget. */
  readonly logBudget: SharedArrayBuffer;
  /** See ProxyStart. */
  readonly ticketSecret: string;
}

/** One listening socket; `descriptor` is the proxy process's own, which a worker duplicates before use. */
export interface WorkerSocket extends ListenerAddress {
  readonly descriptor: number;
}

/** Main thread to worker. */
export type ToWorker =
  | { readonly type: 'apply'; readonly delta: SnapshotDelta }
  | { readonly type: 'listen'; readonly sockets: readonly WorkerSocket[] }
  /** Stop accepting on the sockets with these descriptors, as far as it does; accepted connections stay. Answered by `unlistened`. */
  | { readonly type: 'unlisten'; readonly id: number; readonly descriptors: readonly number[] }
  | { readonly type: 'explain'; readonly id: number; readonly request: ExplainRequest }
  | { readonly type: 'collect'; readonly id: number; readonly endpoints: boolean }
  | { readonly type: 'drain'; readonly timeoutMs: number }
  | { readonly type: 'ping' };

/** What one worker has counted and knows of its endpoints. */
export interface WorkerReport {
  readonly metrics: MetricsDelta;
  readonly endpoints: readonly EndpointView[];
}

/** Worker to main thread. */
export type FromWorker =
  /** Access log lines; their octets are transferred. */
  | { readonly type: 'log'; readonly batch: LogBatch }
  | { readonly type: 'applied'; readonly generation: number }
  /** Accepting on the socket whose `descriptor` is named. */
  | { readonly type: 'listening'; readonly descriptor: number }
  /** Could not accept there, said why in its log, and tries again from time to time. */
  | { readonly type: 'listenFailed'; readonly descriptor: number }
  | { readonly type: 'unlistened'; readonly id: number }
  | { readonly type: 'explained'; readonly id: number; readonly explanation: Explanation }
  | { readonly type: 'collected'; readonly id: number; readonly report: WorkerReport }
  | { readonly type: 'drained'; readonly cutConnections: number; readonly report: WorkerReport }
  | { readonly type: 'pong' };
