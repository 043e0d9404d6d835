import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../../support/until.ts';
import { ready, startForeground } from './foreground.ts';
import {
  ANNOUNCED, DEFAULT_HOLD_S, RESTART_TIME_S, floatOf, neighborOf, sortRoutes, type LinkBandwidth, type Neighbor, type Route, type RouterOptions, type RouterPeer, type RouterPlace,
} from './router.ts';

/**
 * Starts ExaBGP 4. It keeps no table: it tells what it hears as JSON, of which the table is made here. A session that ends takes its
 * routes along: stale ones are none of its business.
 */
export async function startExaBgp({ namespace, folder }: RouterPlace, options: RouterOptions): Promise<RouterPeer> {
  const [config, commands, events] = [join(folder, 'exabgp.conf'), join(folder, 'commands'), join(folder, 'events')];
  await namespace.exec('mkfifo', [commands]);
  await writeFile(config, configOf(options, { commands, events }));
  const daemon = startForeground(namespace, 'exabgp', [config], {
    'exabgp.daemon.user': 'root', 'exabgp.daemon.drop': 'false', 'exabgp.daemon.daemonize': 'false', 'exabgp.log.destination': 'stdout', 'exabgp.log.level': 'INFO',
    'exabgp.api.cli': 'false', 'exabgp.api.ack': 'false', 'exabgp.tcp.port': '179',
    'exabgp.tcp.bind': [...new Set(options.neighbors.map(({ local }) => local))].join(' '),
  });
  const read = async (name: string): Promise<readonly ExaBgpEvent[]> => {
    const text = await readFile(events, 'utf8').catch(() => '');
    const { remote } = neighborOf(options, name);
    // The last line may not be whole yet.
    return text.split('\n').slice(0, -1).map(eventOf).filter(({ neighbor }) => neighbor.address.peer === remote);
  };
  await ready('exabgp', daemon, () => Promise.resolve(daemon.said().includes('loaded new configuration')));
  return {
    kind: 'exabgp',
    namespace,
    options,
    routes: async (name) => tableOf(await read(name)),
    session: async (name) => {
      const own = await read(name);
      const states = own.filter(({ type }) => type === 'state');
      return {
        up: states.at(-1)?.neighbor.state === 'up',
        incarnation: String(states.filter(({ neighbor }) => neighbor.state === 'up').length),
        updates: own.filter(({ type }) => type === 'update').length,
        bfdUp: null,
      };
    },
    refresh: async (name, family) => {
      const before = (await read(name)).length;
      const pipe = await open(commands, 'r+');
      try {
        await pipe.write(`neighbor ${neighborOf(options, name).remote} announce route-refresh ${family} unicast\n`);
        // Nobody reads a pipe that is closed before.
        await until('ExaBGP hears routes again', async () => (await read(name)).length > before);
      } finally {
        await pipe.close();
      }
    },
    log: () => daemon.said(),
    stop: () => daemon.end('SIGTERM'),
    kill: () => daemon.end('SIGKILL'),
  };
}

/** A line of what it tells, as far as it is read here. */
interface ExaBgpEvent {
  readonly type: 'state' | 'open' | 'update' | 'notification';
  readonly neighbor: {
    readonly address: { readonly peer: string };
    readonly state?: 'connected' | 'up' | 'down';
    readonly message?: { readonly update?: ExaBgpUpdate };
  };
}

interface ExaBgpNlri {
  readonly nlri: string;
  readonly 'path-information'?: string;
}

interface ExaBgpUpdate {
  readonly attribute?: {
    readonly 'as-path'?: readonly number[];
    readonly 'local-preference'?: number;
    readonly med?: number;
    readonly community?: readonly (readonly number[])[];
    readonly 'large-community'?: readonly (readonly number[])[];
    /** `value`: all eight octets, as digits. */
    readonly 'extended-community'?: readonly { readonly value: string }[];
    /** ONLY_TO_CUSTOMER, which it does not know: `0x0000fbf4`. */
    readonly 'attribute-0x23-0xE0'?: string;
  };
  /** Family → next hop → prefixes. */
  readonly announce?: Readonly<Record<string, Readonly<Record<string, readonly ExaBgpNlri[]>>>>;
  readonly withdraw?: Readonly<Record<string, readonly ExaBgpNlri[]>>;
}

/** Extended communities are numbers of 64 bits, which are no numbers here: their digits are kept. */
function eventOf(line: string): ExaBgpEvent {
  const keep = (key: string, value: unknown, { source }: { readonly source?: string }): unknown => (key === 'value' && typeof value === 'number' ? source : value);
  return (JSON.parse as (text: string, reviver: typeof keep) => unknown)(line, keep) as ExaBgpEvent;
}

