import type { SnapshotDelta } from '../ir/snapshot.ts';
import type { MetricsDelta } from '../metrics/delta.ts';
import type { EndpointView, Explanation, ExplainRequest } from './views.ts';

/** `tcp` and `udp` carry L4 routes (core/ir/l4.ts). */
export type ListenerProtocol = 'http' | 'https' | 'tcp' | 'udp';

/** An address to listen on; `port` 0: an ephemeral one. TCP and UDP ports are different things, all protocols but `udp` are TCP. */
export interface ListenerAddress {
  readonly protocol: ListenerProtocol;
  /** IP address literal. */
  readonly address: string;
  readonly port: number;
  /** The address is on no interface: its sockets are transparent (ip(7), IP_TRANSPARENT). Absent: false. */
  readonly transparent?: true;
}

/** A listener with one open SO_REUSEPORT socket per worker, whose descriptors come over the descriptor channel. */
export interface ListenerSpec extends ListenerAddress {
  /** Unlike any other of the same controller, later ones included. */
  readonly id: number;
}

/** Where a proxy process finds its end of the descriptor channel; 3 is the IPC channel. */
export const DESCRIPTOR_CHANNEL = 4;

/** First message to the proxy process. */
export interface ProxyStart {
  readonly type: 'start';
  readonly workers: number;
  /** How many listeners follow with `listen`: workers start when the proxy has them. */
  readonly listeners: number;
  readonly accessLogFormat: 'text' | 'json';
  readonly logLevel: string;
  readonly logFormat: 'text' | 'json';
  /** Secret of this run, base64 of 32 octets: all workers of all its proxies derive TLS session ticket keys from it. Never logged. */
  readonly ticketSecret: string;
}

/** Controller to proxy process, and from there to every worker. */
export type ToProxy =
  | ProxyStart
  | { readonly type: 'apply'; readonly delta: SnapshotDelta }
  /**
   * Listen on these too. Their descriptors are in the descriptor channel already, as the batch with the number `id`: one
   * per worker for each listener, in order. Answered by `listened`, which lets the next batch come.
   */
  | { readonly type: 'listen'; readonly id: number; readonly listeners: readonly ListenerSpec[] }
  /** Stop accepting on the listeners with these ids; connections accepted before stay. Answered by `unlistened`. */
  | { readonly type: 'unlisten'; readonly id: number; readonly listeners: readonly number[] }
  /** Stop accepting, finish open requests, then exit; what is open after `timeoutMs` is cut. */
  | { readonly type: 'drain'; readonly timeoutMs: number }
  | { readonly type: 'explain'; readonly id: number; readonly request: ExplainRequest }
  /** Send what has been counted since the last time, then the answer: all endpoints, or none where `endpoints` is false. */
  | { readonly type: 'collect'; readonly id: number; readonly endpoints: boolean };

/** Proxy process to controller. The proxy speaks for all its workers together. */
export type FromProxy =
  /** Every worker accepts on the listeners there were when it started, and serves the first snapshot. */
  | { readonly type: 'serving' }
  /** The descriptors are there and the workers have been told; `failure`: why they are not, in words, null when they are. */
  | { readonly type: 'listened'; readonly id: number; readonly failure: string | null }
  /** No worker accepts there any more, and the proxy has closed its descriptors. */
  | { readonly type: 'unlistened'; readonly id: number }
  /** Every worker serves this generation. */
  | { readonly type: 'applied'; readonly generation: number }
  | { readonly type: 'explained'; readonly id: number; readonly explanation: Explanation }
  | { readonly type: 'metrics'; readonly delta: MetricsDelta }
  | { readonly type: 'collected'; readonly id: number; readonly endpoints: readonly EndpointView[] }
  | { readonly type: 'drained'; readonly cutConnections: number };
