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
  assert.deepEqual([object.group, object.status], ['metallb.io', null]);
});

test('A pool in another version of a known group is a slip', async () => {
  for (const [version, right] of [
    ['gatehouse.dev/v2', 'gatehouse.dev/v1'],
    ['metallb.io/v1beta2', 'gatehouse.dev/v1 or metallb.io/v1beta1'],
    ['v1', 'gatehouse.dev/v1'],
  ] as const) {
    const { object, problems } = await decodeCase(
      `apiVersion: ${version}\nkind: IPAddressPool\nmetadata: { name: a }\n`,
    );
    assert.equal(object, null);
    assert.equal(problems[0]?.rule, `must be ${right} for kind IPAddressPool`);
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

test('Everything a pool may say is decoded', async () => {
  const { object, problems } = await decodeAs(
    'IPAddressPool',
    `${HEAD}  addresses: [192.0.2.0/24, "2001:db8::/120"]
  drain: true
  isDefault: true
  reserved: [{ address: 192.0.2.7, service: shop/web }, { address: "2001:DB8::7", service: shop/web }]
  serviceAllocation:
    priority: 50
    namespaces: [shop, blog]
    namespaceSelectors: [{ matchLabels: { team: edge } }]
    serviceSelectors: [{ matchExpressions: [{ key: tier, operator: In, values: [front] }] }, {}]
status: { assignedIPv4: 1, assignedIPv6: 0, availableIPv4: 255, availableIPv6: 9007199254740991 }
`,
  );
  assert.deepEqual(problems, []);
  assert.deepEqual([object.group, object.drain, object.isDefault], ['gatehouse.dev', true, true]);
  assert.deepEqual(object.reserved, [
    { address: '192.0.2.7', service: 'shop/web' },
    { address: '2001:DB8::7', service: 'shop/web' },
  ]);
  assert.deepEqual(object.serviceAllocation, {
    priority: 50,
    namespaces: ['shop', 'blog'],
    namespaceSelectors: [{ matchLabels: new Map([['team', 'edge']]), matchExpressions: [] }],
    serviceSelectors: [
      { matchLabels: new Map(), matchExpressions: [{ key: 'tier', operator: 'In', values: ['front'] }] },
      { matchLabels: new Map(), matchExpressions: [] },
    ],
  });
  assert.deepEqual(object.status, {
    assignedIPv4: 1,
    assignedIPv6: 0,
    availableIPv4: 255,
    availableIPv6: Number.MAX_SAFE_INTEGER,
  });
});

test('A slip in what a pool is kept for costs the change, so that the fence never falls', async () => {
  const cases: readonly (readonly [string, string])[] = [
    ['serviceAllocation: { priority: high }', 'serviceAllocation.priority'],
    ['serviceAllocation: { namespaces: [a, a] }', 'serviceAllocation.namespaces[1]'],
    ['serviceAllocation: { namespaces: [A] }', 'serviceAllocation.namespaces[0]'],
    ['serviceAllocation: { namespaceSelectors: [{ matchLabels: { a: "b " } }] }', 'serviceAllocation.namespaceSelectors[0].matchLabels[a]'],
    ['serviceAllocation: { namespaceSelectors: [{ matchLabels: { a: b } }, { matchLabels: { a: b } }] }', 'serviceAllocation.namespaceSelectors[1]'],
    ['serviceAllocation: { serviceSelectors: [7] }', 'serviceAllocation.serviceSelectors[0]'],
    ['serviceAllocation: { serviceSelectors: [{ matchExpressions: [{ key: a, operator: In }] }] }', 'serviceAllocation.serviceSelectors[0].matchExpressions[0].values'],
    ['serviceAllocation: { serviceSelectors: [{ matchExpressions: [{ key: a, operator: Exists, values: [b] }] }] }', 'serviceAllocation.serviceSelectors[0].matchExpressions[0].values'],
    ['serviceAllocation: { serviceSelectors: [{ matchExpressions: [{ key: a, operator: exists }] }] }', 'serviceAllocation.serviceSelectors[0].matchExpressions[0].operator'],
    ['serviceAllocation: { serviceSelectors: [{ matchExpressions: [{ key: a }] }] }', 'serviceAllocation.serviceSelectors[0].matchExpressions[0].operator'],
    ['serviceAllocation: []', 'serviceAllocation'],
    ['reserved: [{ address: 192.0.2.7 }]', 'reserved[0].service'],
    ['reserved: [{ address: 192.0.2.7, service: web }]', 'reserved[0].service'],
    ['reserved: [{ address: 192.0.3.7, service: shop/web }]', 'reserved[0].address'],
    ['reserved: [{ address: 192.0.2.7, service: a/b }, { address: 192.0.2.7, service: c/d }]', 'reserved[1].address'],
    ['drain: "yes"', 'drain'],
  ];
  for (const [text, field] of cases) {
    const { object, faults } = await decodeCase(`${HEAD}  addresses: [192.0.2.0/24]\n  ${text}\n`);
    assert.equal(object, null, text);
    assert.deepEqual(faults, [`6 spec.${field}: ${LOST}`], text);
  }
});

test('A status that is wrong or of another product counts as not written, and costs nothing', async () => {
  for (const status of ['{ assignedIPv4: 1 }', '{}']) {
    const { object, problems } = await decodeAs('IPAddressPool', `${HEAD}  addresses: [192.0.2.0/24]\nstatus: ${status}\n`);
    assert.deepEqual([object.status, problems], [null, []], status);
  }
  for (const status of ['[]', '{ assignedIPv4: many }']) {
    const { object, problems } = await decodeAs('IPAddressPool', `${HEAD}  addresses: [192.0.2.0/24]\nstatus: ${status}\n`);
    assert.equal(object.status, null);
    assert.deepEqual(problems.map(({ severity }) => severity), ['warning'], status);
  }
});

test('Other fields of a pool are named and ignored', async () => {
  const { object, problems } = await decodeAs('IPAddressPool', `${HEAD}  addresses: [192.0.2.0/24]\n  autoassign: false\n`);
  assert.equal(object.autoAssign, true);
  const rule = 'must be one of addresses, autoAssign, avoidBuggyIPs, serviceAllocation, drain, reserved, isDefault';
  assert.deepEqual(
    problems.map((problem) => [problem.severity, problem.position?.line, problem.field, problem.rule, problem.effect]),
    [['warning', 6, 'spec.autoassign', rule, 'it is ignored']],
  );
});
