import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IPAddressPool } from '../model/addressPool.ts';
import type { Service } from '../model/service.ts';
import type { Assignments } from './assignment.ts';
import { give, type Given } from './testing/given.ts';
import { pool, service, type ServiceFields } from './testing/objects.ts';

// What MetalLB's users rely on, one test per sentence; where Gatehouse is kinder the name says so.

const P = pool('p', ['192.0.2.0/29']);
const DUAL = pool('dual', ['192.0.2.0/29', '2001:db8::/126']);
const CLUSTER_BOTH: ServiceFields = { clusterIPs: ['10.96.0.1', 'fd00::1'], ipFamilies: ['IPv4', 'IPv6'] };

function shared(key: string, port: string, fields: ServiceFields = {}): ServiceFields {
  return { annotations: { 'metallb.io/allow-shared-ip': key }, ports: [port], loadBalancerIP: '192.0.2.1', ...fields };
}

/** Runs again after a change, from what was given before. */
function after(before: Given, pools: readonly IPAddressPool[], services: readonly Service[]): Given {
  return give({ pools, services, previous: before.result.assignments });
}

test('Sharing: both Services carry the same non-empty allow-shared-ip value', () => {
  const share = (a: string, b: string): number =>
    Object.keys(give({ pools: [P], services: [service('a/a', shared(a, 'TCP/1')), service('b/b', shared(b, 'TCP/2'))] }).given).length;
  assert.deepEqual([share('k', 'k'), share('k', 'j'), share('', ''), share('k', '')], [2, 1, 1, 1]);
});

test('Sharing: their ports do not collide (protocol and port)', () => {
  const share = (a: string, b: string): number =>
    Object.keys(give({ pools: [P], services: [service('a/a', shared('k', a)), service('b/b', shared('k', b))] }).given).length;
  assert.deepEqual([share('TCP/53', 'UDP/53'), share('TCP/53', 'TCP/53')], [2, 1]);
});

test('Sharing: Cluster whatever the selectors, Local only with an identical selector, not mixed unless Local has none', () => {
  const policy = (externalTrafficPolicy: 'Cluster' | 'Local', app: string): ServiceFields => ({
    externalTrafficPolicy,
    selector: app === '' ? {} : { app },
  });
  const share = (a: ServiceFields, b: ServiceFields): boolean => {
    const services = [service('a/a', shared('k', 'TCP/1', a)), service('b/b', shared('k', 'TCP/2', b))];
    return Object.keys(give({ pools: [P], services }).given).length === 2;
  };
  assert.equal(share(policy('Cluster', 'x'), policy('Cluster', 'y')), true);
  assert.equal(share(policy('Local', 'x'), policy('Local', 'x')), true);
  assert.equal(share(policy('Local', 'x'), policy('Local', 'y')), false);
  assert.equal(share(policy('Local', 'x'), policy('Cluster', 'x')), false);
  assert.equal(share(policy('Local', ''), policy('Cluster', 'x')), true);
});

test('Sharing is allowed, not sought: two Services with one key need not land on one IP', () => {
  const first = give({ pools: [P], services: [service('a/a', shared('k', 'TCP/1'))] });
  const { loadBalancerIP: _, ...free } = shared('k', 'TCP/2');
  const { given } = after(first, [P], [service('a/a', shared('k', 'TCP/1')), service('b/b', free)]);
  assert.deepEqual(given, { 'a/a': '192.0.2.1 @p', 'b/b': '192.0.2.0 @p' });
});

test('A sole holder may change its key; a co-holder may not without giving the IP up', () => {
  const sole = give({ pools: [P], services: [service('a/a', shared('k', 'TCP/1'))] });
  assert.deepEqual(after(sole, [P], [service('a/a', shared('j', 'TCP/1'))]).given, { 'a/a': '192.0.2.1 @p' });
  const services = [service('a/a', shared('k', 'TCP/1')), service('b/b', shared('k', 'TCP/2'))];
  const two = give({ pools: [P], services });
  const changed = after(two, [P], [service('a/a', shared('j', 'TCP/1')), service('b/b', shared('k', 'TCP/2'))]);
  assert.deepEqual(changed.given, { 'b/b': '192.0.2.1 @p' });
});

