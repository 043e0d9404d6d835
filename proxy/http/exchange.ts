import type { CertificateKey } from '../../core/ir/certificate.ts';
import type { Fields } from './fields.ts';

/**
 * One request and its response on the way through the proxy, independent of the protocol on either side. Front codecs
 * (HTTP/1.1 today) produce exchanges, route filters look at them, back codecs carry them. The rules that hold for all:
 *
 * - Head fields hold no framing and no hop-by-hop fields (Connection and what it names, Keep-Alive, Proxy-Connection,
 *   TE, Trailer, Transfer-Encoding, Upgrade, Content-Length): `bodyLength` and `upgrade` say the same in one form.
 * - `write` and `onBody` take octets and answer whether more may come; after false the producer waits for the resume call.
 * - Chunks belong to the receiver's call: a receiver that keeps one beyond the call owns it, nobody writes to it again.
 * - After `abort`, an error callback or the end, no further callback comes.
 */
export interface RequestHead {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** Host and optional port the client asked for; validated; empty only for HTTP/1.0 without Host. */
  readonly authority: string;
  /** Origin-form path with query, or `*`. As received, never decoded. */
  readonly target: string;
  readonly fields: Fields;
  /** Octets; 0: no body; null: not known before the end. */
  readonly bodyLength: number | null;
  /** Protocol named by Upgrade (HTTP/1.1) or :protocol (HTTP/2), lower case; null: none asked for. */
  readonly upgrade: string | null;
  /** The client waits for 100 before it sends the body (Expect: 100-continue). */
  readonly expectsContinue: boolean;
  /** The client said `TE: trailers`: it looks at trailers, and gRPC backends insist on hearing so. Absent: it did not. */
  readonly acceptsTrailers?: boolean;
  /** `HTTP/1.0`, `HTTP/1.1`, `HTTP/2.0`: for logs and for what the response may use. */
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2.0';
}

export interface ResponseHead {
  readonly status: number;
  /** Reason phrase as the backend sent it; empty: the standard one of the status. */
  readonly reason: string;
  readonly fields: Fields;
  /** Octets; null: not known before the end. For HEAD and 304 what Content-Length said, though no body follows; null: nothing said. */
  readonly bodyLength: number | null;
}

/** The connection a request came on. */
export interface ClientConnection {
  /** Address of the peer, IPv4-mapped IPv6 already unmapped. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Null on plain connections. */
  readonly tls: ClientTls | null;
}

/** What the TLS handshake of a client connection settled. */
export interface ClientTls {
  /** Lower case; null when the client sent none. */
  readonly serverName: string | null;
  readonly protocol: string;
  readonly cipher: string;
  /** The certificate that the server name selected: what else it may be used for, a request must not exceed (421). */
  readonly certificate: CertificateKey;
  /** Null: no client certificate was asked for. */
  readonly clientAuth: ClientAuthResult | null;
}

/** The client's certificate as `auth-tls-*` policies saw it. */
export interface ClientAuthResult {
  /** `ClientAuth.identity` of the policy the handshake was made under. */
  readonly identity: string;
  /** nginx's `$ssl_client_verify`: `SUCCESS`, `NONE`, `FAILED:reason`. */
  readonly verify: string;
  /** Null: none was sent. DNs by RFC 2253, `pem` of the leaf. */
  readonly certificate: { readonly subjectDn: string; readonly issuerDn: string; readonly pem: string } | null;
}

/** Why an exchange ended before its regular end. */
export type AbortReason =
  | 'clientGone'
  | 'clientTimeout'
  | 'clientProtocolError'
  | 'bodyTooLarge'
  | 'upstreamFailed'
  | 'shutdown';

/** What the handler of an exchange is told. */
export interface ExchangeHandler {
  /** Names the exchange in pages the front codec answers with in the handler's place. */
  readonly requestId: string;
  /** Octets of the request body; false: hold back until `resumeBody`. */
  onBody(chunk: Buffer): boolean;
  onBodyEnd(trailers: Fields | null): void;
  /** The client can take more of the response, after `write` had said false. */
  onWritable(): void;
  /**
   * The client went away or broke the protocol in the middle of the request; nothing can be answered any more.
   * `answered`: status the front codec has answered with in the handler's place; null: it could not.
   */
  onAbort(reason: AbortReason, answered: number | null): void;
}

/** A byte stream in both directions, what is left of an exchange after an upgrade. Either side may end its half alone. */
export interface Tunnel {
  /** Starts delivery; octets that arrived early come first. */
  start(handler: TunnelHandler): void;
  /** False: wait for `onWritable`. */
  write(chunk: Buffer): boolean;
  /** Ends this side's sending half. */
  end(): void;
  /** Sends what was written, then closes; nothing more is read. */
  close(): void;
  abort(): void;
  pause(): void;
  resume(): void;
}

export interface TunnelHandler {
  onData(chunk: Buffer): void;
  onEnd(): void;
  onWritable(): void;
  onClose(): void;
}

/** Implemented by front codecs. */
export interface Exchange {
  readonly request: RequestHead;
  readonly client: ClientConnection;
  /** Clock reading when the first octet of the head came, ms. */
  readonly startedAtMs: number;
  /** Octets received so far for this request, head included (access log `$request_length`). */
  readonly requestBytes: number;
  /** Octets of response body sent so far. */
  readonly responseBodyBytes: number;
  /** Octets sent so far for the response, head included. */
  readonly responseBytes: number;

  /** Names the handler. Called once, in the call that hands the exchange over. The body is held until `resumeBody`. */
  start(handler: ExchangeHandler): void;
  /** Delivers the body (or its end) from now on, until `onBody` says false. */
  resumeBody(): void;
  /** Lets a client that waits for 100 (Continue) go on; nothing when it does not wait. */
  sendContinue(): void;
  /** A 1xx response other than 100 and 101; dropped for HTTP/1.0 clients. */
  sendInformational(head: ResponseHead): void;
  /** The final response head. At most once. What remains of the request body is then read and dropped within bounds, or the connection closed. */
  sendHead(head: ResponseHead): void;
  /** False: wait for `onWritable`. */
  write(chunk: Buffer): boolean;
  end(trailers: Fields | null): void;
  /** Answers 101 (or 200 for extended CONNECT) and hands the raw stream over. Instead of `sendHead`. */
  acceptUpgrade(head: ResponseHead): Tunnel;
  /** Ends the exchange at once; if a head has been sent, so that the client cannot take the response for complete. */
  abort(reason: AbortReason): void;
}

/** Takes every exchange a front codec produces. */
export type ExchangeListener = (exchange: Exchange) => void;
