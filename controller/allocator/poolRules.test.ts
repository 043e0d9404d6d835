import assert from 'node:assert/strict';
import { test } from 'node:test';
import { give } from './testing/given.ts';
import { namespaceOf, pool, selecting, service, type ServiceFields } from './testing/objects.ts';
import type { Assignments } from './assignment.ts';
import type { IPAddressPool } from '../model/addressPool.ts';
import type { Namespace } from '../model/objects.ts';

const PLAIN = pool('plain', ['192.0.2.0/29']);
const ASK = 'gatehouse.dev/address-pool';
const RED = selecting({ team: 'red' });

interface Row {
  readonly name: string;
  readonly pools: readonly IPAddressPool[];
  readonly fields?: ServiceFields;
  readonly namespaces?: readonly Namespace[];
  readonly given: string;
  readonly fault?: string;
}

function pinned(fields: NonNullable<Parameters<typeof pool>[2]>['serviceAllocation'], name = 'pinned'): IPAddressPool {
  return pool(name, [name === 'pinned' ? '10.0.0.0/30' : '10.0.1.0/30'], { serviceAllocation: fields ?? {} });
}

const ROWS: readonly Row[] = [
  {
    name: 'a pool of the namespace goes before one for all',
    pools: [PLAIN, pinned({ namespaces: ['shop'] })],
    given: '10.0.0.0 @pinned',
  },
  {
    name: 'a pool of another namespace is not used',
    pools: [PLAIN, pinned({ namespaces: ['other'] })],
    given: '192.0.2.0 @plain',
  },
  {
    name: 'a pool for labels of the Namespace goes first',
    pools: [PLAIN, pinned({ namespaceSelectors: [RED] })],
    namespaces: [namespaceOf('shop', { team: 'red' })],
    given: '10.0.0.0 @pinned',
  },
  {
    name: 'a Namespace that is not there has no labels',
    pools: [PLAIN, pinned({ namespaceSelectors: [RED] })],
    given: '192.0.2.0 @plain',
  },
  {
    name: 'a Namespace has its name for a label though nobody wrote it',
    pools: [PLAIN, pinned({ namespaceSelectors: [selecting({ 'kubernetes.io/metadata.name': 'shop' })] })],
    given: '10.0.0.0 @pinned',
  },
  {
    name: 'names and selectors of Namespaces are alternatives',
    pools: [PLAIN, pinned({ namespaces: ['shop'], namespaceSelectors: [RED] })],
    given: '10.0.0.0 @pinned',
  },
  {
    name: 'a pool for labels of the Service goes first',
    pools: [PLAIN, pinned({ serviceSelectors: [selecting({ team: 'blue' }), RED] })],
    fields: { labels: { team: 'red' } },
    given: '10.0.0.0 @pinned',
  },
  {
    name: 'namespace part and Service part must both fit',
    pools: [PLAIN, pinned({ namespaces: ['shop'], serviceSelectors: [RED] })],
    given: '192.0.2.0 @plain',
  },
  {
    name: 'a priority alone pins a pool to everybody',
    pools: [PLAIN, pinned({ priority: 100 })],
    given: '10.0.0.0 @pinned',
  },
  {
    name: 'the lower priority goes first',
    pools: [pinned({ priority: 7 }), pinned({ priority: 3 }, 'sooner')],
    given: '10.0.1.0 @sooner',
  },
  {
    name: 'priority 0 goes last',
    pools: [pinned({ priority: 0 }), pinned({ priority: 300 }, 'sooner')],
    given: '10.0.1.0 @sooner',
  },
  {
    name: 'of one priority the older pool goes first, then the name',
    pools: [pinned({ priority: 1 }), pinned({ priority: 1 }, 'a')],
    given: '10.0.1.0 @a',
  },
  {
    name: 'a pinned pool of one family goes before a plain one of both',
    pools: [pool('both', ['192.0.2.0/30', '2001:db8::/126']), pinned({ namespaces: ['shop'] })],
    fields: { ipFamilyPolicy: 'PreferDualStack' },
    given: '10.0.0.0 @pinned',
  },
  {
    name: 'a pinned pool that does not have both leaves RequireDualStack to a plain one',
    pools: [pool('both', ['192.0.2.0/30', '2001:db8::/126']), pinned({ namespaces: ['shop'] })],
    fields: { ipFamilyPolicy: 'RequireDualStack' },
    given: '192.0.2.0 2001:db8:: @both',
  },
  {
    name: 'a pool of another namespace is refused by name, with the rule',
    pools: [PLAIN, pinned({ namespaces: ['a', 'b'], namespaceSelectors: [RED] })],
    fields: { annotations: { [ASK]: 'pinned' } },
    given: '',
    fault: `metadata.annotations[${ASK}]: must be a pool that admits the Service: serviceAllocation of pinned is namespaces a, b or with team=red, and the namespace of the Service is not among them; the Service has no address`,
  },
  {
    name: 'a pool for other labels is refused by address, with the rule',
    pools: [PLAIN, pinned({ priority: 2, serviceSelectors: [RED] })],
    fields: { loadBalancerIP: '10.0.0.1' },
    given: '',
    fault:
      'spec.loadBalancerIP: must be in a pool that admits the Service: serviceAllocation of pinned is priority 2; Services with team=red, and the labels of the Service do not fit',
  },
  {
    name: 'a pool without autoAssign may be asked for by those it admits',
    pools: [PLAIN, pool('p', ['10.0.0.0/30'], { autoAssign: false, serviceAllocation: { namespaces: ['shop'] } })],
    fields: { annotations: { [ASK]: 'p' } },
    given: '10.0.0.0 @p',
  },
  {
    name: 'a pool without autoAssign is not given unasked though it is pinned',
    pools: [PLAIN, pool('p', ['10.0.0.0/30'], { autoAssign: false, serviceAllocation: { namespaces: ['shop'] } })],
    given: '192.0.2.0 @plain',
  },
  {
    name: 'the default pool goes before older ones',
    pools: [pool('old', ['10.0.0.0/30'], { createdAtMs: 1 }), pool('new', ['10.0.1.0/30'], { createdAtMs: 9, isDefault: true })],
    given: '10.0.1.0 @new',
  },
  {
    name: 'a pinned pool goes before the default one',
    pools: [pool('d', ['192.0.2.0/30'], { isDefault: true }), pinned({ namespaces: ['shop'] })],
    given: '10.0.0.0 @pinned',
  },
  {
    name: 'a drained pool gives nothing',
    pools: [pool('dry', ['10.0.0.0/30'], { drain: true }), PLAIN],
    given: '192.0.2.0 @plain',
  },
  {
    name: 'a drained pool is refused by name',
    pools: [pool('dry', ['10.0.0.0/30'], { drain: true }), PLAIN],
    fields: { annotations: { [ASK]: 'dry' } },
    given: '',
    fault: 'must be a pool that gives addresses: dry is drained, so Services only keep what they have',
  },
  {
    name: 'a drained pool is refused by address',
    pools: [pool('dry', ['10.0.0.0/30'], { drain: true }), PLAIN],
    fields: { loadBalancerIP: '10.0.0.1' },
    given: '',
    fault: 'spec.loadBalancerIP: must be in a pool that gives addresses: dry is drained',
  },
  {
    name: 'an address that is kept for it is given unasked, even of a pool without autoAssign',
    pools: [PLAIN, pool('p', ['10.0.0.0/30'], { autoAssign: false, reserved: { '10.0.0.2': 'shop/web' } })],
    given: '10.0.0.2 @p',
  },
  {
    name: 'an address that is kept for it is given when the pool is asked for',
    pools: [PLAIN, pool('p', ['10.0.0.0/30'], { reserved: { '10.0.0.2': 'shop/web' } })],
    fields: { annotations: { [ASK]: 'p' } },
    given: '10.0.0.2 @p',
  },
  {
    name: 'who asks for something else does not get what is kept for it',
    pools: [PLAIN, pool('p', ['10.0.0.0/30'], { reserved: { '10.0.0.2': 'shop/web' } })],
    fields: { annotations: { [ASK]: 'plain' } },
    given: '192.0.2.0 @plain',
  },
  {
    name: 'an address that is kept for another is passed over',
    pools: [pool('p', ['10.0.0.0/30'], { reserved: { '10.0.0.0': 'shop/other' } })],
    given: '10.0.0.1 @p',
  },
  {
    name: 'an address that is kept for another is refused by value',
    pools: [pool('p', ['10.0.0.0/30'], { reserved: { '10.0.0.0': 'shop/other' } })],
    fields: { loadBalancerIP: '10.0.0.0' },
    given: '',
    fault: 'must not be kept for another Service: its pool reserves it for shop/other',
  },
  {
    name: 'what a drained pool keeps for it is not given',
    pools: [PLAIN, pool('p', ['10.0.0.0/30'], { drain: true, reserved: { '10.0.0.2': 'shop/web' } })],
    given: '192.0.2.0 @plain',
  },
  {
    name: 'what a pool keeps for it but does not admit it to is not given',
    pools: [PLAIN, pool('p', ['10.0.0.0/30'], { serviceAllocation: { namespaces: ['x'] }, reserved: { '10.0.0.2': 'shop/web' } })],
    given: '192.0.2.0 @plain',
  },
  {
    name: 'both families are taken as far as they are kept, else from the same pool',
    pools: [PLAIN, pool('p', ['10.0.0.0/30', '2001:db8::/126'], { reserved: { '2001:db8::3': 'shop/web' } })],
    fields: { ipFamilyPolicy: 'PreferDualStack' },
    given: '10.0.0.0 2001:db8::3 @p',
  },
];

