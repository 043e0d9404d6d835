import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ready, startForeground } from './foreground.ts';
import {
  ANNOUNCED, DEFAULT_HOLD_S, LONG_LIVED_S, RESTART_TIME_S, neighborOf, sortRoutes, type Family, type Neighbor, type Route, type RouterOptions, type RouterPeer, type RouterPlace,
} from './router.ts';

/** In the router's own namespace. */
const API_PORT = '50051';
const ESTABLISHED = 6;

/** Starts GoBGP 3. */
export async function startGoBgp({ namespace, folder }: RouterPlace, options: RouterOptions): Promise<RouterPeer> {
  const config = join(folder, 'gobgpd.toml');
  await writeFile(config, configOf(options));
  const daemon = startForeground(namespace, 'gobgpd', ['-f', config, '-p', '--api-hosts', `127.0.0.1:${API_PORT}`]);
  const ask = (...words: readonly string[]) => namespace.exec('gobgp', ['-p', API_PORT, ...words]);
  const key = (name: string) => neighborOf(options, name).remote;
  await ready('gobgpd', daemon, async () => (await namespace.run('gobgp', ['-p', API_PORT, 'global'])).code === 0);
  for (const prefix of options.announces ?? []) {
    const family: Family = prefix.includes(':') ? 'ipv6' : 'ipv4';
    const { med, communities, largeCommunities } = ANNOUNCED;
    await ask('global', 'rib', 'add', prefix, 'med', String(med), 'community', communities.join(','), 'large-community', largeCommunities.join(','), '-a', family);
  }
  return {
    kind: 'gobgp',
    namespace,
    options,
    routes: async (name) => {
      const lists = await Promise.all(
        neighborOf(options, name).families.map(async (family) => parseRoutes(await ask('global', 'rib', '-a', family, '-j'), key(name))),
      );
      return sortRoutes(lists.flat());
    },
    session: async (name) => {
      const { state, timers } = JSON.parse(await ask('neighbor', key(name), '-j')) as GoBgpNeighbor;
      return {
        up: state.session_state === ESTABLISHED,
        incarnation: String(timers.state?.uptime?.seconds ?? 0),
        updates: state.messages?.received?.update ?? 0,
        bfdUp: null,
      };
    },
    log: () => daemon.said(),
    stop: () => daemon.end('SIGTERM'),
    kill: () => daemon.end('SIGKILL'),
  };
}

/** `gobgp neighbor -j`, as far as it is read here. */
interface GoBgpNeighbor {
  readonly state: { readonly session_state?: number; readonly messages?: { readonly received?: { readonly update?: number } } };
  readonly timers: { readonly state?: { readonly uptime?: { readonly seconds?: number } } };
}

/** `gobgp global rib -j`: by prefix. Types of attributes are those of the RFCs. */
type GoBgpTable = Readonly<Record<string, readonly { readonly attrs: readonly GoBgpAttribute[]; readonly stale: boolean; readonly 'neighbor-ip'?: string }[]>>;
interface GoBgpAttribute {
  readonly type: number;
  readonly as_paths?: readonly { readonly asns?: readonly number[] }[];
  readonly nexthop?: string;
  readonly metric?: number;
  readonly value?: unknown;
  readonly communities?: readonly number[];
}

const AS_PATH = 2;
const NEXT_HOP = 3;
const MULTI_EXIT_DISC = 4;
const LOCAL_PREF = 5;
const COMMUNITIES = 8;
const MP_REACH_NLRI = 14;
const EXTENDED_COMMUNITIES = 16;
const LARGE_COMMUNITY = 32;
const ONLY_TO_CUSTOMER = 35;

/** Subtype of an extended community. */
const LINK_BANDWIDTH = 4;

/** The global table has every path that was accepted, also of sessions that are gone; one neighbour's are taken. */
function parseRoutes(text: string, neighbor: string): readonly Route[] {
  const table = JSON.parse(text === '' ? '{}' : text) as GoBgpTable;
  return Object.entries(table).flatMap(([prefix, paths]) =>
    paths.filter((path) => path['neighbor-ip'] === neighbor).map(({ attrs, stale }) => routeOf(prefix, attrs, stale)));
}

