import type { ConnectionEnds } from '../session/sessionEvents.ts';
import type { WantedPeer } from '../bgpWanted.ts';

/** What of a peer its sockets depend on: connections are opened anew when it changes. */
export type TransportPeer = Pick<
  WantedPeer, 'name' | 'remote' | 'port' | 'sourceAddress' | 'vrf' | 'authentication' | 'ttl' | 'minimumTtl' | 'connect'
>;

/** Opens and takes BGP's TCP connections. */
export interface BgpTransport {
  /**
   * Opens a connection. Whatever fails is told by `closed` before `connected`, in words that name what was tried: nothing is thrown.
   * For an interface, the router's link-local address is found first (its router advertisements or neighbour entries).
   */
  connect(peer: TransportPeer, events: ConnectionEvents): BgpConnection;
  /**
   * From now on connections are taken from exactly these peers (those with connect `passive` or `both`), on `port`; from others they
   * are closed at once, and counted; whoever connects too often, and what comes from further away than a peer may be (`minimumTtl`), gets no
   * answer, and is not counted. Answers what cannot be listened on, in words.
   */
  accept(peers: readonly TransportPeer[]): readonly string[];
  /** Connections of others that were refused. */
  refused(): number;
  stop(): void;
}

export interface BgpTransportEvents {
  /** A peer has connected: answer what is to be told about the connection, or null, and it is closed. */
  readonly accepted: (peer: string, connection: BgpConnection, ends: ConnectionEnds) => ConnectionEvents | null;
}

export interface ConnectionEvents {
  readonly connected: (ends: ConnectionEnds) => void;
  readonly octets: (octets: Uint8Array) => void;
  /** Once, at the end, whoever has closed it: `reason` in words. */
  readonly closed: (reason: string) => void;
  readonly writable: (writable: boolean) => void;
}

export interface BgpConnection {
  /** Answers false when the peer reads too slowly: what was sent is kept, and no more should be for now. */
  send(octets: Uint8Array): boolean;
  /** What was sent goes out first, for up to `lingerMs`; then `closed`. */
  close(lingerMs: number): void;
  /** At once, without a word to the peer but the end of the connection. */
  destroy(): void;
}
