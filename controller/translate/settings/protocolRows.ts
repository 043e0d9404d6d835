import { parseBoolean } from '../values/boolean.ts';
import { integerBetween } from '../values/integer.ts';
import { setting } from './row.ts';

/** More would let one connection hold what is meant for many (hardening against stream floods). */
const MAX_STREAMS = 1000;
const MAX_REQUESTS = 2 ** 31 - 1;

/** HTTP/2, PROXY protocol and TLS of clients. */
export const PROTOCOL_SETTINGS = {
  http2: setting<boolean>({
    key: 'use-http2',
    parse: parseBoolean,
    default: true,
    source: 'ingress-nginx',
    documentation: 'Offer HTTP/2 to clients by ALPN.',
  }),
  http2Cleartext: setting<boolean>({
    key: 'http2-cleartext',
    parse: parseBoolean,
    default: false,
    source: 'ours',
    documentation: 'Take HTTP/2 with prior knowledge on plain HTTP listeners as well (gRPC clients without TLS). ingress-nginx has no such key.',
  }),
  http2Streams: setting<number>({
    key: 'http2-max-concurrent-streams',
    parse: integerBetween(1, MAX_STREAMS),
    default: 128,
    source: 'ingress-nginx',
    documentation: 'Requests a client may have open on one HTTP/2 connection, 1 to 1000.',
  }),
  http2Requests: setting<number>({
    key: 'http2-max-requests',
    parse: integerBetween(0, MAX_REQUESTS),
    default: 0,
    source: 'ours',
    documentation:
      'Requests on one HTTP/2 connection before its client is asked to open another; 0: as many as come. ingress-nginx: `keep-alive-requests`, 1000, which clients with few busy connections see as errors.',
  }),
  useProxyProtocol: setting<boolean>({
    key: 'use-proxy-protocol',
    parse: parseBoolean,
    default: false,
    source: 'ingress-nginx',
    documentation:
      'Peers in `proxy-real-ip-cidr` or `--trusted-proxies` must begin connections to the HTTP and HTTPS ports with a PROXY header (v1 or v2), which names the client; others must not. Without either list that is everybody, as in ingress-nginx, which is reported. The client it names is the one that must be trusted for its X-Forwarded-* to be taken.',
  }),
  sessionTickets: setting<boolean>({
    key: 'ssl-session-tickets',
    parse: parseBoolean,
    default: true,
    source: 'ours',
    documentation:
      'TLS sessions may be resumed by tickets. ingress-nginx: off, with a cache in memory instead. Here all workers share the keys; they are of one certificate each, and hosts that ask for client certificates have none.',
  }),
} as const;
