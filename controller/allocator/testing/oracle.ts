import assert from 'node:assert/strict';
import type { IPAddressPool } from '../../model/addressPool.ts';
import type { LabelSelector } from '../../model/objectBase.ts';
import type { Namespace } from '../../model/objects.ts';
import type { Service } from '../../model/service.ts';
import { parseIpAddress } from '../../../core/net/ipAddress.ts';
import { inRange, parseIpRange } from '../../../core/net/ipRange.ts';
import type { AllocationResult } from '../allocate.ts';
import type { Assignments, ServiceAssignment } from '../assignment.ts';

/** For tests: everything that is so at one moment. */
export interface World {
  readonly pools: ReadonlyMap<string, IPAddressPool>;
  /** `namespace/name` → Service as its owner wrote it. */
  readonly services: ReadonlyMap<string, Service>;
  readonly namespaces: ReadonlyMap<string, Namespace>;
  /** `namespace/name` → what its status says. */
  readonly statuses: ReadonlyMap<string, readonly string[]>;
  readonly classRequired: boolean;
  readonly optIn: boolean;
}

/** For tests: one run to be judged. */
export interface Judged {
  readonly world: World;
  /** The world at the run before. */
  readonly before: World;
  /** What the process remembered. */
  readonly was: Assignments;
  readonly result: AllocationResult;
  readonly mode: 'give' | 'keep';
}

/**
 * For tests: a judge that knows the rules of docs/address-pools.md and nothing of the code: plain loops over everything. Throws
 * where a rule is broken.
 */
export function judge(run: Judged): void {
  const { world, result } = run;
  const holders = new Map<string, string[]>();
  for (const [key, assignment] of result.assignments) {
    const service = world.services.get(key);
    assert.ok(service !== undefined && served(world, service), `${key} is not ours`);
    judgeAssignment(run, service, assignment);
    for (const address of assignment.addresses) holders.set(address, [...(holders.get(address) ?? []), key]);
  }
  for (const [address, keys] of holders) judgeSharing(world, address, keys);
  judgeCounts(result, holders);
  for (const service of world.services.values()) if (served(world, service)) judgeWaiting(run, service, holders);
  judgeLosses(run);
}

function keyOf({ metadata }: Service): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function served(world: World, service: Service): boolean {
  if (service.type !== 'LoadBalancer') return false;
  if (service.loadBalancerClass !== null) return service.loadBalancerClass === 'gatehouse.dev/lb';
  if (world.classRequired) return false;
  return !world.optIn || service.metadata.annotations.get('lb.kubesphere.io/v1alpha1') === 'openelb';
}

/** Texts of the annotations, oldest names last and only where nothing newer is there. */
function said(service: Service, names: readonly string[], deprecated: string): string[] {
  const { annotations } = service.metadata;
  const texts = names.map((name) => annotations.get(name) ?? '').filter((text) => text !== '');
  const old = annotations.get(deprecated) ?? '';
  const own = names.slice(0, 2).some((name) => (annotations.get(name) ?? '') !== '');
  return old === '' || own ? texts : [old, ...texts];
}

function sharingKeys(service: Service): string[] {
  return said(service, ['gatehouse.dev/allow-shared-ip', 'metallb.io/allow-shared-ip'], 'metallb.universe.tf/allow-shared-ip');
}

function poolsAsked(service: Service): string[] {
  const names = ['gatehouse.dev/address-pool', 'metallb.io/address-pool', 'eip.openelb.kubesphere.io/v1alpha2'];
  return said(service, names, 'metallb.universe.tf/address-pool');
}

function addressesAsked(service: Service): string[] {
  const names = [
    'gatehouse.dev/load-balancer-ips',
    'metallb.io/loadBalancerIPs',
    'eip.openelb.kubesphere.io/v1alpha1',
    'kube-vip.io/loadbalancerIPs',
  ];
  const texts = said(service, names, 'metallb.universe.tf/loadBalancerIPs');
  return [...texts, ...(service.loadBalancerIP === '' ? [] : [service.loadBalancerIP])];
}

function asksNothing(service: Service): boolean {
  return poolsAsked(service).length === 0 && addressesAsked(service).length === 0 && sharingKeys(service).length === 0;
}

function contains(pool: IPAddressPool, text: string): boolean {
  const address = parseIpAddress(text);
  if (address === null) return false;
  if (pool.avoidBuggyIPs && /^\d+\.\d+\.\d+\.(?:0|255)$/.test(text)) return false;
  return pool.addresses.some((range) => {
    const parsed = parseIpRange(range);
    return parsed.ok && inRange(parsed.range, address);
  });
}

function fits(selector: LabelSelector, labels: ReadonlyMap<string, string>): boolean {
  for (const [key, value] of selector.matchLabels) if (labels.get(key) !== value) return false;
  return true;
}

