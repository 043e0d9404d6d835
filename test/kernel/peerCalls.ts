/** Listens, at a local address or, `transparent`, at any. */
export interface Serve {
  readonly name: string;
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  readonly transparent: boolean;
}

/** Asks `count` times, each by a connection or socket of its own. */
export interface Ask {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  readonly count: number;
  readonly from: string | null;
  readonly fromPort: number | null;
  /** Keeps the connection or socket under that name, and uses it again the next time. */
  readonly keep: string | null;
}

/** Who answered, and as whom it saw the client; or the error. */
export type AskOutcome =
  | { readonly server: string; readonly client: string; readonly clientPort: number }
  | { readonly error: string };
