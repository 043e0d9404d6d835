import type { Cluster, Endpoint } from '../../core/ir/cluster.ts';
import type { L4Route } from '../../core/ir/l4.ts';

/** Both ends of a connection or session on the client's side; the original ones where a PROXY header named them. */
export interface L4Client {
  /** IP address literal, never IPv4-mapped, without zone. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

/** How a connection or session ended. */
export type L4Outcome =
  /** TCP: both directions were ended by their senders. UDP: silent for the route's idle timeout. */
  | 'completed'
  | 'clientReset'
  | 'endpointReset'
  /** TCP only: silent, and therefore reset. */
  | 'idleTimeout'
  /** Open when the proxy stopped. UDP also: its listener went. */
  | 'cut'
  /** UDP only: gave its place to a newer session. */
  | 'evicted'
  /** Peers that must send a PROXY header sent something else, or nothing in time. */
  | 'badProxyHeader'
  | 'sourceRefused'
  | 'connectionLimit'
  /** No endpoint is ready. */
  | 'noEndpoint'
  /** Endpoints are ready, none of those tried could be connected to. */
  | 'connectFailed'
  /** Something is wrong with the proxy itself: out of descriptors or local ports, or a defect. */
  | 'proxyFault';

export type L4Protocol = 'tcp' | 'udp';

/** Everything that is known of a finished connection or session. */
export interface L4Record {
  readonly route: L4Route;
  readonly protocol: L4Protocol;
  readonly client: L4Client;
  /** The one chosen last; null: none was. */
  readonly cluster: Cluster | null;
  readonly endpoint: Endpoint | null;
  /** Payload octets from and to the client; PROXY headers are not counted. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** UDP only: datagrams from and to the client. 0 for TCP. */
  readonly receivedDatagrams: number;
  readonly sentDatagrams: number;
  /** Wall clock at the end, ms since the epoch. */
  readonly timeMs: number;
  readonly sessionTimeMs: number;
  /** From the first try to the connection; null when there was none, and for UDP. */
  readonly connectTimeMs: number | null;
  /** Endpoints tried. */
  readonly tries: number;
  readonly outcome: L4Outcome;
}

/** Why a datagram went nowhere. */
export type DatagramDrop =
  | 'noListener'
  | 'sourceRefused'
  | 'sessionLimit'
  | 'noEndpoint'
  /** More than may wait while the session is connected, or than a socket's send queue may hold. */
  | 'queueFull'
  /** The system refused it: too long for the path, no buffer. */
  | 'sendFailed';

/** What the L4 data plane tells whoever counts and logs. Called on the data path: cheap, and never throwing. */
export interface L4Observer {
  /** A connection was taken on or a session begun; exactly one `finished` follows. */
  opened(route: L4Route, protocol: L4Protocol): void;
  finished(record: L4Record): void;
  /** A connection was reset unseen: `noListener`: nobody configured its port; `acceptFailed`: out of descriptors. */
  refused(reason: 'noListener' | 'acceptFailed'): void;
  datagramDropped(route: L4Route | null, reason: DatagramDrop): void;
  /** Failed connects took an endpoint out of its cluster's choice. */
  endpointEjected(cluster: Cluster): void;
}
