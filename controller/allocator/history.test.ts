import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Problem } from '../../core/ir/problem.ts';
import { inRange, parseIpRange } from '../../core/net/ipRange.ts';
import { parseIpAddress } from '../../core/net/ipAddress.ts';
import { allocate, type AllocationResult } from './allocate.ts';
import type { Assignments } from './assignment.ts';
import { seededRandom, testSeed } from '../../proxy/balance/testing/seededRandom.ts';
import { pool, service, type PoolFields, type ServiceFields } from './testing/objects.ts';
import type { IPAddressPool, Service } from '../model/objects.ts';

const SEED = testSeed();
const HISTORIES = 150;
const STEPS = 40;

/** Choices that depend on the seed alone. */
function createPick(seed: number): <T>(choices: readonly T[]) => T {
  const random = seededRandom(seed);
  return (choices) => {
    const choice = choices[Math.floor(random() * choices.length)];
    assert.ok(choice !== undefined);
    return choice;
  };
}

type Pick = ReturnType<typeof createPick>;

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
  '192.0.2.3',
  '192.0.2.5',
  '192.0.2.16',
  '198.51.100.1',
  '2001:db8::1',
  '2001:db8::3',
  '10.0.0.1',
  'nonsense',
];

function randomPool(pick: Pick, name: string): IPAddressPool {
  const fields: PoolFields = { autoAssign: pick([true, true, true, false]), avoidBuggyIPs: pick([false, false, true]) };
  return pool(name, [...pick(RANGES), ...pick<readonly string[]>([[], [], pick(RANGES)])], fields);
}

