/** Ceilings on what a client may send or hold. Times are ms; each default names its source in controller/translate/settings. */
export interface ClientLimits {
  /** Request line, octets without CRLF; longer is answered 414. */
  readonly requestLineBytes: number;
  /** One field line; longer is answered 431. */
  readonly fieldLineBytes: number;
  /** All field lines of a head or trailer section together; more is answered 431. */
  readonly headerBytes: number;
  /** Field lines of a head; more is answered 431. */
  readonly headerCount: number;
  /** From the first octet of a head to its end; later is answered 408. */
  readonly headerTimeoutMs: number;
  /** Between two reads of a request body. */
  readonly bodyTimeoutMs: number;
  /** Between two writes to the client. */
  readonly sendTimeoutMs: number;
  /** Between two requests of one connection. */
  readonly keepAliveTimeoutMs: number;
  /** Requests on one connection; the last one is answered with `Connection: close`. */
  readonly keepAliveRequests: number;
  readonly tlsHandshakeTimeoutMs: number;
  /** Client connections of one worker; further ones wait in the listen backlog or are closed at once. */
  readonly connectionsPerWorker: number;
}

/** Idle connections to backends, per worker. */
export interface UpstreamKeepAlive {
  /** Idle connections kept in all; 0: none. */
  readonly connections: number;
  readonly idleTimeoutMs: number;
  readonly requests: number;
  readonly maxAgeMs: number;
}

/** Whose word about the client's address and scheme is taken. */
export interface ForwardedHeaders {
  /** Peers in these CIDRs may send X-Forwarded-*; everybody else's are replaced. */
  readonly trustedCidrs: readonly string[];
  /** Append to X-Forwarded-For instead of replacing it (`compute-full-forwarded-for`). */
  readonly appendForwardedFor: boolean;
}

/** HTTP/2 for clients. Ceilings against floods; each default names its source in controller/translate/settings. */
export interface Http2Settings {
  /** Offered by ALPN on HTTPS listeners (`use-http2`). */
  readonly enabled: boolean;
  /** HTTP listeners take HTTP/2 with prior knowledge as well. */
  readonly cleartext: boolean;
  /** SETTINGS_MAX_CONCURRENT_STREAMS. */
  readonly maxConcurrentStreams: number;
  /** Requests on one connection before it is told to go away; null: as many as come. */
  readonly maxRequests: number | null;
}

/** What holds for the whole proxy. */
export interface Settings {
  readonly limits: ClientLimits;
  readonly upstreamKeepAlive: UpstreamKeepAlive;
  readonly forwardedHeaders: ForwardedHeaders;
  readonly accessLog: boolean;
  readonly http2: Http2Settings;
  /** Peers in these CIDRs open connections to the HTTP and HTTPS listeners with a PROXY header, and must; null: nobody does (`use-proxy-protocol`). */
  readonly proxyProtocol: { readonly trustedCidrs: readonly string[] } | null;
  /** TLS sessions may be resumed (`ssl-session-tickets`). */
  readonly sessionTickets: boolean;
}
