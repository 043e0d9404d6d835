/** One end of a connection. `address`: IP literal in its canonical form, an IPv4-mapped IPv6 address as IPv4. */
export interface SocketEnd {
  readonly address: string;
  readonly port: number;
}

/** What a PROXY header says. */
export interface ProxyHeader {
  readonly version: 1 | 2;
  /** LOCAL: the sender speaks for itself (health checks). */
  readonly command: 'LOCAL' | 'PROXY';
  /** The original client; null when the header names none (LOCAL, UNKNOWN, UNSPEC, AF_UNIX): then the peer is it. */
  readonly source: SocketEnd | null;
  /** What the client connected to; null exactly when `source` is. */
  readonly destination: SocketEnd | null;
}

/** `incomplete`: more octets are needed. `length`: octets of the header; what follows belongs to the connection. */
export type ProxyHeaderResult =
  | { readonly type: 'incomplete' }
  | { readonly type: 'invalid'; readonly reason: string }
  | { readonly type: 'header'; readonly length: number; readonly header: ProxyHeader };