for (const { name, pools, fields = {}, namespaces = [], given, fault } of ROWS) {
  test(`Of pools: ${name}`, () => {
    const outcome = give({ pools, namespaces, services: [service('shop/web', fields)] });
    assert.equal(outcome.given['shop/web'] ?? '', given, outcome.faults.join('\n'));
    assert.equal(outcome.faults.length, fault === undefined ? 0 : 1, outcome.faults.join('\n'));
    if (fault !== undefined) assert.ok(outcome.faults[0]?.includes(fault) === true, outcome.faults[0] ?? '');
  });
}

test('A Service waits for an address that is kept for it until its present holder goes', () => {
  const kept = pool('p', ['10.0.0.0/30'], { reserved: { '10.0.0.1': 'shop/web' } });
  const previous: Assignments = new Map([['shop/holder', { addresses: ['10.0.0.1'], pool: 'p' }]]);
  const web = service('shop/web');
  const waiting = give({ pools: [kept, PLAIN], services: [service('shop/holder'), web], previous });
  assert.deepEqual(waiting.given, { 'shop/holder': '10.0.0.1 @p' });
  assert.match(waiting.faults[0] ?? '', /waits for 10\.0\.0\.1, which is kept for it and which Service shop\/holder still has/);
  const after = give({ pools: [kept, PLAIN], services: [web], previous: waiting.result.assignments });
  assert.deepEqual(after.given, { 'shop/web': '10.0.0.1 @p' });
});

