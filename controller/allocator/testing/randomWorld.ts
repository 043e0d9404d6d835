import assert from 'node:assert/strict';
import type { IPAddressPool } from '../../model/addressPool.ts';
import type { Namespace } from '../../model/objects.ts';
import type { Service } from '../../model/service.ts';
import { namespaceOf, pool, selecting, service, type PoolFields, type ServiceFields } from './objects.ts';
import type { World } from './oracle.ts';

/** For tests: a choice that depends on random numbers alone. */
export type Pick = <T>(choices: readonly T[]) => T;

/** For tests: choices by numbers x with 0 ≤ x < 1. */
export function createPick(random: () => number): Pick {
  return (choices) => {
    const choice = choices[Math.floor(random() * choices.length)];
    assert.ok(choice !== undefined);
    return choice;
  };
}

/** For tests: a world that steps change. */
export interface OpenWorld extends World {
  readonly pools: Map<string, IPAddressPool>;
  readonly services: Map<string, Service>;
  readonly namespaces: Map<string, Namespace>;
  readonly statuses: Map<string, readonly string[]>;
  classRequired: boolean;
  optIn: boolean;
}

/** For tests: nothing yet. */
export function emptyWorld(): OpenWorld {
  return {
    pools: new Map(),
    services: new Map(),
    namespaces: new Map(),
    statuses: new Map(),
    classRequired: false,
    optIn: false,
  };
}

/** For tests: the world as it is, whatever becomes of it. */
export function copyOf(world: World): World {
  const { pools, services, namespaces, statuses } = world;
  return {
    ...world,
    pools: new Map(pools),
    services: new Map(services),
    namespaces: new Map(namespaces),
    statuses: new Map(statuses),
  };
}

/** For tests: Services with the statuses they have. */
export function servicesOf({ services, statuses }: World): Service[] {
  return [...services].map(([key, of]) => ({ ...of, statusAddresses: statuses.get(key) ?? [] }));
}

const RANGES: readonly (readonly string[])[] = [
  ['192.0.2.0/30'],
  ['192.0.2.0/29'],
  ['192.0.2.2-192.0.2.9'],
  ['192.0.2.254-192.0.3.1'],
  ['2001:db8::/64'],
  ['192.0.2.16/30', '2001:db8::/126'],
  ['198.51.100.0/31', '2001:db8:1::/127'],
  ['2001:db8::2-2001:db8::5', '192.0.2.4/31'],
];
const ADDRESSES = [
  '192.0.2.0',
  '192.0.2.2',
  '192.0.2.3',
  '192.0.2.5',
  '192.0.2.16',
  '198.51.100.0',
  '198.51.100.1',
  '2001:db8::',
  '2001:db8::1',
  '2001:db8::3',
  '10.0.0.1',
  '0.0.0.0',
  'nonsense',
];
const KEYS = ['x/a', 'x/b', 'x/c', 'x/d', 'y/a', 'y/b', 'y/c', 'y/d', 'z/a', 'z/b'];
const TEAMS = [{}, { team: 'red' }, { team: 'blue' }];
const RED = selecting({ team: 'red' });
const BLUE = selecting({ team: 'blue' });

function randomPool(pick: Pick, name: string): IPAddressPool {
  const pinned = pick([true, false, false]);
  const fields: PoolFields = {
    autoAssign: pick([true, true, true, false]),
    avoidBuggyIPs: pick([false, false, true]),
    createdAtMs: pick([1, 2, 3]),
    drain: pick([false, false, false, true]),
    isDefault: pick([false, false, true]),
    reserved: pick<Readonly<Record<string, string>>>([
      {},
      {},
      { [pick(ADDRESSES)]: pick(KEYS), [pick(ADDRESSES)]: pick(KEYS) },
    ]),
    ...(pinned && {
      serviceAllocation: {
        priority: pick([0, 1, 2]),
        namespaces: pick([[], ['x'], ['x', 'y']]),
        namespaceSelectors: pick([[], [], [RED], [BLUE, RED]]),
        serviceSelectors: pick([[], [], [RED], [BLUE]]),
      },
    }),
  };
  return pool(name, [...pick(RANGES), ...pick<readonly string[]>([[], [], pick(RANGES)])], fields);
}