/** Types 0x00 and 0x40, subtype 4. */
function linkBandwidthOf(communities: readonly bigint[]): LinkBandwidth | null {
  const found = communities.find((value) => [0x00_04n, 0x40_04n].includes(value >> 48n));
  if (found === undefined) return null;
  return { transitive: found >> 48n === 0x00_04n, asn: Number(found >> 32n & 0xff_ffn), octetsPerSecond: floatOf(Number(found & 0xff_ff_ff_ffn)) };
}

function tableOf(events: readonly ExaBgpEvent[]): readonly Route[] {
  const table = new Map<string, Route>();
  for (const { neighbor } of events) {
    if (neighbor.state !== undefined && neighbor.state !== 'up') table.clear();
    const update = neighbor.message?.update;
    for (const each of Object.values(update?.withdraw ?? {}).flat()) table.delete(keyOf(each));
    for (const [nextHop, list] of Object.values(update?.announce ?? {}).flatMap((byHop) => Object.entries(byHop))) {
      for (const each of list) table.set(keyOf(each), routeOf(each, nextHop, update?.attribute ?? {}));
    }
  }
  return sortRoutes([...table.values()]);
}

function keyOf(each: ExaBgpNlri): string {
  return `${each.nlri} ${each['path-information'] ?? ''}`;
}

function routeOf(each: ExaBgpNlri, nextHop: string, attribute: NonNullable<ExaBgpUpdate['attribute']>): Route {
  const path = each['path-information'];
  const onlyToCustomer = attribute['attribute-0x23-0xE0'];
  return {
    prefix: each.nlri,
    nextHops: [nextHop],
    asPath: attribute['as-path'] ?? [],
    localPref: attribute['local-preference'] ?? null,
    med: attribute.med ?? null,
    communities: (attribute.community ?? []).map((numbers) => numbers.join(':')).toSorted(),
    largeCommunities: (attribute['large-community'] ?? []).map((numbers) => numbers.join(':')).toSorted(),
    linkBandwidth: linkBandwidthOf((attribute['extended-community'] ?? []).map(({ value }) => BigInt(value))),
    onlyToCustomer: onlyToCustomer === undefined ? null : Number(onlyToCustomer),
    pathId: path === undefined ? null : path.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0),
    stale: false,
  };
}

function configOf(options: RouterOptions, { commands, events }: { readonly commands: string; readonly events: string }): string {
  return [
    'process table {',
    `  run /bin/sh -c "cat ${commands} & exec cat >> ${events}";`,
    '  encoder json;',
    '}',
    ...options.neighbors.flatMap((neighbor) => neighborConfig(neighbor, options)),
    '',
  ].join('\n');
}

function neighborConfig(neighbor: Neighbor, { asn, routerId, announces = [] }: RouterOptions): string[] {
  const { remote, local, localAsn = asn, remoteAsn, families, holdTimeS = DEFAULT_HOLD_S } = neighbor;
  const { med, communities, largeCommunities } = ANNOUNCED;
  const attributes = `next-hop self; med ${med}; community [${communities.join(' ')}]; large-community [${largeCommunities.join(' ')}];`;
  const own = announces.filter((prefix) => families.includes(prefix.includes(':') ? 'ipv6' : 'ipv4'));
  return [
    `neighbor ${remote} {`,
    `  router-id ${routerId}; local-address ${local}; local-as ${localAsn}; peer-as ${remoteAsn}; hold-time ${holdTimeS};`,
    ...(neighbor.password === undefined ? [] : [`  md5-password "${neighbor.password}"; md5-base64 false;`]),
    ...(neighbor.multihop === true ? ['  outgoing-ttl 64;'] : []),
    ...(neighbor.ttlSecurity === true ? ['  outgoing-ttl 255; incoming-ttl 255;'] : []),
    ...(neighbor.passive === true ? ['  passive true;'] : []),
    `  family { ${families.map((family) => `${family} unicast;`).join(' ')} }`,
    '  capability { asn4 enable; route-refresh enable; extended-message enable;',
    `    ${neighbor.gracefulRestart === true ? `graceful-restart ${RESTART_TIME_S};` : ''} ${neighbor.addPath === true ? 'add-path receive;' : ''} }`,
    // Not `refresh`: what is told of those is no JSON.
    '  api { processes [ table ]; neighbor-changes; receive { parsed; update; open; notification; } }',
    `  static { ${own.map((prefix) => `route ${prefix} { ${attributes} }`).join(' ')} }`,
    '}',
  ];
}
