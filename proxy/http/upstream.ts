import type { Endpoint } from '../../core/ir/cluster.ts';
import type { Transport } from '../../core/ir/transport.ts';
import type { RequestHead, ResponseHead, Tunnel } from './exchange.ts';
import type { Fields } from './fields.ts';

/** Why a try against one endpoint failed. */
export interface UpstreamError {
  readonly code:
    /** The endpoint refused or could not be reached; nothing was sent. */
    | 'connectFailed'
    | 'connectTimeout'
    /** A kept connection turned out to be closed before one octet of the response; `sent` may still be true. */
    | 'stale'
    /** The connection broke in the middle. */
    | 'reset'
    | 'readTimeout'
    | 'sendTimeout'
    /** The backend's certificate or its TLS cannot be accepted; nothing was sent. */
    | 'tlsFailed'
    /** The response broke RFC 9112 or RFC 9113. */
    | 'invalidResponse';
  /** For logs; never sent to a client. */
  readonly detail: string;
  /** At least one octet of the request may have reached the backend. */
  readonly sent: boolean;
}

/** What the caller of a back codec is told. */
export interface UpstreamHandler {
  /** The connection is there and the head is on its way: the body may flow. Until here a try can be repeated freely. */
  onReady(): void;
  /** 1xx but 100 and 101. */
  onInformational(head: ResponseHead): void;
  /** The backend asked for the body with 100 (Continue). */
  onContinue(): void;
  onHead(head: ResponseHead): void;
  /** False: hold back until `resumeResponse`. */
  onData(chunk: Buffer): boolean;
  onEnd(trailers: Fields | null): void;
  /** The backend answered 101. */
  onUpgrade(head: ResponseHead, tunnel: Tunnel): void;
  /** The backend can take more of the request body. */
  onWritable(): void;
  /** The try is over; before `onHead` the caller may try again elsewhere. */
  onError(error: UpstreamError): void;
}

/** One try of one request at one endpoint; implemented by back codecs. */
export interface UpstreamRequest {
  /** False: wait for `onWritable`. */
  write(chunk: Buffer): boolean;
  end(trailers: Fields | null): void;
  resumeResponse(): void;
  /** Gives the try up; the connection is not used again unless the exchange was complete. No callback follows. */
  abort(): void;
  /** ms from start to an open connection; 0 on a kept one; null before. */
  readonly connectMs: number | null;
}

/** Times of one try, ms. */
export interface UpstreamTimeouts {
  readonly connectMs: number;
  readonly readMs: number;
  readonly sendMs: number;
}

/** Where and how one try goes. */
export interface UpstreamTarget {
  readonly endpoint: Endpoint;
  /** `host:port`, as `endpointKey` makes it: under it connections are kept. */
  readonly key: string;
  readonly timeouts: UpstreamTimeouts;
  /** Null: HTTP/1.1 in clear text. */
  readonly transport: Transport | null;
  /** False: a new connection is made, because the request must not meet one that the backend is about to close. */
  readonly reuse: boolean;
}

/** A request as a backend gets it. */
export interface UpstreamHead extends RequestHead {
  /**
   * Further fields, the same object for many requests: a codec may remember what it made of them. Their names do not
   * occur in `fields`. Absent: none.
   */
  readonly sharedFields?: Fields;
}

/** Carries requests to endpoints of one protocol, keeping idle connections. One per worker. */
export interface Upstream {
  /** Starts one try. Callbacks come later, never inside this call. */
  request(target: UpstreamTarget, head: UpstreamHead, handler: UpstreamHandler): UpstreamRequest;
  /** Closes idle connections to `host:port`, and active ones once they end. */
  retire(endpoint: Endpoint): void;
  close(): void;
}