test("When a sharer's key, policy or selector changes all Services are reprocessed", () => {
  const local: ServiceFields = { externalTrafficPolicy: 'Local', selector: { app: 'x' } };
  const waiting = [service('a/a', shared('k', 'TCP/1')), service('b/b', shared('k', 'TCP/2', local))];
  const first = give({ pools: [P], services: waiting });
  assert.deepEqual(first.given, { 'a/a': '192.0.2.1 @p' });
  const { given } = after(first, [P], [service('a/a', shared('k', 'TCP/1', local)), service('b/b', shared('k', 'TCP/2', local))]);
  assert.deepEqual(given, { 'a/a': '192.0.2.1 @p', 'b/b': '192.0.2.1 @p' });
});

test('Choice order: explicit IP, then the named pool, then pinned pools by priority, then every autoAssign pool without serviceAllocation', () => {
  const pools = [
    pool('plain', ['10.0.0.0/30']),
    pool('pinned', ['10.0.1.0/30'], { serviceAllocation: { namespaces: ['a'], priority: 9 } }),
    pool('first', ['10.0.2.0/32'], { serviceAllocation: { namespaces: ['a'], priority: 1 } }),
    pool('last', ['10.0.3.0/30'], { serviceAllocation: { namespaces: ['a'] } }),
    pool('named', ['10.0.4.0/30'], { autoAssign: false }),
  ];
  const services = [
    service('a/1'),
    service('a/2'),
    service('a/3', { annotations: { 'metallb.io/address-pool': 'named' } }),
    service('a/4', { annotations: { 'metallb.io/loadBalancerIPs': '10.0.3.2' } }),
    service('b/5'),
  ];
  assert.deepEqual(give({ pools, services }).given, {
    'a/1': '10.0.2.0 @first',
    'a/2': '10.0.1.0 @pinned',
    'a/3': '10.0.4.0 @named',
    'a/4': '10.0.3.2 @last',
    'b/5': '10.0.0.0 @plain',
  });
});

test('Within a pool the first free address in the order of its ranges is given', () => {
  const pools = [pool('p', ['192.0.2.6/31', '192.0.2.0/31'])];
  const services = ['a/1', 'a/2', 'a/3'].map((key) => service(key));
  assert.deepEqual(Object.values(give({ pools, services }).given), ['192.0.2.6 @p', '192.0.2.7 @p', '192.0.2.0 @p']);
});

test("All of a Service's addresses come from one pool", () => {
  const pools = [P, pool('six', ['2001:db8::/126'])];
  assert.deepEqual(give({ pools, services: [service('a/a', { ...CLUSTER_BOTH, ipFamilyPolicy: 'RequireDualStack' })] }).given, {});
});

test('Requests outside any pool, excluded by avoidBuggyIPs, or not admitted by serviceAllocation leave the Service pending', () => {
  const pools = [
    pool('buggy', ['192.0.2.0/24'], { avoidBuggyIPs: true }),
    pool('fenced', ['10.0.0.0/30'], { serviceAllocation: { namespaces: ['b'] } }),
  ];
  for (const loadBalancerIP of ['172.16.0.1', '192.0.2.0', '10.0.0.1']) {
    const { given, result } = give({ pools, services: [service('a/a', { loadBalancerIP })] });
    assert.deepEqual(given, {});
    assert.deepEqual(result.refusals.map(({ kept }) => kept), [[]]);
  }
});

test('A request that cannot be met clears nothing that works (kinder than MetalLB)', () => {
  const first = give({ pools: [P], services: [service('a/a')] });
  const { given, result } = after(first, [P], [service('a/a', { loadBalancerIP: '172.16.0.1' })]);
  assert.deepEqual(given, first.given);
  assert.deepEqual(result.refusals.map(({ reason, kept }) => [reason, kept]), [['outsidePools', ['192.0.2.0']]]);
});

