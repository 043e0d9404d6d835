import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChangeCause } from './assignmentChange.ts';
import type { Assignments } from './assignment.ts';
import { give } from './testing/given.ts';
import { pool, service, type ServiceFields } from './testing/objects.ts';
import type { IPAddressPool } from '../model/addressPool.ts';
import type { Service } from '../model/service.ts';

const KEY = 'shop/web';
const V4 = pool('p', ['192.0.2.0/29']);
const BOTH = pool('p', ['192.0.2.0/29', '2001:db8::/126']);

function had(...addresses: readonly string[]): Assignments {
  return new Map([[KEY, { addresses, pool: 'p' }]]);
}

interface Row {
  readonly name: string;
  readonly previous: Assignments;
  readonly pools: readonly IPAddressPool[];
  readonly fields?: ServiceFields;
  readonly others?: readonly Service[];
  readonly given: string;
  /** Absent: nothing changes. */
  readonly cause?: ChangeCause;
  readonly fault?: RegExp;
}

const ROWS: readonly Row[] = [
  {
    name: 'an address stays though a lower one is free',
    previous: had('192.0.2.5'),
    pools: [V4],
    given: '192.0.2.5 @p',
  },
  {
    name: 'state comes before status',
    previous: had('192.0.2.5'),
    pools: [V4],
    fields: { statusAddresses: ['192.0.2.3'] },
    given: '192.0.2.5 @p',
  },
  {
    name: 'a pool that grows changes nothing',
    previous: had('192.0.2.5'),
    pools: [pool('p', ['192.0.2.0/24'])],
    given: '192.0.2.5 @p',
  },
  {
    name: 'a pool that is renamed changes only the name',
    previous: had('192.0.2.5'),
    pools: [pool('q', ['192.0.2.0/29'])],
    given: '192.0.2.5 @q',
  },
  {
    name: 'a pool that is split changes only the name',
    previous: had('192.0.2.5'),
    pools: [pool('a', ['192.0.2.0/30']), pool('b', ['192.0.2.4/30'])],
    given: '192.0.2.5 @b',
  },
  {
    name: 'a pool that no longer gives unasked keeps what it gave',
    previous: had('192.0.2.5'),
    pools: [pool('p', ['192.0.2.0/29'], { autoAssign: false })],
    given: '192.0.2.5 @p',
  },
  {
    name: 'an address that falls out of its pool is replaced',
    previous: had('192.0.2.5'),
    pools: [pool('p', ['192.0.2.0/30'])],
    given: '192.0.2.0 @p',
    cause: 'outsidePools',
  },
  {
    name: 'an address whose pool is deleted is given up',
    previous: had('192.0.2.5'),
    pools: [],
    given: '',
    cause: 'outsidePools',
    fault: /there is none/,
  },
  {
    name: 'an address that avoidBuggyIPs now excludes is replaced',
    previous: had('192.0.2.0'),
    pools: [pool('p', ['192.0.2.0/29'], { avoidBuggyIPs: true })],
    given: '192.0.2.1 @p',
    cause: 'avoidBuggyIPs',
  },
  {
    name: 'another pool asked for moves it',
    previous: had('192.0.2.5'),
    pools: [V4, pool('q', ['10.0.0.0/30'])],
    fields: { annotations: { 'metallb.io/address-pool': 'q' } },
    given: '10.0.0.0 @q',
    cause: 'otherPoolWanted',
  },
  {
    name: 'the same pool asked for does not',
    previous: had('192.0.2.5'),
    pools: [V4, pool('q', ['10.0.0.0/30'])],
    fields: { annotations: { 'metallb.io/address-pool': 'p' } },
    given: '192.0.2.5 @p',
  },
  {
    name: 'an unknown pool asked for takes nothing',
    previous: had('192.0.2.5'),
    pools: [V4],
    fields: { annotations: { 'metallb.io/address-pool': 'zzzzz' } },
    given: '192.0.2.5 @p',
    fault: /name of an IPAddressPool.*keeps 192\.0\.2\.5/,
  },
  {
    name: 'a full pool asked for takes nothing',
    previous: new Map([...had('192.0.2.5'), ['shop/other', { addresses: ['10.0.0.0'], pool: 'q' }]]),
    pools: [V4, pool('q', ['10.0.0.0/32'])],
    fields: { annotations: { 'metallb.io/address-pool': 'q' } },
    others: [service('shop/other')],
    given: '192.0.2.5 @p',
    fault: /free; all are in use in q; the Service keeps 192\.0\.2\.5/,
  },
  {
    name: 'another address asked for moves it',
    previous: had('192.0.2.5'),
    pools: [V4],
    fields: { loadBalancerIP: '192.0.2.6' },
    given: '192.0.2.6 @p',
    cause: 'otherAddressWanted',
  },
  {
    name: 'an address asked for that cannot be had takes nothing',
    previous: had('192.0.2.5'),
    pools: [V4],
    fields: { loadBalancerIP: '10.0.0.1' },
    given: '192.0.2.5 @p',
    fault: /must be in an IPAddressPool.*keeps 192\.0\.2\.5/,
  },
  {
    name: 'a pool that no longer admits the Service takes its address back',
    previous: had('192.0.2.5'),
    pools: [pool('p', ['192.0.2.0/29'], { serviceAllocation: { namespaces: ['other'] } }), pool('q', ['10.0.0.0/30'])],
    given: '10.0.0.0 @q',
    cause: 'serviceAllocation',
  },
  {
    name: 'a pool that is drained keeps what it gave',
    previous: had('192.0.2.5'),
    pools: [pool('p', ['192.0.2.0/29'], { drain: true })],
    given: '192.0.2.5 @p',
  },
  {
    name: 'a pool that is drained adds no second family',
    previous: had('192.0.2.5'),
    pools: [pool('p', ['192.0.2.0/29', '2001:db8::/126'], { drain: true })],
    fields: { ipFamilyPolicy: 'PreferDualStack' },
    given: '192.0.2.5 @p',
  },
  {
    name: 'an address that becomes kept for another stays until it goes',
    previous: had('192.0.2.5'),
    pools: [pool('p', ['192.0.2.0/29'], { reserved: { '192.0.2.5': 'shop/other' } })],
    given: '192.0.2.5 @p',
  },
  {
    name: 'an address that becomes kept for it does not move it',
    previous: had('192.0.2.5'),
    pools: [pool('p', ['192.0.2.0/29'], { reserved: { '192.0.2.2': KEY } })],
    given: '192.0.2.5 @p',
  },
  {
    name: 'annotations that disagree take nothing',
    previous: had('192.0.2.5'),
    pools: [V4],
    fields: { annotations: { 'metallb.io/loadBalancerIPs': '192.0.2.6', 'kube-vip.io/loadbalancerIPs': '192.0.2.7' } },
    given: '192.0.2.5 @p',
    fault: /must say the same as .*keeps 192\.0\.2\.5/,
  },
  {
    name: 'a slip in the wish changes nothing',
    previous: had('192.0.2.5'),
    pools: [V4],
    fields: { loadBalancerIP: '192.0.2.' },
    given: '192.0.2.5 @p',
    fault: /must be an IP address; the Service keeps 192\.0\.2\.5/,
  },
  {
    name: 'a contradiction in the wish changes nothing',
    previous: had('192.0.2.5'),
    pools: [V4],
    fields: { loadBalancerIP: '192.0.2.6', annotations: { 'metallb.io/loadBalancerIPs': '192.0.2.7' } },
    given: '192.0.2.5 @p',
    fault: /keeps 192\.0\.2\.5/,
  },
  {
    name: 'a pool of the other family changes nothing',
    previous: had('2001:db8::1'),
    pools: [BOTH],
    given: '2001:db8::1 @p',
  },
  {
    name: 'another family asked for moves it',
    previous: had('192.0.2.5'),
    pools: [BOTH],
    fields: { ipFamilies: ['IPv6'] },
    given: '2001:db8:: @p',
    cause: 'families',
  },
  {
    name: 'a second family asked for is added',
    previous: had('192.0.2.5'),
    pools: [BOTH],
    fields: { ipFamilyPolicy: 'RequireDualStack' },
    given: '192.0.2.5 2001:db8:: @p',
    cause: 'familyAdded',
  },
  {
    name: 'a second family that is preferred is added from the same pool',
    previous: had('192.0.2.5'),
    pools: [BOTH],
    fields: { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv6'] },
    given: '2001:db8:: 192.0.2.5 @p',
    cause: 'familyAdded',
  },
  {
    name: 'a second family that is preferred is not added from another pool',
    previous: had('192.0.2.5'),
    pools: [V4, pool('q', ['10.0.0.0/30', '2001:db8::/126'])],
    fields: { ipFamilyPolicy: 'PreferDualStack' },
    given: '192.0.2.5 @p',
  },
  {
    name: 'two addresses asked for keep the one that is there',
    previous: had('192.0.2.5'),
    pools: [BOTH],
    fields: {
      ipFamilyPolicy: 'PreferDualStack',
      annotations: { 'metallb.io/loadBalancerIPs': '192.0.2.5,2001:db8::3' },
    },
    given: '192.0.2.5 2001:db8::3 @p',
    cause: 'familyAdded',
  },
  {
    name: 'a Service back to one family keeps that one',
    previous: had('192.0.2.5', '2001:db8::1'),
    pools: [BOTH],
    fields: { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv6'] },
    given: '2001:db8::1 @p',
    cause: 'families',
  },
  {
    name: 'a pool that loses a family leaves PreferDualStack the other address',
    previous: had('192.0.2.5', '2001:db8::1'),
    pools: [V4],
    fields: { ipFamilyPolicy: 'PreferDualStack' },
    given: '192.0.2.5 @p',
    cause: 'outsidePools',
  },
  {
    name: 'a pool that loses a family moves RequireDualStack to a pool with both',
    previous: had('192.0.2.5', '2001:db8::1'),
    pools: [V4, pool('q', ['10.0.0.0/30', '2001:db8:1::/126'])],
    fields: { ipFamilyPolicy: 'RequireDualStack' },
    given: '10.0.0.0 2001:db8:1:: @q',
    cause: 'outsidePools',
  },
  {
    name: 'a pool that loses a family leaves RequireDualStack the other address, as no pool has both',
    previous: had('192.0.2.5', '2001:db8::1'),
    pools: [V4],
    fields: { ipFamilyPolicy: 'RequireDualStack' },
    given: '192.0.2.5 @p',
    cause: 'outsidePools',
    fault: /both an IPv4 and an IPv6/,
  },
  {
    name: 'addresses whose pools part are in one pool again',
    previous: had('192.0.2.5', '2001:db8::1'),
    pools: [pool('p', ['192.0.2.0/29', '2001:db8:1::/126']), pool('q', ['2001:db8::/126'])],
    fields: { ipFamilyPolicy: 'RequireDualStack' },
    given: '192.0.2.5 2001:db8:1:: @p',
    cause: 'poolsDiffer',
  },
  {
    name: 'another type gives it back',
    previous: had('192.0.2.5'),
    pools: [V4],
    fields: { type: 'ClusterIP' },
    given: '',
    cause: 'notLoadBalancer',
  },
  {
    name: 'another class gives it back',
    previous: had('192.0.2.5'),
    pools: [V4],
    fields: { loadBalancerClass: 'example.com/lb' },
    given: '',
    cause: 'notLoadBalancer',
  },
  {
    name: 'what is no address in the state is passed over',
    previous: had('nonsense'),
    pools: [V4],
    given: '192.0.2.0 @p',
    cause: 'families',
  },
];

for (const { name, previous, pools, fields = {}, others = [], given, cause, fault } of ROWS) {
  test(`After a change: ${name}`, () => {
    const outcome = give({ pools, services: [service(KEY, fields), ...others], previous });
    assert.equal(outcome.given[KEY] ?? '', given, outcome.faults.join('\n'));
    assert.deepEqual(
      outcome.result.changes.map((change) => change.cause),
      cause === undefined ? [] : [cause],
    );
    assert.equal(outcome.faults.length, fault === undefined ? 0 : 1, outcome.faults.join('\n'));
    if (fault !== undefined) assert.match(outcome.faults[0] ?? '', fault);
  });
}

test('A Service with an address keeps it though an older one asks for it', () => {
  const holder = service('b/holder', { createdAtMs: 9 });
  const { result } = give({ pools: [V4], services: [holder] });
  const asking = service('a/asking', { loadBalancerIP: '192.0.2.0', createdAtMs: 1 });
  const { given, faults } = give({ pools: [V4], services: [asking, holder], previous: result.assignments });
  assert.deepEqual(given, { 'b/holder': '192.0.2.0 @p' });
  assert.match(faults[0] ?? '', /Service b\/holder has it/);
});

test('A Service that starts to ask for the address it has goes before others that ask for it', () => {
  const { result } = give({ pools: [BOTH], services: [service('b/holder')] });
  const asking = service('a/asking', { loadBalancerIP: '192.0.2.0', createdAtMs: 1 });
  const annotations = { 'gatehouse.dev/load-balancer-ips': '192.0.2.0, 2001:db8::1' };
  const holder = service('b/holder', { ipFamilyPolicy: 'RequireDualStack', annotations });
  const { given } = give({ pools: [BOTH], services: [asking, holder], previous: result.assignments });
  assert.deepEqual(given, { 'b/holder': '192.0.2.0 2001:db8::1 @p' });
});

test('A new Service cannot take the address of one that is deleted in the same change from one that waits before it', () => {
  const pools = [pool('p', ['192.0.2.0/31'])];
  const services = ['a/1', 'a/2', 'a/3'].map((key) => service(key));
  const full = give({ pools, services });
  assert.deepEqual(Object.keys(full.given), ['a/1', 'a/2']);
  const after = give({ pools, services: [...services.slice(1), service('a/4')], previous: full.result.assignments });
  assert.deepEqual(after.given, { 'a/2': '192.0.2.1 @p', 'a/3': '192.0.2.0 @p' });
  assert.deepEqual(
    after.result.changes.map(({ service: key, cause }) => [key, cause]),
    [
      ['a/1', 'notLoadBalancer'],
      ['a/3', 'new'],
    ],
  );
});

test('What a Service leaves for a pool with both families goes to one that waits, in the same run', () => {
  const pools = [pool('p', ['192.0.2.0/32']), pool('q', ['10.0.0.0/32', '2001:db8::/128'])];
  const two = service('b/two', { ipFamilyPolicy: 'RequireDualStack' });
  const waits = service('a/waits', { loadBalancerIP: '192.0.2.0' });
  const previous: Assignments = new Map([['b/two', { addresses: ['192.0.2.0'], pool: 'p' }]]);
  const { given, result } = give({ pools, services: [two, waits], previous });
  assert.deepEqual(given, { 'a/waits': '192.0.2.0 @p', 'b/two': '10.0.0.0 2001:db8:: @q' });
  assert.deepEqual(
    result.changes.map(({ service: key, cause }) => [key, cause]),
    [
      ['b/two', 'incomplete'],
      ['a/waits', 'new'],
    ],
  );
});

test('Without anything new a run gives back the very assignments it was given', () => {
  const services = [service('a/one'), service('a/two')];
  const first = give({ pools: [V4], services });
  const second = give({ pools: [V4], services, previous: first.result.assignments });
  assert.equal(second.result.assignments, first.result.assignments);
  assert.equal(give({ pools: [V4], services, previous: first.result.assignments }).result, second.result);
});
