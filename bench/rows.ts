import type { BackendKind } from './backend.ts';
import { tcpBulk } from './load/bulk.ts';
import { datagrams } from './load/datagrams.ts';
import type { Load } from './load/load.ts';
import { keepAliveRequests, newConnections } from './load/requests.ts';
import { http2Streams } from './load/streams.ts';
import { gatehouse } from './peers/gatehouse.ts';
import { haproxy } from './peers/haproxy.ts';
import { nginx } from './peers/nginx.ts';
import type { Peer, PeerOptions } from './peers/peer.ts';
import { httpProxy, nodeDatagrams, nodeHttp2Undici, nodePipe, nodeUndici } from './peers/reference.ts';

/** One comparison. */
export interface Row {
  readonly name: string;
  readonly protocol: PeerOptions['protocol'];
  readonly tls: boolean;
  readonly backend: BackendKind;
  readonly load: Load;
  /** Ours first. */
  readonly peers: readonly Peer[];
}

const WEB = { backend: 'web', tls: false } as const;
const PROXIES: readonly Peer[] = [gatehouse, nginx, haproxy];
const RELAYS: readonly Peer[] = [gatehouse, haproxy, nodePipe];

/** All rows, in the order in which they are run. */
export const ROWS: readonly Row[] = [
  { ...WEB, name: 'HTTP/1.1 keep-alive', protocol: 'http1', load: keepAliveRequests, peers: [...PROXIES, httpProxy, nodeUndici] },
  { ...WEB, name: 'HTTP/1.1 over TLS, keep-alive', protocol: 'http1', tls: true, load: keepAliveRequests, peers: [...PROXIES, httpProxy, nodeUndici] },
  { ...WEB, name: 'HTTP/1.1, a new connection per request', protocol: 'http1', load: newConnections, peers: [...PROXIES, httpProxy, nodeUndici] },
  { ...WEB, name: 'HTTP/2 over TLS', protocol: 'http2', tls: true, load: http2Streams, peers: [...PROXIES, nodeHttp2Undici] },
  { ...WEB, name: 'TCP, small messages', protocol: 'tcp', load: keepAliveRequests, peers: RELAYS },
  { name: 'TCP, bulk', protocol: 'tcp', tls: false, backend: 'iperf', load: tcpBulk, peers: RELAYS },
  { name: 'UDP', protocol: 'udp', tls: false, backend: 'udpEcho', load: datagrams, peers: [gatehouse, nodeDatagrams] },
];