const ADDRESS_ANNOTATIONS = [
  'gatehouse.dev/load-balancer-ips',
  'metallb.io/loadBalancerIPs',
  'metallb.universe.tf/loadBalancerIPs',
  'eip.openelb.kubesphere.io/v1alpha1',
  'kube-vip.io/loadbalancerIPs',
];
const POOL_ANNOTATIONS = [
  'gatehouse.dev/address-pool',
  'metallb.io/address-pool',
  'metallb.universe.tf/address-pool',
  'eip.openelb.kubesphere.io/v1alpha2',
];
const KEY_ANNOTATIONS = [
  'gatehouse.dev/allow-shared-ip',
  'metallb.io/allow-shared-ip',
  'metallb.universe.tf/allow-shared-ip',
];

function randomAnnotations(pick: Pick): Record<string, string> {
  const annotations: Record<string, string> = {};
  if (pick([true, true, false])) annotations[pick(KEY_ANNOTATIONS)] = pick(['k', 'k', 'j', '']);
  if (pick([true, false, false, false])) annotations[pick(POOL_ANNOTATIONS)] = pick(['a', 'b', 'c', 'nowhere']);
  if (pick([true, false, false, false, false, false])) annotations[pick(POOL_ANNOTATIONS)] = pick(['a', 'b']);
  const value = pick([pick(ADDRESSES), `${pick(ADDRESSES)},${pick(ADDRESSES)}`]);
  if (pick([true, false, false])) annotations[pick(ADDRESS_ANNOTATIONS)] = value;
  if (pick([true, true, false])) annotations['lb.kubesphere.io/v1alpha1'] = pick(['openelb', 'openelb', 'other']);
  return annotations;
}

function randomService(pick: Pick, key: string): Service {
  const fields: ServiceFields = {
    annotations: pick([true, false]) ? randomAnnotations(pick) : {},
    labels: pick<Readonly<Record<string, string>>>(TEAMS),
    type: pick(['LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'ClusterIP']),
    loadBalancerClass: pick([null, null, null, 'gatehouse.dev/lb', 'example.com/lb']),
    loadBalancerIP: pick(['', '', '', '', pick(ADDRESSES)]),
    ports: pick([['TCP/80'], ['TCP/443'], ['TCP/80', 'TCP/443'], ['UDP/53'], ['UDP/53', 'TCP/53']]),
    externalTrafficPolicy: pick(['Cluster', 'Cluster', 'Local']),
    selector: pick<Readonly<Record<string, string>>>([{}, { app: 'a' }, { app: 'b' }]),
    ipFamilies: pick([[], [], ['IPv4'], ['IPv6'], ['IPv6', 'IPv4']]),
    ipFamilyPolicy: pick([null, null, 'SingleStack', 'PreferDualStack', 'RequireDualStack']),
    createdAtMs: pick([1, 2, 3]),
  };
  return service(key, fields);
}

/** For tests: one change of anything that allocation looks at. */
export function change(world: OpenWorld, pick: Pick): void {
  const key = pick(KEYS);
  const name = pick(['a', 'b', 'c']);
  switch (pick(['service', 'service', 'service', 'service', 'policy', 'removal', 'pool', 'poolRemoval', 'namespace', 'rules'])) {
    case 'service':
      world.services.set(key, randomService(pick, key));
      break;
    case 'policy': {
      const of = world.services.get(key);
      const ipFamilyPolicy = pick(['SingleStack', 'PreferDualStack', 'RequireDualStack'] as const);
      if (of !== undefined) world.services.set(key, { ...of, ipFamilyPolicy });
      break;
    }
    case 'removal':
      world.services.delete(key);
      world.statuses.delete(key);
      break;
    case 'pool':
      world.pools.set(name, randomPool(pick, name));
      break;
    case 'poolRemoval':
      world.pools.delete(pick(['a', 'b', 'c', 'd', 'e']));
      break;
    case 'namespace': {
      const namespace = pick(['x', 'y', 'z']);
      world.namespaces.set(namespace, namespaceOf(namespace, pick<Readonly<Record<string, string>>>(TEAMS)));
      break;
    }
    case 'rules':
      world.classRequired = pick([false, false, false, true]);
      world.optIn = pick([false, false, false, true]);
  }
}

/** For tests: the same things in another order. */
export function shuffled<T>(items: Iterable<T>, pick: Pick): T[] {
  const ordered = [...items].map((item) => ({ item, order: pick([1, 2, 3, 4, 5, 6, 7, 8, 9]) }));
  return ordered.sort((a, b) => a.order - b.order).map(({ item }) => item);
}
