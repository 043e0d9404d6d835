import assert from 'node:assert/strict';
import { test } from 'node:test';
import { give } from './testing/given.ts';
import { pool, service, type PoolFields } from './testing/objects.ts';

const V4 = pool('v4', ['192.0.2.0/30']);
const HIDDEN = pool('hidden', ['203.0.113.0/30'], { autoAssign: false });

test('Without any pool the problem is a warning: other products may serve the Services', () => {
  const { result } = give({ pools: [], services: [service('shop/web')] });
  assert.deepEqual(
    result.problems.map(({ severity }) => severity),
    ['warning'],
  );
});

test('Services get addresses oldest first, then by name, whatever order they come in', () => {
  const services = [
    service('b/b'),
    service('a/z'),
    service('z/z', { createdAtMs: 5 }),
    service('a/a', { createdAtMs: 9 }),
  ];
  const expected = { 'z/z': '192.0.2.0 @v4', 'a/a': '192.0.2.1 @v4', 'a/z': '192.0.2.2 @v4', 'b/b': '192.0.2.3 @v4' };
  assert.deepEqual(give({ pools: [V4], services }).given, expected);
  assert.deepEqual(give({ pools: [V4], services: services.toReversed() }).given, expected);
});

test('An address asked for is not given to an older Service that asks for none', () => {
  const services = [service('a/any', { createdAtMs: 1 }), service('b/asks', { loadBalancerIP: '192.0.2.0' })];
  assert.deepEqual(give({ pools: [V4], services }).given, { 'a/any': '192.0.2.1 @v4', 'b/asks': '192.0.2.0 @v4' });
});

test('An address in use is refused and the Service that has it is named', () => {
  const services = [
    service('a/first', { loadBalancerIP: '192.0.2.1' }),
    service('a/second', { loadBalancerIP: '192.0.2.1' }),
  ];
  const { given, faults } = give({ pools: [V4], services });
  assert.deepEqual(given, { 'a/first': '192.0.2.1 @v4' });
  assert.match(
    faults[0] ?? '',
    /^second spec.loadBalancerIP: must not be in use; Service a\/first has it, .*allow-shared-ip/,
  );
});

test('When all addresses are in use the problem names the pools', () => {
  const services = Array.from({ length: 6 }, (_, index) => service(`a/s${index}`));
  const { given, faults } = give({ pools: [V4, HIDDEN], services });
  assert.equal(Object.keys(given).length, 4);
  assert.equal(faults.length, 2);
  assert.equal(
    faults[0],
    's4 spec.type: needs a pool with an IPv4 address free; all are in use in v4; the Service has no address',
  );
});

test('Pools are tried oldest first, then by name', () => {
  const pools = [
    pool('a', ['192.0.2.1/32']),
    pool('b', ['192.0.2.2/32']),
    pool('c', ['192.0.2.3/32'], { createdAtMs: 1 }),
  ];
  const services = [service('a/1'), service('a/2'), service('a/3')];
  const expected = { 'a/1': '192.0.2.3 @c', 'a/2': '192.0.2.1 @a', 'a/3': '192.0.2.2 @b' };
  assert.deepEqual(give({ pools, services }).given, expected);
  assert.deepEqual(give({ pools: pools.toReversed(), services }).given, expected);
});

test('A huge pool is never enumerated', () => {
  const { given, result } = give({
    pools: [pool('all', ['::/0', '0.0.0.0/0'])],
    services: [service('a/a', { loadBalancerIP: 'ffff::' }), service('a/b', { ipFamilies: ['IPv6'] })],
  });
  assert.deepEqual(given, { 'a/a': 'ffff:: @all', 'a/b': ':: @all' });
  const [view] = result.pools;
  assert.deepEqual(view?.ipv4, { total: 2 ** 32, assigned: 0, available: 2 ** 32 });
  assert.deepEqual(view?.ipv6, { total: Number.MAX_SAFE_INTEGER, assigned: 2, available: Number.MAX_SAFE_INTEGER });
});

test('Overlapping pools are reported and the older one has what both claim', () => {
  const pools = [
    pool('new', ['192.0.2.0/29', '198.51.100.7/32'], { createdAtMs: 9 }),
    pool('old', ['192.0.2.2-192.0.2.3'], { createdAtMs: 1 }),
  ];
  for (const order of [pools, pools.toReversed()]) {
    const { faults, result } = give({ pools: order, services: [] });
    assert.deepEqual(faults, [
      'new spec.addresses[0]: must not overlap IPAddressPool edge/old; what both have belongs to IPAddressPool edge/old',
    ]);
    assert.deepEqual(
      result.pools.map(({ name, ipv4 }) => [name, ipv4.total]),
      [
        ['old', 2],
        ['new', 7],
      ],
    );
  }
});

test('A pool that overlaps itself counts each address once', () => {
  const { faults, result } = give({ pools: [pool('a', ['192.0.2.0/30', '192.0.2.2-192.0.2.9'])], services: [] });
  assert.equal(result.pools[0]?.ipv4.total, 10);
  assert.deepEqual(faults, [
    'a spec.addresses[1]: must not overlap an earlier range of the pool; the addresses count once',
  ]);
});

test('Two pools of one name in different namespaces are a problem of the younger one', () => {
  const pools = [pool('a', ['192.0.2.0/30']), pool('a', ['198.51.100.0/30'], { namespace: 'other' })];
  const { faults, result } = give({ pools, services: [] });
  assert.equal(result.pools.length, 1);
  assert.match(faults[0] ?? '', /whatever their namespace; IPAddressPool edge\/a has it; this pool gives no addresses/);
});

test('The view of a pool counts what it may give and what is given', () => {
  const fields: PoolFields = { avoidBuggyIPs: true };
  const pools = [pool('a', ['192.0.2.0-192.0.4.255', '2001:db8::/126'], fields)];
  const share = { annotations: { 'metallb.io/allow-shared-ip': 'k' } };
  const services = [
    service('a/a', { ...share, ports: ['TCP/80'] }),
    service('a/b', { ...share, ports: ['TCP/443'] }),
    service('a/c', { ipFamilyPolicy: 'RequireDualStack' }),
  ];
  const { result } = give({ pools, services });
  assert.deepEqual(result.pools, [
    {
      namespace: 'edge',
      name: 'a',
      addresses: ['192.0.2.0-192.0.4.255', '2001:db8::/126'],
      autoAssign: true,
      avoidBuggyIPs: true,
      drain: false,
      isDefault: false,
      serviceAllocation: null,
      reserved: 0,
      ipv4: { total: 762, assigned: 2, available: 760 },
      ipv6: { total: 4, assigned: 1, available: 3 },
      services: 3,
    },
  ]);
});
