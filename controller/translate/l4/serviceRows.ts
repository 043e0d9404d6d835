import { oneOf } from '../values/choice.ts';
import { parseCidrList } from '../values/cidrList.ts';
import { parseDuration } from '../values/duration.ts';
import { integerBetween } from '../values/integer.ts';
import { accept, refuse, type Parsed, type ValueParser } from '../values/parsed.ts';

/** One annotation of a Service, written `gatehouse.dev/<name>`. */
export interface ServiceRow<T> {
  /** Without prefix. */
  readonly name: string;
  readonly parse: ValueParser<T>;
  /** Holds when the annotation is absent or, unless it closes, bad. Null: nothing. */
  readonly default: T;
  /** The default in words, where it is not the value itself. */
  readonly defaultText: string;
  /** A bad value keeps everybody out: what it would have said decides who may come in. */
  readonly closes?: true;
  readonly documentation: string;
}

/** ingress-nginx proxy-stream-timeout. */
export const TCP_IDLE_MS = 600_000;
/** Ours. Twice what Linux remembers of a UDP exchange that has gone both ways once (nf_conntrack_udp_timeout, 30 s). */
export const UDP_IDLE_MS = 60_000;
/** As ingress-nginx proxy-connect-timeout for HTTP; nginx itself waits 60 s. */
export const CONNECT_MS = 5_000;
/** As limits.connectionsPerWorker of HTTP (ingress-nginx max-worker-connections). */
export const MAX_CONNECTIONS = 16_384;
/** Weights of a Service and its canaries add up to this. */
export const CANARY_WEIGHT_TOTAL = 100;

/** The annotations of Services that are no business of the allocator. */
export const SERVICE_ROWS = {
  proxyProtocol: row<'v1' | 'v2' | null>({
    name: 'proxy-protocol',
    parse: oneOf(['v1', 'v2']),
    default: null,
    defaultText: 'none',
    documentation: 'TCP connections to the endpoints begin with a PROXY protocol header of this version (`v1` or `v2`), which tells the client\'s address.',
  }),
  acceptProxyProtocol: row<readonly string[] | null>({
    name: 'accept-proxy-protocol',
    parse: parseCidrList,
    default: null,
    defaultText: 'nobody',
    closes: true,
    documentation: 'Peers in these CIDRs begin their TCP connections with a PROXY protocol header, and must; others must not. A list that cannot be read keeps everybody out.',
  }),
  connectTimeout: row<number>({
    name: 'connect-timeout',
    parse: parseDuration,
    default: CONNECT_MS,
    defaultText: `${CONNECT_MS / 1000}s`,
    documentation: 'How long an endpoint may take to accept a TCP connection before another one is tried.',
  }),
  idleTimeout: row<number | null>({
    name: 'idle-timeout',
    parse: parseDuration,
    default: null,
    defaultText: `TCP ${TCP_IDLE_MS / 1000}s, UDP ${UDP_IDLE_MS / 1000}s`,
    documentation: 'A TCP connection or UDP session in which nothing moves for this long ends.',
  }),
  maxConnections: row<number>({
    name: 'max-connections',
    parse: integerBetween(1, 1_000_000),
    default: MAX_CONNECTIONS,
    defaultText: String(MAX_CONNECTIONS),
    documentation: 'TCP connections or UDP sessions that one worker carries for one port; more are refused.',
  }),
  forwarding: row<'kernel' | 'proxy' | 'none' | null>({
    name: 'forwarding',
    parse: oneOf(['kernel', 'proxy', 'none']),
    default: null,
    defaultText: 'kernel, unless something is asked for that only the proxy can do',
    documentation: 'Who carries packets for addresses that are on no interface: nftables (`kernel`), Gatehouse\'s proxy (`proxy`), or neither (`none`: the address is announced and kube-proxy carries them).',
  }),
  balance: row<'random' | 'maglev'>({
    name: 'balance',
    parse: oneOf(['random', 'maglev']),
    default: 'random',
    defaultText: 'random',
    documentation: 'How the kernel chooses an endpoint for a new connection: by chance, or by a Maglev table over the client\'s address and port, which is the same on every node.',
  }),
  canaryOf: row<string | null>({
    name: 'canary-of',
    parse: parseServiceName,
    default: null,
    defaultText: 'none',
    documentation: 'Name of a Service of the same namespace whose ports this one shares, by number or by name: its endpoints get `canary-weight` percent of the new connections.',
  }),
  canaryWeight: row<number>({
    name: 'canary-weight',
    parse: integerBetween(0, CANARY_WEIGHT_TOTAL),
    default: 0,
    defaultText: '0',
    documentation: 'Percent of the new connections, with `canary-of`. Connections that are open stay where they are when it changes.',
  }),
} as const;

/** Any of the rows. */
export type AnyServiceRow = (typeof SERVICE_ROWS)[keyof typeof SERVICE_ROWS];

/** RFC 1123 label, as the API server wants Services named. */
function parseServiceName(text: string): Parsed<string> {
  const name = text.trim();
  return name.length <= 63 && /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/.test(name) ? accept(name) : refuse('must be the name of a Service');
}

function row<T>(definition: ServiceRow<T>): ServiceRow<T> {
  return definition;
}
