/** How a BFD session runs (RFC 5880 section 6.8.1; defaults as in MetalLB's BFDProfile). Times in ms. */
export interface BfdSettings {
  /** bfd.RequiredMinRxInterval. */
  readonly receiveIntervalMs: number;
  /** bfd.DesiredMinTxInterval; while the session is not up, never less than 1 s (section 6.8.3). */
  readonly transmitIntervalMs: number;
  /** bfd.DetectMult. */
  readonly detectMultiplier: number;
  /** Echo packets, which the peer's forwarding plane returns (RFC 5881 section 4); null: none are sent. */
  readonly echoIntervalMs: number | null;
  /** bfd.RequiredMinEchoRxInterval in a single hop: how often the peer may send echo packets, which the kernel's forwarding returns. */
  readonly echoReceiveIntervalMs: number;
  /** Nothing is sent before something is heard. */
  readonly passive: boolean;
  /** `multihop` (RFC 5883, UDP port 4784), packets with a smaller TTL are dropped; `single` (RFC 5881, port 3784): 255 is a must. */
  readonly hops: { readonly type: 'single' } | { readonly type: 'multihop'; readonly minimumTtl: number };
}