function admits(world: World, pool: IPAddressPool, service: Service): boolean {
  const { serviceAllocation: allocation } = pool;
  if (allocation === null) return true;
  const { namespace, labels } = service.metadata;
  const named = allocation.namespaces.length + allocation.namespaceSelectors.length > 0;
  const namespaceLabels = world.namespaces.get(namespace)?.metadata.labels ?? new Map<string, string>();
  const inNamespace =
    allocation.namespaces.includes(namespace) || allocation.namespaceSelectors.some((one) => fits(one, namespaceLabels));
  const inLabels = allocation.serviceSelectors.length === 0 || allocation.serviceSelectors.some((one) => fits(one, labels));
  return (!named || inNamespace) && inLabels;
}

/** Who the address is kept for; the first entry counts. */
function owner(pool: IPAddressPool, text: string): string | null {
  return pool.reserved.find(({ address }) => address === text)?.service ?? null;
}

function remembered({ was, world, mode }: Judged, key: string): readonly string[] {
  const status = world.statuses.get(key) ?? [];
  return mode === 'keep' ? status : (was.get(key)?.addresses ?? status);
}

function judgeAssignment(run: Judged, service: Service, { addresses, pool: name }: ServiceAssignment): void {
  const { world, mode } = run;
  const key = keyOf(service);
  const pool = world.pools.get(name);
  assert.ok(pool !== undefined, `${key}: pool ${name} is not there`);
  const families = new Set(addresses.map((address) => (address.includes(':') ? 'IPv6' : 'IPv4')));
  assert.equal(families.size, addresses.length, `${key}: ${addresses.join()}`);
  assert.ok(addresses.length === 1 || addresses.length === 2, `${key} has ${addresses.length}`);
  const [first] = service.ipFamilies;
  const single = service.ipFamilyPolicy === 'SingleStack' || (service.ipFamilyPolicy === null && service.ipFamilies.length < 2);
  if (single) assert.equal(addresses.length, 1, key);
  if (single && first !== undefined) assert.ok(families.has(first), `${key} wants ${first}`);
  assert.ok(admits(world, pool, service), `${key} is in ${name}, which is not for it`);
  // What the process remembers may have become impossible, and what stands in the status possible.
  const old = [...remembered(run, key), ...(world.statuses.get(key) ?? [])];
  for (const address of addresses) {
    assert.ok(contains(pool, address), `${key}: ${address} is not in ${name}`);
    if (old.includes(address)) continue;
    assert.equal(mode, 'give', `${key}: ${address} is new and only the leader gives`);
    judgeNew(service, address, { pool, kept: addresses.some((other) => old.includes(other) || owner(pool, other) === key) });
  }
}

function judgeNew(service: Service, address: string, { pool, kept }: { pool: IPAddressPool; kept: boolean }): void {
  const key = keyOf(service);
  const what = `${key}: ${address} of ${pool.metadata.name}`;
  assert.ok(!pool.drain, `${what} is drained`);
  const keptFor = owner(pool, address);
  assert.ok(keptFor === null || keptFor === key, `${what} is kept for ${keptFor}`);
  for (const name of poolsAsked(service)) assert.equal(pool.metadata.name, name, what);
  const asked = addressesAsked(service);
  const listed = asked.flatMap((text) => text.split(',')).map((text) => text.trim());
  if (asked.length > 0) assert.ok(listed.includes(address), `${what} was not asked for`);
  else if (poolsAsked(service).length === 0 && !kept && keptFor === null) assert.ok(pool.autoAssign, `${what} gives nothing unasked`);
}

function judgeSharing(world: World, address: string, keys: readonly string[]): void {
  for (const [index, a] of keys.entries()) {
    for (const b of keys.slice(index + 1)) {
      const [one, other] = [world.services.get(a), world.services.get(b)];
      assert.ok(one !== undefined && other !== undefined && mayShare(one, other), `${address} of ${a} and ${b}`);
    }
  }
}

function mayShare(a: Service, b: Service): boolean {
  const [keyA, keyB] = [sharingKeys(a)[0] ?? '', sharingKeys(b)[0] ?? ''];
  const backendOf = (of: Service): string => (of.externalTrafficPolicy === 'Cluster' ? '' : [...of.selector].join());
  const portsOf = (of: Service): string[] => of.ports.map(({ protocol, port }) => protocol + port);
  const disjoint = portsOf(a).every((port) => !portsOf(b).includes(port));
  return keyA !== '' && keyA === keyB && backendOf(a) === backendOf(b) && disjoint;
}

