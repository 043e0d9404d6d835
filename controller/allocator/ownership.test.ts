import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Assignments } from './assignment.ts';
import { give } from './testing/given.ts';
import { pool, service, type ServiceFields } from './testing/objects.ts';
import { ALLOCATOR_ANNOTATIONS } from './wishAnnotations.ts';

const POOL = pool('p', ['192.0.2.0/29']);
const OPT_IN = 'lb.kubesphere.io/v1alpha1';

interface Row {
  readonly name: string;
  readonly fields: ServiceFields;
  readonly required?: boolean;
  readonly openelbOptIn?: boolean;
  readonly ours: boolean;
}

const ROWS: readonly Row[] = [
  { name: 'no class', fields: {}, ours: true },
  { name: 'no class, where one is required', fields: {}, required: true, ours: false },
  { name: 'the class that is ours', fields: { loadBalancerClass: 'example.com/edge' }, required: true, ours: true },
  { name: 'the usual class, where another is ours', fields: { loadBalancerClass: 'gatehouse.dev/lb' }, ours: false },
  { name: 'another class', fields: { loadBalancerClass: 'example.com/other' }, ours: false },
  { name: 'an empty class', fields: { loadBalancerClass: '' }, ours: false },
  { name: 'no opt-in, where it is asked for', fields: {}, openelbOptIn: true, ours: false },
  { name: 'the opt-in', fields: { annotations: { [OPT_IN]: 'openelb' } }, openelbOptIn: true, ours: true },
  { name: 'the opt-in of another', fields: { annotations: { [OPT_IN]: 'other' } }, openelbOptIn: true, ours: false },
  { name: 'the opt-in of another, where none is asked for', fields: { annotations: { [OPT_IN]: 'other' } }, ours: true },
  {
    name: 'our class without the opt-in',
    fields: { loadBalancerClass: 'example.com/edge' },
    openelbOptIn: true,
    ours: true,
  },
];

for (const { name, fields, required = false, openelbOptIn = false, ours } of ROWS) {
  test(`A Service with ${name} is ${ours ? '' : 'not '}ours`, () => {
    const rules = { loadBalancerClass: { name: 'example.com/edge', required }, openelbOptIn };
    const services = [service('shop/web', { ...fields, statusAddresses: ['192.0.2.0'] })];
    const { given, faults, result } = give({ pools: [POOL], services, ...rules });
    assert.deepEqual(given, ours ? { 'shop/web': '192.0.2.0 @p' } : {});
    assert.deepEqual(faults, []);
    assert.equal(result.pools[0]?.ipv4.assigned, ours ? 1 : 0);
  });
}

test('A Service that takes its opt-in back gives its address back', () => {
  const rules = { openelbOptIn: true };
  const first = give({ pools: [POOL], services: [service('a/a', { annotations: { [OPT_IN]: 'openelb' } })], ...rules });
  const services = [service('a/a', { statusAddresses: ['192.0.2.0'] })];
  const { result } = give({ pools: [POOL], services, ...rules, previous: first.result.assignments });
  assert.deepEqual(result.changes, [{ service: 'a/a', before: ['192.0.2.0'], after: [], cause: 'notLoadBalancer' }]);
});

test('Who follows gives nothing, has what the statuses say, and waits without a word for the rest', () => {
  const services = [
    service('a/has', { statusAddresses: ['192.0.2.4'] }),
    service('a/new'),
    service('a/asks', { statusAddresses: ['192.0.2.5'], loadBalancerIP: '192.0.2.6' }),
    service('a/outside', { statusAddresses: ['10.0.0.1'] }),
    service('a/two', { statusAddresses: ['192.0.2.7'], ipFamilyPolicy: 'RequireDualStack' }),
  ];
  const { given, faults, result } = give({ pools: [POOL], services, mode: 'keep' });
  assert.deepEqual(given, { 'a/asks': '192.0.2.5 @p', 'a/has': '192.0.2.4 @p', 'a/two': '192.0.2.7 @p' });
  assert.deepEqual(faults, []);
  assert.deepEqual(
    result.refusals.map(({ service: ref, reason, message }) => [ref.name, reason, message]),
    [
      ['new', 'leader', 'waits for the leader to give an address'],
      ['outside', 'leader', 'waits for the leader to give an address'],
    ],
  );
});

test('Who follows goes with the status when the leader moves or clears it', () => {
  const previous: Assignments = new Map([['a/a', { addresses: ['192.0.2.1'], pool: 'p' }]]);
  const moved = give({ pools: [POOL], services: [service('a/a', { statusAddresses: ['192.0.2.2'] })], previous, mode: 'keep' });
  assert.deepEqual(moved.result.changes, [{ service: 'a/a', before: ['192.0.2.1'], after: ['192.0.2.2'], cause: 'leader' }]);
  const cleared = give({ pools: [POOL], services: [service('a/a')], previous, mode: 'keep' });
  assert.deepEqual(cleared.result.changes, [{ service: 'a/a', before: ['192.0.2.1'], after: [], cause: 'leader' }]);
});

test('Who follows lets a sharer that changes its terms give way, as the leader does', () => {
  const share = (key: string, port: string, createdAtMs: number): ServiceFields => ({
    annotations: { 'gatehouse.dev/allow-shared-ip': key },
    ports: [port],
    createdAtMs,
    statusAddresses: ['192.0.2.1'],
  });
  const stays = service('a/stays', share('k', 'TCP/80', 9));
  const before = give({ pools: [POOL], services: [service('a/changes', share('k', 'TCP/443', 1)), stays], mode: 'keep' });
  const services = [service('a/changes', share('j', 'TCP/443', 1)), stays];
  const { given } = give({ pools: [POOL], services, previous: before.result.assignments, mode: 'keep' });
  assert.deepEqual(given, { 'a/stays': '192.0.2.1 @p' });
});

test('Who becomes the leader keeps what it followed and serves those who wait', () => {
  const services = [service('a/has', { statusAddresses: ['192.0.2.4'] }), service('a/new')];
  const follower = give({ pools: [POOL], services, mode: 'keep' });
  const leader = give({ pools: [POOL], services, previous: follower.result.assignments });
  assert.deepEqual(leader.given, { 'a/has': '192.0.2.4 @p', 'a/new': '192.0.2.0 @p' });
});

test('A refusal says of which Service, why, and what it keeps', () => {
  const services = [service('a/a', { statusAddresses: ['192.0.2.1'], loadBalancerIP: '10.0.0.1' })];
  assert.deepEqual(give({ pools: [POOL], services }).result.refusals, [
    {
      service: { kind: 'Service', namespace: 'a', name: 'a' },
      reason: 'outsidePools',
      message: 'spec.loadBalancerIP: must be in an IPAddressPool; there is p (192.0.2.0/29); the Service keeps 192.0.2.1',
      kept: ['192.0.2.1'],
    },
  ]);
});

test('docs/address-pools.md names every annotation', () => {
  const text = readFileSync(new URL('../../docs/address-pools.md', import.meta.url), 'utf8');
  for (const { name } of ALLOCATOR_ANNOTATIONS) assert.ok(text.includes(`\`${name}\``), name);
});
