import type { SnapshotDelta } from '../ir/snapshot.ts';
import type { MetricsDelta } from '../metrics/delta.ts';
import type { EndpointView, Explanation, ExplainRequest } from './views.ts';

/** A listening address and the inherited descriptors that accept for it. */
export interface ListenerSpec {
  readonly protocol: 'http' | 'https';
  readonly address: string;
  readonly port: number;
  /** One SO_REUSEPORT socket per worker, numbered as in the proxy process. */
  readonly descriptors: readonly number[];
}

/** First message to the proxy process. */
export interface ProxyStart {
  readonly type: 'start';
  readonly workers: number;
  readonly listeners: readonly ListenerSpec[];
  readonly accessLogFormat: 'text' | 'json';
  readonly logLevel: string;
  readonly logFormat: 'text' | 'json';
}

/** Controller to proxy process, and from there to every worker. */
export type ToProxy =
  | ProxyStart
  | { readonly type: 'apply'; readonly delta: SnapshotDelta }
  /** Stop accepting, finish open requests, then exit; what is open after `timeoutMs` is cut. */
  | { readonly type: 'drain'; readonly timeoutMs: number }
  | { readonly type: 'explain'; readonly id: number; readonly request: ExplainRequest }
  /** Send what has been counted since the last time, then the answer. */
  | { readonly type: 'collect'; readonly id: number };

/** Proxy process to controller. The proxy speaks for all its workers together. */
export type FromProxy =
  /** Every worker listens and serves the first snapshot. */
  | { readonly type: 'serving' }
  /** Every worker serves this generation. */
  | { readonly type: 'applied'; readonly generation: number }
  | { readonly type: 'explained'; readonly id: number; readonly explanation: Explanation }
  | { readonly type: 'metrics'; readonly delta: MetricsDelta }
  | { readonly type: 'collected'; readonly id: number; readonly endpoints: readonly EndpointView[] }
  | { readonly type: 'drained'; readonly cutConnections: number };
