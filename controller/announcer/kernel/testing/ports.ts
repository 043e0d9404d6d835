import { l4Key, type L4Key } from '../../../../core/ir/l4.ts';
import type { Neighbourhood } from '../../parts.ts';
import type { ForwardedPort, ForwardTarget, KernelEndpoint } from '../../wanted.ts';

type EndpointsTarget = Extract<ForwardTarget, { type: 'endpoints' }>;

/** `address:port`s of weight 1; `address:port*weight` of another. */
export function endpoints(...texts: readonly string[]): KernelEndpoint[] {
  return texts.map((text) => {
    const [place = '', weight = '1'] = text.split('*');
    const colon = place.lastIndexOf(':');
    return { address: place.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(place.slice(colon + 1)), weight: Number(weight) };
  });
}

/** A port that goes to endpoints, by default to the same ones for everybody, with hidden sources. */
export function forwarded(address: string, port: number, list: readonly KernelEndpoint[], more: ForwardedOptions = {}): ForwardedPort {
  const { protocol = 'tcp', sourceRanges = null, ...target } = more;
  return {
    key: l4Key(protocol, address, port), protocol, address, port, sourceRanges,
    to: { type: 'endpoints', endpoints: list, ownEndpoints: list, keepSource: false, affinityTimeoutMs: null, balance: 'random', ...target },
  };
}

export interface ForwardedOptions extends Partial<Omit<EndpointsTarget, 'type' | 'endpoints'>> {
  readonly protocol?: 'tcp' | 'udp';
  readonly sourceRanges?: readonly string[] | null;
}

/** Some of the other nodes, seen from node `a`. */
export function nextNeighbourhood(random: () => number): Neighbourhood {
  const nodes = (['b', 'c'] as const).filter(() => random() < 0.7);
  return {
    uplinks: random() < 0.5 ? [2] : [2, 99],
    neighbours: new Map(nodes.map((node) => [node, node === 'b' ? ['10.9.0.2', 'fd09::2'] : ['10.9.0.3']])),
  };
}

/** A port of the proxy. */
export function proxied(address: string, port: number, protocol: 'tcp' | 'udp' = 'tcp', sourceRanges: readonly string[] | null = null): ForwardedPort {
  return { key: l4Key(protocol, address, port), protocol, address, port, sourceRanges, to: { type: 'proxy' } };
}

export function wanted(...ports: readonly ForwardedPort[]): ReadonlyMap<L4Key, ForwardedPort> {
  return new Map(ports.map((port) => [port.key, port]));
}

/** The next of a random history of wanted states over few VIPs, ports and endpoints, so that much is shared and much changes. */
export function nextWanted(before: ReadonlyMap<L4Key, ForwardedPort>, random: () => number): ReadonlyMap<L4Key, ForwardedPort> {
  const after = new Map(before);
  for (let changes = 1 + draw(random, 4); changes > 0; changes -= 1) {
    const port = randomPort(random);
    if (random() < 0.3) after.delete(port.key);
    else after.set(port.key, port);
  }
  return after;
}

const VIPS = ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2'];
const RANGES4 = ['10.0.0.0/8', '10.1.0.0/16', '192.168.1.0/24', '192.168.2.0/24', '0.0.0.0/0', '198.51.100.7/32'];
const RANGES6 = ['2001:db8:1::/48', '2001:db8:1:1::/64', '::/0', 'fd00::/8'];

function randomPort(random: () => number): ForwardedPort {
  const address = pick(random, VIPS);
  const protocol = random() < 0.5 ? 'tcp' : 'udp';
  const port = 80 + draw(random, 2);
  const isIpv6 = address.includes(':');
  const ranges = isIpv6 ? RANGES6 : RANGES4;
  const sourceRanges = random() < 0.6 ? null : ranges.filter(() => random() < 0.4);
  if (random() < 0.15) return proxied(address, port, protocol, sourceRanges);
  const list = randomEndpoints(random, isIpv6);
  return forwarded(address, port, list, {
    protocol, sourceRanges,
    ownEndpoints: random() < 0.7 ? list : randomEndpoints(random, isIpv6),
    keepSource: random() < 0.5,
    affinityTimeoutMs: random() < 0.7 ? null : pick(random, [10_000, 10_800_000]),
    balance: random() < 0.9 ? 'random' : 'maglev',
  });
}

function randomEndpoints(random: () => number, isIpv6: boolean): KernelEndpoint[] {
  const count = draw(random, 5);
  return Array.from({ length: count }, (_, index) => ({
    address: isIpv6 ? `fd00::${1 + draw(random, 6)}` : `10.0.0.${1 + draw(random, 6)}`,
    port: 8080 + (index & 1),
    weight: random() < 0.7 ? 1 : pick(random, [2, 3, 50, 999_983]),
    ...(random() < 0.3 ? {} : { node: pick(random, ['a', 'b', 'c']) }),
  }));
}

function draw(random: () => number, bound: number): number {
  return Math.floor(random() * bound);
}

function pick<T>(random: () => number, list: readonly T[]): T {
  return list[draw(random, list.length)] as T;
}