function routeOf(prefix: string, attrs: readonly GoBgpAttribute[], stale: boolean): Route {
  const find = (type: number) => attrs.find((each) => each.type === type);
  const large = (find(LARGE_COMMUNITY)?.value ?? []) as readonly { readonly ASN: number; readonly LocalData1: number; readonly LocalData2: number }[];
  // Of either type it says that it is of the one that is not transitive.
  const extended = (find(EXTENDED_COMMUNITIES)?.value ?? []) as readonly { readonly subtype?: number; readonly asn?: number; readonly bandwidth?: number }[];
  const bandwidth = extended.find(({ subtype }) => subtype === LINK_BANDWIDTH);
  // It does not know that one.
  const onlyToCustomer = find(ONLY_TO_CUSTOMER)?.value;
  const nextHop = find(NEXT_HOP)?.nexthop ?? find(MP_REACH_NLRI)?.nexthop;
  return {
    prefix,
    nextHops: nextHop === undefined ? [] : [nextHop],
    asPath: find(AS_PATH)?.as_paths?.flatMap(({ asns }) => asns ?? []) ?? [],
    localPref: (find(LOCAL_PREF)?.value as number | undefined) ?? null,
    med: find(MULTI_EXIT_DISC)?.metric ?? null,
    communities: (find(COMMUNITIES)?.communities ?? []).map((each) => `${each >>> 16}:${each & 0xff_ff}`).toSorted(),
    largeCommunities: large.map(({ ASN, LocalData1, LocalData2 }) => `${ASN}:${LocalData1}:${LocalData2}`).toSorted(),
    linkBandwidth: bandwidth?.asn === undefined ? null : { transitive: null, asn: bandwidth.asn, octetsPerSecond: bandwidth.bandwidth ?? 0 },
    onlyToCustomer: typeof onlyToCustomer === 'string' ? Buffer.from(onlyToCustomer, 'base64').readUInt32BE() : null,
    pathId: null,
    stale,
  };
}

function configOf({ asn, routerId, neighbors, announces = [] }: RouterOptions): string {
  return [
    '[global.config]', `as = ${asn}`, `router-id = "${routerId}"`, 'port = 179',
    '[global.apply-policy.config]', `default-export-policy = "${announces.length > 0 ? 'accept-route' : 'reject-route'}"`,
    ...neighbors.flatMap((neighbor) => neighborConfig(neighbor, asn)),
    '',
  ].join('\n');
}

function neighborConfig(neighbor: Neighbor, asn: number): string[] {
  const { remote, remoteAsn, localAsn = asn, local, families, holdTimeS = DEFAULT_HOLD_S, gracefulRestart = false, longLived = false, passive = false } = neighbor;
  return [
    '[[neighbors]]', '[neighbors.config]',
    `neighbor-address = "${remote}"`,
    `peer-as = ${remoteAsn}`, `local-as = ${localAsn}`,
    ...(neighbor.password === undefined ? [] : [`auth-password = "${neighbor.password}"`]),
    '[neighbors.timers.config]', `hold-time = ${holdTimeS}`, `keepalive-interval = ${Math.ceil(holdTimeS / 3)}`, 'connect-retry = 1',
    'idle-hold-time-after-reset = 1',
    '[neighbors.transport.config]',
    `local-address = "${local}"`,
    `passive-mode = ${passive}`,
    ...(neighbor.multihop === true ? ['[neighbors.ebgp-multihop.config]', 'enabled = true', 'multihop-ttl = 64'] : []),
    ...(neighbor.ttlSecurity === true ? ['[neighbors.ttl-security.config]', 'enabled = true', 'ttl-min = 255'] : []),
    ...(gracefulRestart ? ['[neighbors.graceful-restart.config]', 'enabled = true', `restart-time = ${RESTART_TIME_S}`, `long-lived-enabled = ${longLived}`] : []),
    ...families.flatMap((family) => [
      '[[neighbors.afi-safis]]', '[neighbors.afi-safis.config]', `afi-safi-name = "${family}-unicast"`,
      ...(neighbor.addPath === true ? ['[neighbors.afi-safis.add-paths.config]', 'receive = true'] : []),
      ...(gracefulRestart ? ['[neighbors.afi-safis.mp-graceful-restart.config]', 'enabled = true'] : []),
      ...(longLived ? ['[neighbors.afi-safis.long-lived-graceful-restart.config]', 'enabled = true', `restart-time = ${LONG_LIVED_S}`] : []),
    ]),
  ];
}
