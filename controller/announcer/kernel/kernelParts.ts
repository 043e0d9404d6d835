/** Leads marked packets to this machine's own sockets: `ip rule` and a `local default dev lo` route, for IPv4 and IPv6. */
export interface PolicyRouting {
  /**
   * `fwmark mark/mark lookup table`, and in `table` a local default route through lo. What is there already stays; called again
   * at every apply, so that what others have taken away comes back.
   */
  ensure(mark: number, table: number): Promise<void>;
  /** Takes away what `ensure` has made, and nothing else. Does nothing where nothing is there. */
  remove(): Promise<void>;
}

/** Connection tracking entries of one VIP port. */
export interface StaleFlows {
  readonly protocol: 'tcp' | 'udp';
  /** Original destination, canonical. */
  readonly vip: string;
  readonly port: number;
  /** Entries that lead to one of these stay; empty: none stays, those of no endpoint (not translated) included. */
  readonly keep: readonly FlowEndpoint[];
}

/** Where the packets of an entry go: source address and port of its reply direction. */
export interface FlowEndpoint {
  readonly address: string;
  readonly port: number;
}

/** Forgets connections, so that their next packet is treated as a first one. */
export interface ConntrackFlush {
  /** Removes the entries of each VIP port that lead elsewhere than to `keep`. Entries that end meanwhile are no error. */
  flush(flows: readonly StaleFlows[]): Promise<void>;
}