test('Nobody may join an address that is kept for another, be it by the same sharing key', () => {
  const kept = pool('p', ['10.0.0.0/31'], { reserved: { '10.0.0.0': 'shop/web' } });
  const share = { annotations: { 'gatehouse.dev/allow-shared-ip': 'k' } };
  const web = service('shop/web', share);
  const other = service('shop/other', { ...share, ports: ['TCP/443'] });
  assert.deepEqual(give({ pools: [kept], services: [other, web] }).given, { 'shop/other': '10.0.0.1 @p', 'shop/web': '10.0.0.0 @p' });
});

test('Entries that cannot hold are reported and keep nothing', () => {
  const pools = [
    pool('p', ['10.0.0.0/24'], {
      avoidBuggyIPs: true,
      reserved: { nonsense: 'a/a', '192.0.2.1': 'a/a', '172.16.0.1': 'a/a', '10.0.0.255': 'a/a', '10.0.0.7': 'a/a', ' 10.0.0.7': 'b/b' },
    }),
    PLAIN,
  ];
  const { faults, result } = give({ pools, services: [] });
  assert.deepEqual(faults, [
    'p spec.reserved[0].address: must be an IP address; the address is not kept for anybody',
    'p spec.reserved[1].address: must be an address of the pool; it is in plain; the address is not kept for anybody',
    'p spec.reserved[2].address: must be an address of the pool; the address is not kept for anybody',
    'p spec.reserved[3].address: must not end in .0 or .255: the pool has avoidBuggyIPs; the address is not kept for anybody',
    'p spec.reserved[5].address: must differ from those of earlier entries; the earlier entry counts',
  ]);
  assert.equal(result.pools[0]?.reserved, 1);
});

test('What is kept and not given, and all of a drained pool, is not available', () => {
  const pools = [
    pool('kept', ['10.0.0.0/30'], { reserved: { '10.0.0.0': 'shop/web', '10.0.0.3': 'shop/later' } }),
    pool('dry', ['10.0.1.0/30'], { drain: true, serviceAllocation: { priority: 5 } }),
  ];
  const previous: Assignments = new Map([['shop/old', { addresses: ['10.0.1.2'], pool: 'dry' }]]);
  const { result } = give({ pools, services: [service('shop/web'), service('shop/old')], previous });
  assert.deepEqual(
    result.pools.map(({ name, drain, reserved, serviceAllocation, ipv4 }) => ({ name, drain, reserved, serviceAllocation, ipv4 })),
    [
      { name: 'dry', drain: true, reserved: 0, serviceAllocation: 'priority 5', ipv4: { total: 4, assigned: 1, available: 0 } },
      { name: 'kept', drain: false, reserved: 2, serviceAllocation: null, ipv4: { total: 4, assigned: 1, available: 2 } },
    ],
  );
});