function randomService(pick: Pick, key: string): Service {
  const annotations: Record<string, string> = {};
  const prefix = pick(['metallb.io', 'gatehouse.dev', 'metallb.universe.tf']);
  const own = prefix === 'gatehouse.dev';
  if (pick([true, true, false])) annotations[`${prefix}/allow-shared-ip`] = pick(['k', 'k', 'j', '']);
  if (pick([true, false, false, false])) annotations[`${prefix}/address-pool`] = pick(['a', 'b', 'c', 'nowhere']);
  const value = pick([pick(ADDRESSES), `${pick(ADDRESSES)},${pick(ADDRESSES)}`]);
  if (pick([true, false, false, false]))
    annotations[`${prefix}/${own ? 'load-balancer-ips' : 'loadBalancerIPs'}`] = value;
  const fields: ServiceFields = {
    annotations,
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

interface World {
  readonly pools: Map<string, IPAddressPool>;
  readonly services: Map<string, Service>;
}

const KEYS = ['x/a', 'x/b', 'x/c', 'x/d', 'y/a', 'y/b', 'y/c', 'y/d', 'z/a', 'z/b'];

function change(world: World, pick: Pick): void {
  const what = pick(['service', 'service', 'service', 'service', 'removal', 'pool', 'poolRemoval']);
  if (what === 'service') {
    const key = pick(KEYS);
    world.services.set(key, randomService(pick, key));
  } else if (what === 'removal') world.services.delete(pick(KEYS));
  else if (what === 'pool') {
    const name = pick(['a', 'b', 'c']);
    world.pools.set(name, randomPool(pick, name));
  } else world.pools.delete(pick(['a', 'b', 'c', 'd', 'e']));
}

function run(
  world: World,
  previous: Assignments,
  services: Iterable<Service> = world.services.values(),
): AllocationResult {
  return allocate({ pools: world.pools.values(), services, previous });
}

/** An own reading of the rules, as plain as can be. */
function mayShare(a: Service, b: Service): boolean {
  const keyOf = ({ metadata: { annotations } }: Service): string => {
    const names = ['gatehouse.dev', 'metallb.io', 'metallb.universe.tf'].map((prefix) => `${prefix}/allow-shared-ip`);
    return annotations.get(names.find((name) => annotations.has(name)) ?? '') ?? '';
  };
  const backendOf = (of: Service): string => (of.externalTrafficPolicy === 'Cluster' ? '' : [...of.selector].join());
  const portsOf = (of: Service): string[] => of.ports.map(({ protocol, port }) => protocol + port);
  const disjoint = portsOf(a).every((port) => !portsOf(b).includes(port));
  return keyOf(a) !== '' && keyOf(a) === keyOf(b) && backendOf(a) === backendOf(b) && disjoint;
}

function holds(object: IPAddressPool | undefined, text: string): boolean {
  const address = parseIpAddress(text);
  assert.ok(address !== null, text);
  if (object?.avoidBuggyIPs === true && /\.(?:0|255)$/.test(text)) return false;
  return (
    object?.addresses.some((range) => {
      const parsed = parseIpRange(range);
      return parsed.ok && inRange(parsed.range, address);
    }) === true
  );
}

/** True when an error, not just a deprecated spelling, is reported of the Service. */
function told(problems: readonly Problem[], { metadata }: Service): boolean {
  return problems.some(
    ({ object, effect }) =>
      object?.namespace === metadata.namespace && object.name === metadata.name && effect.startsWith('the Service'),
  );
}

function assertLegal(world: World, { assignments, pools, problems }: AllocationResult): void {
  const holders = new Map<string, Service[]>();
  for (const [key, { addresses, pool: name }] of assignments) {
    const of = world.services.get(key);
    assert.ok(of !== undefined && of.type === 'LoadBalancer' && of.loadBalancerClass !== 'example.com/lb', key);
    assert.ok(addresses.length === 1 || new Set(addresses.map((address) => address.includes(':'))).size === 2);
    // One that asks unclearly keeps what it has; that is the only way to one address.
    if (of.ipFamilyPolicy === 'RequireDualStack' && !told(problems, of)) assert.equal(addresses.length, 2, key);
    for (const address of addresses) {
      assert.ok(holds(world.pools.get(name), address), `${address} of ${key} in ${name}`);
      const others = holders.get(address) ?? [];
      for (const other of others) assert.ok(mayShare(of, other), `${address} of ${key} and ${other.metadata.name}`);
      holders.set(address, [...others, of]);
    }
  }
  const assigned = pools.reduce((sum, { ipv4, ipv6 }) => sum + ipv4.assigned + ipv6.assigned, 0);
  assert.equal(assigned, holders.size);
  for (const { ipv4, ipv6 } of pools) assert.ok(ipv4.available >= 0 && ipv6.available >= 0);
  for (const of of world.services.values()) {
    if (of.type !== 'LoadBalancer' || of.loadBalancerClass === 'example.com/lb') continue;
    const key = `${of.metadata.namespace}/${of.metadata.name}`;
    assert.ok(assignments.has(key) || told(problems, of), `${key} has no address and nobody says why`);
  }
}

function assertNoChangeWithoutCause(world: World, before: World, was: Assignments, now: AllocationResult): void {
  const samePools =
    [...world.pools].length === before.pools.size &&
    [...world.pools].every(([name, of]) => before.pools.get(name) === of);
  for (const { service: key, before: addresses, after, cause } of now.changes) {
    if (cause === 'new' || cause === 'familyAdded') continue;
    const lost = addresses.filter((address) => !after.includes(address));
    const reordered = lost.length === 0;
    const changed = world.services.get(key) !== before.services.get(key);
    // A Service loses an address only when it has changed itself, or the pools have.
    assert.ok(changed || !samePools || reordered, `${key} lost ${lost.join()} by ${cause}`);
    if (cause === 'outsidePools') assert.ok(!samePools || changed, key);
    assert.ok(was.has(key));
  }
  if (!samePools) return;
  for (const [key, { addresses }] of was) {
    if (world.services.get(key) !== before.services.get(key)) continue;
    for (const address of addresses)
      assert.ok(now.assignments.get(key)?.addresses.includes(address) === true, `${key} ${address}`);
  }
}

function shuffled<T>(items: Iterable<T>, pick: Pick): T[] {
  const ordered = [...items].map((item) => ({ item, order: pick([1, 2, 3, 4, 5, 6, 7, 8, 9]) }));
  return ordered.sort((a, b) => a.order - b.order).map(({ item }) => item);
}

test(`Whatever happens to pools and Services, addresses obey the rules (GATEHOUSE_SEED=${SEED})`, () => {
  for (let history = 0; history < HISTORIES; history += 1) {
    const pick = createPick(SEED + history);
    const world: World = { pools: new Map(), services: new Map() };
    let was: Assignments = new Map();
    for (let step = 0; step < STEPS; step += 1) {
      const before: World = { pools: new Map(world.pools), services: new Map(world.services) };
      change(world, pick);
      const now = run(world, was);
      assertLegal(world, now);
      assertNoChangeWithoutCause(world, before, was, now);
      const mixed = allocate({
        pools: shuffled(world.pools.values(), pick),
        services: shuffled(world.services.values(), pick),
        previous: new Map(shuffled(was, pick)),
      });
      assert.deepEqual([...mixed.assignments], [...now.assignments]);
      assert.deepEqual(mixed.problems, now.problems);
      const again = run(world, now.assignments);
      assert.deepEqual(again.assignments, now.assignments, 'a second run changes nothing');
      assert.deepEqual(again.changes, []);
      was = now.assignments;
    }
  }
});

test(`A restart from the status alone keeps every address (GATEHOUSE_SEED=${SEED})`, () => {
  for (let history = 0; history < HISTORIES; history += 1) {
    const pick = createPick(SEED - history);
    const world: World = { pools: new Map(), services: new Map() };
    let now = run(world, new Map());
    for (let step = 0; step < STEPS; step += 1) {
      change(world, pick);
      now = run(world, now.assignments);
    }
    const withStatus = [...world.services].map(([key, of]) => ({
      ...of,
      statusAddresses: now.assignments.get(key)?.addresses ?? [],
    }));
    assert.deepEqual(run(world, new Map(), withStatus).assignments, now.assignments);
  }
});
