import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAs, decodeCase } from './decodeCase.ts';

const LOST = 'the object is not taken; a last good form of it stays in use';

test('A ConfigMap keeps its good entries in order', async () => {
  const { object, faults, problems } = await decodeAs(
    'ConfigMap',
    `apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data:
  proxy-body-size: 8m
  keep-alive: 75
  use-gzip: true
  a key: x
  __proto__: y
`,
  );
  assert.deepEqual([...object.data], [['proxy-body-size', '8m'], ['__proto__', 'y']]);
  assert.deepEqual(faults, [
    '6 data[keep-alive]: the key is left out',
    '7 data[use-gzip]: the key is left out',
    '8 data[a key]: the key is left out',
  ]);
  assert.match(problems[0]?.rule ?? '', /in quotes/);
});

test('A ConfigMap beyond 1 MiB is refused; data that is no map is reported', async () => {
  const head = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n';
  const large = await decodeCase(`${head}data:\n  a: ${'x'.repeat(1024 * 1024 + 1)}\n`);
  assert.equal(large.object, null);
  assert.deepEqual(large.faults, [`4 data: ${LOST}`]);
  const odd = await decodeAs('ConfigMap', `${head}data: [a]\n`);
  assert.deepEqual(odd.faults, ['4 data: none of it is taken']);
});

test('An IngressClass is decoded with its default mark, in any known version', async () => {
  for (const version of ['networking.k8s.io/v1', 'networking.k8s.io/v1beta1']) {
    const { object, problems } = await decodeAs(
      'IngressClass',
      `apiVersion: ${version}
kind: IngressClass
metadata:
  name: gatehouse
  namespace: ignored
  annotations: { ingressclass.kubernetes.io/is-default-class: "true" }
spec: { controller: gatehouse.dev/ingress }
`,
    );
    assert.equal(object.controller, 'gatehouse.dev/ingress');
    assert.equal(object.isDefault, true);
    assert.equal(object.metadata.namespace, '', 'the kind is cluster-scoped');
    assert.equal(problems.length, version.endsWith('beta1') ? 1 : 0);
  }
});

test('An IngressClass needs a controller', async () => {
  const head = 'apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: { name: a }\n';
  const cases: readonly (readonly [string, string])[] = [
    ['', '1 spec'],
    ['spec: {}', '4 spec.controller'],
    ['spec: { controller: 5 }', '4 spec.controller'],
    ['spec: { controller: nginx }', '4 spec.controller'],
    [`spec: { controller: a.test/${'x'.repeat(250)} }`, '4 spec.controller'],
  ];
  for (const [spec, fault] of cases) {
    const { object, faults } = await decodeCase(`${head}${spec}\n`);
    assert.equal(object, null, spec);
    assert.deepEqual(faults, [`${fault}: ${LOST}`], spec);
  }
});

test('A Namespace is decoded; its name is a label', async () => {
  const { object } = await decodeAs('Namespace', 'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n');
  assert.deepEqual([object.metadata.name, object.metadata.namespace], ['shop', '']);
  const { faults } = await decodeCase('apiVersion: v1\nkind: Namespace\nmetadata: { name: a.b }\n');
  assert.deepEqual(faults, ['3 metadata.name: the object is left out']);
});

test('A Node is decoded with addresses, conditions and schedulability', async () => {
  const { object, faults } = await decodeAs(
    'Node',
    `apiVersion: v1
kind: Node
metadata: { name: node-1.example.com, labels: { zone: a } }
spec: { unschedulable: true }
status:
  addresses:
  - { type: InternalIP, address: 10.0.0.1 }
  - { type: InternalIP, address: "fd00::1" }
  - { type: Hostname, address: node-1 }
  - { type: InternalIP, address: node-1 }
  conditions:
  - { type: Ready, status: "True" }
  - { type: DiskPressure, status: true }
`,
  );
  assert.deepEqual(object.internalIPs, ['10.0.0.1', 'fd00::1']);
  assert.equal(object.unschedulable, true);
  assert.deepEqual([...object.conditions], [['Ready', 'True']]);
  assert.deepEqual(faults, [
    '10 status.addresses[3].address: the address is left out',
    '13 status.conditions[1].status: the condition is left out',
  ]);
  const bare = await decodeAs('Node', 'apiVersion: v1\nkind: Node\nmetadata: { name: n }\n');
  assert.deepEqual([bare.object.internalIPs, bare.object.unschedulable], [[], false]);
});
