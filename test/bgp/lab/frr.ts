import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ready, startForeground, type Foreground } from './foreground.ts';
import {
  ANNOUNCED, BFD, DEFAULT_HOLD_S, LONG_LIVED_S, RESTART_TIME_S, neighborOf, sortRoutes, type Family, type LinkBandwidth, type Neighbor, type Route, type RouterOptions, type RouterPeer,
  type RouterPlace,
} from './router.ts';

const DAEMONS = '/usr/lib/frr';
const ALL_CAN_WRITE = 0o777;

/** Starts FRR 8.4: zebra, bfdd, bgpd. They give up root for the user `frr`, so that the folder is everybody's. */
export async function startFrr({ namespace, folder }: RouterPlace, options: RouterOptions): Promise<RouterPeer> {
  const own = join(folder, 'frr');
  await mkdir(own);
  await chmod(folder, ALL_CAN_WRITE);
  await chmod(own, ALL_CAN_WRITE);
  const config = join(own, 'frr.conf');
  await writeFile(config, configOf(options));
  const start = async (name: string, more: readonly string[] = []): Promise<Foreground> => {
    const args = ['-f', config, '-i', join(own, `${name}.pid`), '-z', join(own, 'zserv'), '--vty_socket', own, '--log', 'stdout', '-P', '0', ...more];
    const daemon = startForeground(namespace, join(DAEMONS, name), args);
    await ready(name, daemon, async () => (await namespace.run('vtysh', ['--vty_socket', own, '-d', name, '-c', 'show version'])).code === 0);
    return daemon;
  };
  const daemons = [await start('zebra'), await start('bfdd', ['--bfdctl', join(own, 'bfdd.sock')]), await start('bgpd', ['-p', '179'])];
  const ask = async (...commands: readonly string[]): Promise<string> =>
    namespace.exec('vtysh', ['--vty_socket', own, ...commands.flatMap((command) => ['-c', command])]);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    for (const daemon of daemons.toReversed()) await daemon.end(signal);
  };
  const sessionKey = (name: string) => neighborOf(options, name).remote;
  return {
    kind: 'frr',
    namespace,
    options,
    routes: async (name) => {
      const { families } = neighborOf(options, name);
      const lists = await Promise.all(families.map((family) => routesOf(ask, family, sessionKey(name))));
      return sortRoutes(lists.flat());
    },
    session: async (name) => {
      const all = JSON.parse(await ask(`show bgp neighbors ${sessionKey(name)} json`)) as Readonly<Record<string, FrrNeighbor>>;
      const seen = all[sessionKey(name)];
      return {
        up: seen?.bgpState === 'Established',
        incarnation: `${seen?.connectionsEstablished ?? 0}`,
        updates: seen?.messageStats?.updatesRecv ?? 0,
        bfdUp: seen?.peerBfdInfo === undefined ? null : seen.peerBfdInfo.status === 'Up',
      };
    },
    refresh: async (name, family) => {
      await ask(`clear bgp ${family} unicast ${sessionKey(name)} in`);
    },
    log: () => daemons.map((daemon) => daemon.said()).join('\n'),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

/** `show bgp neighbors json`, as far as it is read here. */
interface FrrNeighbor {
  readonly bgpState: string;
  readonly connectionsEstablished: number;
  readonly messageStats?: { readonly updatesRecv: number };
  readonly peerBfdInfo?: { readonly status: string };
}

/** `show bgp ipv4 unicast json detail`, as far as it is read here: before the paths of a prefix there is an entry about all of them. */
interface FrrTable {
  readonly routes?: Readonly<Record<string, readonly (FrrPath | { readonly prefix: string })[]>>;
}

interface FrrPath {
  readonly aspath: { readonly segments: readonly { readonly list: readonly number[] }[] };
  readonly metric?: number;
  readonly med?: number;
  readonly locPrf?: number;
  readonly stale?: boolean;
  readonly community?: { readonly list: readonly string[] };
  readonly largeCommunity?: { readonly list: readonly string[] };
  readonly extendedCommunity?: { readonly string: string };
  readonly otc?: number;
  readonly remotePathId?: number;
  readonly addpathRxId?: number;
  readonly nexthops: readonly { readonly ip: string }[];
  readonly peer: { readonly peerId: string; readonly interface?: string };
}

async function routesOf(ask: (...commands: readonly string[]) => Promise<string>, family: Family, peer: string): Promise<readonly Route[]> {
  const table = JSON.parse(await ask(`show bgp ${family} unicast json detail`)) as FrrTable;
  return Object.entries(table.routes ?? {}).flatMap(([prefix, list]) =>
    list.flatMap((path) => ('peer' in path && (path.peer.peerId === peer || path.peer.interface === peer) ? [routeOf(prefix, path)] : [])));
}

/** `LB:64500:2000000 (16.000 Mbps)`: of which type it is it does not tell. */
function linkBandwidthOf(communities: string): LinkBandwidth | null {
  const found = /LB:(\d+):(\d+)/.exec(communities);
  return found === null ? null : { transitive: null, asn: Number(found[1]), octetsPerSecond: Number(found[2]) };
}

function routeOf(prefix: string, path: FrrPath): Route {
  return {
    prefix,
    nextHops: path.nexthops.map(({ ip }) => ip).toSorted(),
    asPath: path.aspath.segments.flatMap(({ list }) => list),
    localPref: path.locPrf ?? null,
    med: path.metric ?? path.med ?? null,
    communities: (path.community?.list ?? []).map((name) => WELL_KNOWN.get(name) ?? name).toSorted(),
    largeCommunities: (path.largeCommunity?.list ?? []).toSorted(),
    linkBandwidth: linkBandwidthOf(path.extendedCommunity?.string ?? ''),
    onlyToCustomer: path.otc ?? null,
    pathId: path.remotePathId ?? null,
    stale: path.stale ?? false,
  };
}

/** FRR's names for communities, in numbers. */
const WELL_KNOWN: ReadonlyMap<string, string> = new Map([
  ['gracefulShutdown', '65535:0'], ['graceful-shutdown', '65535:0'], ['noExport', '65535:65281'], ['no-export', '65535:65281'],
  ['llgrStale', '65535:6'],
]);

function configOf({ asn, routerId, neighbors, multipath = false, announces = [], bfdMultiplier = BFD.multiplier }: RouterOptions): string {
  return [
    `hostname ${routerId}`, 'log stdout', 'debug bgp neighbor-events',
    'route-map announced permit 10',
    ` set metric ${ANNOUNCED.med}`,
    ` set community ${ANNOUNCED.communities.join(' ')}`,
    ` set large-community ${ANNOUNCED.largeCommunities.join(' ')}`,
    `router bgp ${asn}`,
    ` bgp router-id ${routerId}`,
    ' no bgp ebgp-requires-policy', ' no bgp default ipv4-unicast', ' no bgp network import-check', ' bgp bestpath as-path multipath-relax',
    ` bgp graceful-restart restart-time ${RESTART_TIME_S}`, ` bgp graceful-restart stalepath-time ${RESTART_TIME_S}`,
    ...(neighbors.some(({ longLived }) => longLived === true) ? [` bgp long-lived-graceful-restart stale-time ${LONG_LIVED_S}`] : []),
    ...neighbors.flatMap(neighborConfig),
    ...(['ipv4', 'ipv6'] as const).flatMap((family) => familyConfig(family, { neighbors, multipath, announces })),
    // No `exit`: a daemon that does not know what is before it would read no further.
    'bfd', ' profile lab', `  transmit-interval ${BFD.intervalMs}`, `  receive-interval ${BFD.intervalMs}`, `  detect-multiplier ${bfdMultiplier}`,
    '',
  ].join('\n');
}

function neighborConfig(neighbor: Neighbor): string[] {
  const { remote, remoteAsn, holdTimeS = DEFAULT_HOLD_S, unnumbered = false } = neighbor;
  const line = (text: string) => ` neighbor ${remote} ${text}`;
  return [
    line(unnumbered ? `interface remote-as ${remoteAsn}` : `remote-as ${remoteAsn}`),
    line(`timers ${Math.ceil(holdTimeS / 3)} ${holdTimeS}`),
    line('timers connect 1'), line('advertisement-interval 0'),
    ...(unnumbered ? [line('capability extended-nexthop')] : [line(`update-source ${neighbor.local}`)]),
    ...(neighbor.password === undefined ? [] : [line(`password ${neighbor.password}`)]),
    ...(neighbor.multihop === true ? [line('ebgp-multihop')] : []),
    line(neighbor.gracefulRestart === true ? 'graceful-restart' : 'graceful-restart-disable'),
    ...(neighbor.role === undefined ? [] : [line(`local-role ${neighbor.role} strict-mode`)]),
    ...(neighbor.bfd === true ? [line('bfd'), line('bfd profile lab')] : []),
    ...(neighbor.passive === true ? [line('passive')] : []),
    ...(neighbor.ttlSecurity === true ? [line('ttl-security hops 1')] : []),
  ];
}

function familyConfig(family: Family, { neighbors, multipath, announces }: Required<Pick<RouterOptions, 'neighbors' | 'multipath' | 'announces'>>): string[] {
  const own = announces.filter((prefix) => prefix.includes(':') === (family === 'ipv6'));
  return [
    ` address-family ${family} unicast`,
    ...own.map((prefix) => `  network ${prefix} route-map announced`),
    ...neighbors.filter(({ families }) => families.includes(family)).map(({ remote }) => `  neighbor ${remote} activate`),
    ...(multipath ? ['  maximum-paths 8', '  maximum-paths ibgp 8'] : []),
    ' exit-address-family',
  ];
}
