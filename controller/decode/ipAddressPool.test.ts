import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAs, decodeCase } from './decodeCase.ts';

const HEAD = `apiVersion: gatehouse.dev/v1
kind: IPAddressPool
metadata: { name: public, namespace: edge }
spec:
`;
const LOST = 'the object is not taken; a last good form of it stays in use';

test('A pool is decoded with the defaults of MetalLB', async () => {
  const { object, problems } = await decodeAs(
    'IPAddressPool',
    `${HEAD}  addresses: [192.0.2.0/24, " 2001:db8::1-2001:db8::9"]\n`,
  );
  assert.deepEqual(problems, []);
  assert.deepEqual([object.metadata.namespace, object.metadata.name], ['edge', 'public']);
  assert.deepEqual(object.addresses, ['192.0.2.0/24', '2001:db8::1-2001:db8::9']);
  assert.deepEqual([object.autoAssign, object.avoidBuggyIPs], [true, false]);
});

test('A pool of MetalLB is read as it is', async () => {
  const text = `apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: { name: public, namespace: metallb-system }
spec: { addresses: [192.0.2.0/24], autoAssign: false, avoidBuggyIPs: true }
status: { assignedIPv4: 3 }
`;
  const { object, problems } = await decodeAs('IPAddressPool', text);
  assert.deepEqual(problems, []);
  assert.deepEqual([object.autoAssign, object.avoidBuggyIPs], [false, true]);
});

test('A pool in another version of a known group is a slip', async () => {
  for (const version of ['gatehouse.dev/v2', 'metallb.io/v1beta2', 'v1']) {
    const { object, problems } = await decodeCase(
      `apiVersion: ${version}\nkind: IPAddressPool\nmetadata: { name: a }\n`,
    );
    assert.equal(object, null);
    assert.equal(problems[0]?.rule, 'must be gatehouse.dev/v1 for kind IPAddressPool');
  }
});

test('A fault in one range costs the change, so that no Service loses its address by a slip', async () => {
  const cases: readonly (readonly [string, string])[] = [
    ['addresses: [192.0.2.0/24, 192.0.2.9]', '5 spec.addresses[1]'],
    ['addresses: [192.0.2.0/33]', '5 spec.addresses[0]'],
    ['addresses: [192.0.2.9-192.0.2.1]', '5 spec.addresses[0]'],
    ['addresses: [5]', '5 spec.addresses[0]'],
    ['addresses: []', '5 spec.addresses'],
    ['addresses: 192.0.2.0/24', '5 spec.addresses'],
    ['autoAssign: true', '4 spec.addresses'],
  ];
  for (const [spec, fault] of cases) {
    const { object, faults } = await decodeCase(`${HEAD}  ${spec}\n`);
    assert.equal(object, null, spec);
    assert.deepEqual(faults, [`${fault}: ${LOST}`], spec);
  }
  const { faults } = await decodeCase(`${HEAD}  addresses: [192.0.2.0/24]\n  autoAssign: "no"\n`);
  assert.deepEqual(faults, [`6 spec.autoAssign: ${LOST}`]);
});

test('Other fields of a pool are named and ignored', async () => {
  const spec = '  addresses: [192.0.2.0/24]\n  autoassign: false\n  serviceAllocation: { priority: 5 }\n';
  const { object, problems } = await decodeAs('IPAddressPool', `${HEAD}${spec}`);
  assert.equal(object.autoAssign, true);
  assert.deepEqual(
    problems.map(({ severity, position, field, rule, effect }) => [severity, position?.line, field, rule, effect]),
    [
      ['warning', 6, 'spec.autoassign', 'must be one of addresses, autoAssign, avoidBuggyIPs', 'it is ignored'],
      [
        'warning',
        7,
        'spec.serviceAllocation',
        'is a field of MetalLB that is not obeyed yet',
        'Services of every namespace may use the pool, in no order of priority',
      ],
    ],
  );
});