test('An unparsable value, two of one family, families unlike the cluster IPs, and an IP not in the named pool are errors', () => {
  const wrong: readonly ServiceFields[] = [
    { annotations: { 'metallb.io/loadBalancerIPs': '192.0.2' } },
    { ...CLUSTER_BOTH, annotations: { 'metallb.io/loadBalancerIPs': '192.0.2.1,192.0.2.2' } },
    { clusterIPs: ['fd00::1'], annotations: { 'metallb.io/loadBalancerIPs': '192.0.2.1' } },
    { annotations: { 'metallb.io/loadBalancerIPs': '192.0.2.1', 'metallb.io/address-pool': 'other' } },
  ];
  for (const fields of wrong) {
    const { given, faults } = give({ pools: [P, pool('other', ['10.0.0.0/30'])], services: [service('a/a', fields)] });
    assert.deepEqual(given, {});
    assert.equal(faults.length, 1);
  }
});

test('RequireDualStack needs a pool that has both families free', () => {
  const fields: ServiceFields = { ...CLUSTER_BOTH, ipFamilyPolicy: 'RequireDualStack' };
  assert.deepEqual(give({ pools: [P, pool('six', ['2001:db8:6::/126'])], services: [service('a/a', fields)] }).given, {});
  assert.deepEqual(give({ pools: [DUAL], services: [service('a/a', fields)] }).given, { 'a/a': '192.0.2.0 2001:db8:: @dual' });
});

test('PreferDualStack takes a pair if a pool has it, else one address of ipFamilies[0], else of the other', () => {
  const prefer = (...families: readonly ('IPv4' | 'IPv6')[]): Service[] => [
    service('a/a', { clusterIPs: CLUSTER_BOTH.clusterIPs ?? [], ipFamilies: families, ipFamilyPolicy: 'PreferDualStack' }),
  ];
  const six = pool('six', ['2001:db8:6::/126']);
  assert.deepEqual(give({ pools: [six, DUAL], services: prefer('IPv6', 'IPv4') }).given, { 'a/a': '2001:db8:: 192.0.2.0 @dual' });
  assert.deepEqual(give({ pools: [six, P], services: prefer('IPv6', 'IPv4') }).given, { 'a/a': '2001:db8:6:: @six' });
  assert.deepEqual(give({ pools: [six, P], services: prefer('IPv4', 'IPv6') }).given, { 'a/a': '192.0.2.0 @p' });
  assert.deepEqual(give({ pools: [P], services: prefer('IPv6', 'IPv4') }).given, { 'a/a': '192.0.2.0 @p' });
});

test('PreferDualStack with one cluster address, as in a cluster of one family, is one address', () => {
  const fields: ServiceFields = { clusterIPs: ['fd00::1'], ipFamilies: ['IPv6'], ipFamilyPolicy: 'PreferDualStack' };
  assert.deepEqual(give({ pools: [DUAL], services: [service('a/a', fields)] }).given, { 'a/a': '2001:db8:: @dual' });
});

test('PreferDualStack adds the other family later from the same pool only; it never moves to a better pool by itself', () => {
  const services = [service('a/a', { ...CLUSTER_BOTH, ipFamilyPolicy: 'PreferDualStack' })];
  const first = give({ pools: [P], services });
  const better = pool('better', ['10.0.0.0/30', '2001:db8:9::/126']);
  assert.deepEqual(after(first, [P, better], services).given, { 'a/a': '192.0.2.0 @p' });
  const grown = after(first, [pool('p', [...P.addresses, '2001:db8::/126']), better], services);
  assert.deepEqual(grown.given, { 'a/a': '192.0.2.0 2001:db8:: @p' });
  assert.deepEqual(grown.result.changes.map(({ cause }) => cause), ['familyAdded']);
});

test('If the pool turns single-stack both addresses are re-chosen where another pool has both, else the one left stays (kinder)', () => {
  const services = [service('a/a', { ...CLUSTER_BOTH, ipFamilyPolicy: 'RequireDualStack' })];
  const first = give({ pools: [DUAL], services });
  const alone = pool('dual', ['192.0.2.0/29']);
  assert.deepEqual(after(first, [alone], services).given, { 'a/a': '192.0.2.0 @dual' });
  const other = pool('other', ['10.0.0.0/30', '2001:db8:9::/126']);
  assert.deepEqual(after(first, [alone, other], services).given, { 'a/a': '10.0.0.0 2001:db8:9:: @other' });
});

