import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ready, startForeground } from './foreground.ts';
import {
  ANNOUNCED, BFD, DEFAULT_HOLD_S, LONG_LIVED_S, RESTART_TIME_S, floatOf, neighborOf, sortRoutes, type Family, type LinkBandwidth, type Neighbor, type Route,
  type RouterOptions, type RouterPeer, type RouterPlace,
} from './router.ts';

/** Starts BIRD 2. */
export async function startBird({ namespace, folder }: RouterPlace, options: RouterOptions): Promise<RouterPeer> {
  const [config, control] = [join(folder, 'bird.conf'), join(folder, 'bird.ctl')];
  await writeFile(config, configOf(options));
  const daemon = startForeground(namespace, 'bird', ['-f', '-c', config, '-s', control, '-P', join(folder, 'bird.pid')]);
  const ask = (...words: readonly string[]) => namespace.exec('birdc', ['-r', '-s', control, ...words]);
  await ready('bird', daemon, async () => (await namespace.run('birdc', ['-s', control, 'show', 'status'])).code === 0);
  return {
    kind: 'bird',
    namespace,
    options,
    routes: async (name) => {
      const protocol = await ask('show', 'protocols', 'all', protocolOf(name));
      // Of single routes it does not say so.
      const stale = protocol.includes('Neighbor graceful restart active');
      return parseRoutes(await ask('show', 'route', 'all', 'protocol', protocolOf(name)), stale);
    },
    session: async (name) => {
      const text = await ask('show', 'protocols', 'all', protocolOf(name));
      const { remote, bfd } = neighborOf(options, name);
      return {
        up: / Established\s*$/m.test(text),
        incarnation: String(daemon.said().split(`${protocolOf(name)}: BGP session established`).length - 1),
        updates: [...text.matchAll(/Import (?:updates|withdraws):\s+(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0),
        bfdUp: bfd === true ? new RegExp(`^${remote}\\s.*\\sUp\\s`, 'm').test(await ask('show', 'bfd', 'sessions')) : null,
      };
    },
    refresh: async (name) => {
      await namespace.exec('birdc', ['-s', control, 'reload', 'in', protocolOf(name)]);
    },
    log: () => daemon.said(),
    stop: () => daemon.end('SIGTERM'),
    kill: () => daemon.end('SIGKILL'),
  };
}

/** No word of BIRD's language. */
function protocolOf(name: string): string {
  return `to_${name}`;
}

function configOf({ asn, routerId, neighbors, multipath = false, announces = [], bfdMultiplier = BFD.multiplier }: RouterOptions): string {
  const kernel = (family: Family) => `protocol kernel { merge paths yes; ${family} { export where source = RTS_BGP; }; }`;
  return [
    'log stderr all;',
    'debug protocols { states, events };',
    `router id ${routerId};`,
    'timeformat protocol iso long ms;',
    'protocol device { debug off; scan time 1; }',
    'protocol direct { ipv4; ipv6; }',
    `protocol bfd { interface "*" { interval ${BFD.intervalMs} ms; multiplier ${bfdMultiplier}; }; }`,
    ...(multipath ? (['ipv4', 'ipv6'] as const).map(kernel) : []),
    ...(['ipv4', 'ipv6'] as const).map((family) => staticOf(family, announces)),
    // A MED goes out only where the export filter sets it.
    `filter announced { if source != RTS_STATIC then reject; bgp_med = ${ANNOUNCED.med}; accept; }`,
    ...neighbors.map((neighbor) => neighborConfig(neighbor, asn)),
    '',
  ].join('\n');
}

function staticOf(family: Family, announces: readonly string[]): string {
  const own = announces.filter((prefix) => prefix.includes(':') === (family === 'ipv6'));
  const attributes = [
    ...ANNOUNCED.communities.map((each) => `bgp_community.add((${each.replaceAll(':', ',')}));`),
    ...ANNOUNCED.largeCommunities.map((each) => `bgp_large_community.add((${each.replaceAll(':', ',')}));`),
  ].join(' ');
  return `protocol static static_${family} { ${family}; ${own.map((prefix) => `route ${prefix} blackhole { ${attributes} };`).join(' ')} }`;
}

function neighborConfig(neighbor: Neighbor, asn: number): string {
  const { name, local, localAsn = asn, remote, remoteAsn, families, holdTimeS = DEFAULT_HOLD_S } = neighbor;
  const own = families.map((family) => `  ${family} { import all; export filter announced; next hop self;${neighbor.addPath === true ? ' add paths rx;' : ''} };`);
  return [
    `protocol bgp ${protocolOf(name)} {`,
    `  local ${local} as ${localAsn};`,
    `  neighbor ${remote} as ${remoteAsn};`,
    neighbor.multihop === true ? '  multihop;' : '  direct;',
    `  hold time ${holdTimeS};`,
    '  connect retry time 1; connect delay time 1; error wait time 1, 2;',
    ...(neighbor.password === undefined ? [] : [`  password "${neighbor.password}";`]),
    neighbor.gracefulRestart === true ? `  graceful restart yes; graceful restart time ${RESTART_TIME_S};` : '  graceful restart off;',
    ...(neighbor.longLived === true ? [`  long lived graceful restart yes; long lived stale time ${LONG_LIVED_S};`] : []),
    ...(neighbor.role === undefined ? [] : [`  local role ${neighbor.role}; require roles yes;`]),
    ...(neighbor.bfd === true ? ['  bfd yes;'] : []),
    ...(neighbor.passive === true ? ['  passive yes;'] : []),
    ...(neighbor.ttlSecurity === true ? ['  ttl security on;'] : []),
    '  enable extended messages on;',
    ...own,
    '}',
  ].join('\n');
}

/** Of `show route all`: a line that begins with a prefix or with blanks and `unicast` begins a path, attributes follow. */
function parseRoutes(text: string, stale: boolean): readonly Route[] {
  const blocks: { readonly prefix: string; readonly lines: string[] }[] = [];
  let prefix = '';
  for (const line of text.split('\n')) {
    const start = /^(\S*)\s+(?:unicast|unreachable|blackhole) \[(.*)/.exec(line);
    if (start === null) {
      blocks.at(-1)?.lines.push(line.trim());
      continue;
    }
    prefix = start[1] === '' ? prefix : (start[1] ?? '');
    blocks.push({ prefix, lines: [line] });
  }
  return sortRoutes(blocks.map(({ prefix: own, lines }) => routeOf(own, lines, stale)));
}

function routeOf(prefix: string, lines: readonly string[], stale: boolean): Route {
  const value = (name: string): string | null => lines.find((line) => line.startsWith(`BGP.${name}: `))?.slice(name.length + 6) ?? null;
  const number = (name: string): number | null => (value(name) === null ? null : Number(value(name)));
  const tuples = (name: string): readonly string[] =>
    [...(value(name) ?? '').matchAll(/\(([^)]*)\)/g)].map(([, inner = '']) => inner.replaceAll(/,\s*/g, ':')).toSorted();
  return {
    prefix,
    nextHops: (value('next_hop') ?? '').split(' ').filter((each) => each !== '').toSorted(),
    asPath: (value('as_path') ?? '').split(' ').filter((each) => each !== '').map(Number),
    localPref: number('local_pref'),
    med: number('med'),
    communities: tuples('community'),
    largeCommunities: tuples('large_community'),
    linkBandwidth: linkBandwidthOf(value('ext_community') ?? ''),
    onlyToCustomer: number('otc'),
    pathId: number('path_id'),
    stale,
  };
}

/** BIRD has no word for it: `(unknown 0x4004, 23456, 1240736768)`. */
function linkBandwidthOf(communities: string): LinkBandwidth | null {
  const found = /\(unknown (0x4|0x4004), (\d+), (\d+)\)/.exec(communities);
  return found === null ? null : { transitive: found[1] === '0x4', asn: Number(found[2]), octetsPerSecond: floatOf(Number(found[3])) };
}
