import { parseBoolean } from '../values/boolean.ts';
import { parseCidrList } from '../values/cidrList.ts';
import { parseDuration, parseDurationOrZero } from '../values/duration.ts';
import { integerBetween } from '../values/integer.ts';
import { setting } from './row.ts';

const MAX_REQUESTS = 1_000_000_000;
const MAX_CONNECTIONS = 65_536;

/** Clients, kept connections and logs. */
export const CLIENT_SETTINGS = {
  useForwardedHeaders: setting<boolean>({
    key: 'use-forwarded-headers',
    parse: parseBoolean,
    default: false,
    source: 'ingress-nginx',
    documentation:
      'Take X-Forwarded-* from peers in `proxy-real-ip-cidr`; without that key from everybody, as in ingress-nginx, which is reported.',
  }),
  enableRealIp: setting<boolean>({
    key: 'enable-real-ip',
    parse: parseBoolean,
    default: false,
    source: 'ingress-nginx',
    documentation: 'The same as `use-forwarded-headers`.',
  }),
  realIpCidrs: setting<readonly string[] | null>({
    key: 'proxy-real-ip-cidr',
    parse: parseCidrList,
    default: null,
    source: 'ingress-nginx',
    documentation: 'Addresses and CIDRs, between commas, of the proxies in front: for X-Forwarded-* and for the PROXY protocol.',
  }),
  fullForwardedFor: setting<boolean>({
    key: 'compute-full-forwarded-for',
    parse: parseBoolean,
    default: false,
    source: 'ingress-nginx',
    documentation: 'Append the client to X-Forwarded-For instead of replacing it.',
  }),
  headerTimeout: setting<number>({
    key: 'client-header-timeout',
    parse: parseDuration,
    default: 60_000,
    source: 'ingress-nginx',
    documentation: 'From the first octet of a request head to its end.',
  }),
  bodyTimeout: setting<number>({
    key: 'client-body-timeout',
    parse: parseDuration,
    default: 60_000,
    source: 'ingress-nginx',
    documentation: 'Between two reads of a request body.',
  }),
  keepAlive: setting<number>({
    key: 'keep-alive',
    parse: parseDurationOrZero,
    default: 75_000,
    source: 'ingress-nginx',
    documentation: 'Between two requests of one connection; 0: every connection carries one request.',
  }),
  keepAliveRequests: setting<number>({
    key: 'keep-alive-requests',
    parse: integerBetween(1, MAX_REQUESTS),
    default: 1000,
    source: 'ingress-nginx',
    documentation: 'Requests on one client connection.',
  }),
  upstreamConnections: setting<number>({
    key: 'upstream-keepalive-connections',
    parse: integerBetween(0, MAX_CONNECTIONS),
    default: 320,
    source: 'ingress-nginx',
    documentation: 'Idle connections to backends a worker keeps; 0: none.',
  }),
  upstreamTimeout: setting<number>({
    key: 'upstream-keepalive-timeout',
    parse: parseDuration,
    default: 60_000,
    source: 'ingress-nginx',
    documentation: 'How long such a connection may be idle.',
  }),
  upstreamRequests: setting<number>({
    key: 'upstream-keepalive-requests',
    parse: integerBetween(1, MAX_REQUESTS),
    default: 10_000,
    source: 'ingress-nginx',
    documentation: 'Requests on one backend connection.',
  }),
  upstreamTime: setting<number>({
    key: 'upstream-keepalive-time',
    parse: parseDuration,
    default: 3_600_000,
    source: 'ingress-nginx',
    documentation: 'Age at which a backend connection is not used again.',
  }),
  disableAccessLog: setting<boolean>({
    key: 'disable-access-log',
    parse: parseBoolean,
    default: false,
    source: 'ingress-nginx',
    documentation: 'No access log at all.',
  }),
} as const;