test('Pool changes: grow changes nothing, rename or split keeps the IP under another label', () => {
  const services = [service('a/a'), service('a/b')];
  const first = give({ pools: [P], services });
  assert.deepEqual(after(first, [pool('p', ['192.0.2.0/24'])], services).given, first.given);
  assert.deepEqual(after(first, [pool('q', ['192.0.2.0/29'])], services).given, { 'a/a': '192.0.2.0 @q', 'a/b': '192.0.2.1 @q' });
  const split = after(first, [pool('x', ['192.0.2.0/32']), pool('y', ['192.0.2.1-192.0.2.7'])], services);
  assert.deepEqual(split.given, { 'a/a': '192.0.2.0 @x', 'a/b': '192.0.2.1 @y' });
  assert.deepEqual(split.result.changes, []);
});

test('Shrink, delete or avoidBuggyIPs: Services whose address is no longer in any pool get a new one or stay pending', () => {
  const services = [service('a/a'), service('a/b')];
  const first = give({ pools: [P], services });
  const shrunk = after(first, [pool('p', ['192.0.2.1/32'])], services);
  assert.deepEqual(shrunk.given, { 'a/b': '192.0.2.1 @p' });
  assert.deepEqual(shrunk.result.changes.map(({ service: key, cause }) => [key, cause]), [['a/a', 'outsidePools']]);
  assert.deepEqual(after(first, [], services).given, {});
  const careful = after(first, [pool('p', ['192.0.2.0/29'], { avoidBuggyIPs: true })], services);
  assert.deepEqual(careful.given, { 'a/a': '192.0.2.2 @p', 'a/b': '192.0.2.1 @p' });
});

test('Restart: Services with an address in their status go first, so addresses are kept', () => {
  const services = [service('a/new', { createdAtMs: 1 }), service('b/old', { createdAtMs: 9, statusAddresses: ['192.0.2.0'] })];
  assert.deepEqual(give({ pools: [P], services }).given, { 'a/new': '192.0.2.1 @p', 'b/old': '192.0.2.0 @p' });
});

test('Type change to non-LoadBalancer and deletion free the address, and waiters get it', () => {
  const small = [pool('p', ['192.0.2.1/32'])];
  const previous: Assignments = new Map([['a/a', { addresses: ['192.0.2.1'], pool: 'p' }]]);
  for (const left of [[], [service('a/a', { type: 'ClusterIP', statusAddresses: ['192.0.2.1'] })]]) {
    const { given, result } = give({ pools: small, services: [...left, service('b/waits')], previous });
    assert.deepEqual(given, { 'b/waits': '192.0.2.1 @p' });
    assert.deepEqual(result.changes.map(({ cause }) => cause), ['notLoadBalancer', 'new']);
  }
});

test('A Service whose class does not match is ignored and does not count', () => {
  const foreign = service('a/a', { loadBalancerClass: 'example.com/lb', statusAddresses: ['192.0.2.0'] });
  const { given, result } = give({ pools: [P], services: [foreign] });
  assert.deepEqual([given, result.problems, result.refusals, result.changes], [{}, [], [], []]);
  assert.equal(result.pools[0]?.ipv4.assigned, 0);
});

test('.0 and .255 are handed out unless avoidBuggyIPs is on, network and broadcast addresses of smaller blocks always', () => {
  const services = ['a/1', 'a/2', 'a/3', 'a/4'].map((key) => service(key));
  assert.deepEqual(Object.keys(give({ pools: [pool('p', ['192.0.2.252/30'])], services }).given).length, 4);
  const careful = give({ pools: [pool('p', ['192.0.2.252/30'], { avoidBuggyIPs: true })], services });
  assert.deepEqual(Object.values(careful.given), ['192.0.2.252 @p', '192.0.2.253 @p', '192.0.2.254 @p']);
});