function judgeCounts({ pools }: AllocationResult, holders: ReadonlyMap<string, unknown>): void {
  const assigned = pools.reduce((sum, { ipv4, ipv6 }) => sum + ipv4.assigned + ipv6.assigned, 0);
  assert.equal(assigned, holders.size);
  for (const { name, drain, ipv4, ipv6 } of pools) {
    for (const { total, assigned: used, available } of [ipv4, ipv6]) {
      const most = total === Number.MAX_SAFE_INTEGER ? total : total - used;
      assert.ok(available >= 0 && available <= most, `${name}: ${available} of ${total}, ${used} in use`);
      if (drain) assert.equal(available, 0, name);
    }
  }
}

/** One without an address is told why, and the reason holds. */
function judgeWaiting({ world, result, mode }: Judged, service: Service, holders: ReadonlyMap<string, readonly string[]>): void {
  const key = keyOf(service);
  const told = result.refusals.some((refusal) => `${refusal.service.namespace}/${refusal.service.name}` === key);
  const reported = result.problems.some(
    ({ object, effect }) => object?.kind === 'Service' && `${object.namespace}/${object.name}` === key && effect.startsWith('the Service'),
  );
  const has = result.assignments.get(key);
  assert.ok(has !== undefined || told, `${key} has no address and nobody says why`);
  assert.equal(reported, mode === 'give' && told, `${key}: problems are the leader's`);
  if (mode === 'keep' || has !== undefined || !asksNothing(service)) return;
  const wanted = service.ipFamilies[0];
  if (service.ipFamilies.length !== 1 || service.ipFamilyPolicy === 'RequireDualStack' || wanted === undefined) return;
  if ([...world.pools.values()].some(({ reserved }) => reserved.some((entry) => entry.service === key))) return;
  for (const pool of world.pools.values()) {
    if (!pool.autoAssign || pool.drain || !admits(world, pool, service)) continue;
    const free: string | undefined = someAddresses(pool, wanted).find((address) => contains(pool, address) && owner(pool, address) === null && !holders.has(address));
    const claims: readonly IPAddressPool[] = [...world.pools.values()].filter((other) => free !== undefined && other !== pool && overlaps(other, free));
    assert.ok(free === undefined || claims.length > 0, `${key} waits though ${free} of ${pool.metadata.name} is free`);
  }
}

/** What pools overlap in belongs to the older; whether that one may give it is another matter. */
function overlaps(pool: IPAddressPool, address: string): boolean {
  return contains({ ...pool, avoidBuggyIPs: false }, address);
}

/** The first of the pool's addresses, more than there are Services. */
function someAddresses(pool: IPAddressPool, family: string): string[] {
  return pool.addresses.flatMap((range) => {
    const parsed = parseIpRange(range);
    if (!parsed.ok || parsed.range.family !== family) return [];
    const { first, last } = parsed.range;
    const count = Number(last - first < 24n ? last - first + 1n : 24n);
    return Array.from({ length: count }, (_, index) => first + BigInt(index)).map((value) =>
      family === 'IPv4'
        ? [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.')
        : hexText(value),
    );
  });
}

/** All test addresses of IPv6 are `2001:db8:x::y`. */
function hexText(value: bigint): string {
  const third = (value >> 80n) & 0xffffn;
  const host = value & 0xffffn;
  return `2001:db8:${third === 0n ? '' : `${third.toString(16)}:`}:${host === 0n ? '' : host.toString(16)}`;
}

/** Nobody loses an address without a cause of his own, of the pools, or a wish that is met now. */
function judgeLosses(run: Judged): void {
  const { world, before, result, mode } = run;
  const poolsSame = sameMap(world.pools, before.pools) && sameMap(world.namespaces, before.namespaces);
  for (const [key, service] of world.services) {
    if (!served(world, service)) continue;
    const old = remembered(run, key);
    const now = result.assignments.get(key);
    const lost = old.filter((address) => now?.addresses.includes(address) !== true);
    if (lost.length === 0 || !poolsSame || before.services.get(key) !== service) continue;
    if (mode === 'give' && now !== undefined && isMet(service, now)) continue;
    // A status may be older than the objects, or written by the leader of another moment: then it may say what is not so.
    if (!run.was.has(key) || mode === 'keep') continue;
    assert.fail(`${key} lost ${lost.join()} without a cause`);
  }
}

function isMet(service: Service, { addresses, pool }: ServiceAssignment): boolean {
  const asked = addressesAsked(service).flatMap((text) => text.split(',').map((part) => part.trim()));
  if (asked.length > 0) return addresses.every((address) => asked.includes(address));
  if (poolsAsked(service).length > 0) return poolsAsked(service).includes(pool);
  return service.ipFamilyPolicy === 'RequireDualStack' || service.ipFamilies.length === 2 ? addresses.length === 2 : false;
}

function sameMap<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}
