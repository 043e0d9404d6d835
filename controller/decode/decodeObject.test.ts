import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAs, decodeCase } from './decodeCase.ts';
import { decodeObject } from './decodeObject.ts';

const CONFIG_MAP = 'apiVersion: v1\nkind: ConfigMap\n';

test('Kinds that Gatehouse does not read are ignored without a word', () => {
  const foreign = [
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' } },
    { apiVersion: 'v1', kind: 'Pod' },
    { apiVersion: 'metallb.io/v1beta1', kind: 'ServiceL2Status', metadata: { name: 'a' } },
    { apiVersion: 'network.kubesphere.io/v1alpha2', kind: 'BgpPeer', metadata: { name: 'a' } },
    { apiVersion: 'projectcalico.org/v3', kind: 'IPAddressPool', metadata: { name: 'a' } },
    { apiVersion: 'gatehouse.dev/v1', kind: 'Pool' },
    { apiVersion: 'serving.knative.dev/v1', kind: 'Service', metadata: { name: 'A B' } },
    { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' },
  ];
  for (const value of foreign) assert.deepEqual(decodeObject(value, null), { object: null, ref: null, problems: [] });
});

test('A value without identity is a problem at its line and not an object', async () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['just text', ['1 : the object is left out']],
    ['- a', ['1 : the object is left out']],
    ['replicas: 2', ['1 apiVersion: the object is left out', '1 kind: the object is left out']],
    ['kind: Ingress', ['1 apiVersion: the object is left out']],
    ['kind: [a]\napiVersion: 1', ['2 apiVersion: the object is left out', '1 kind: the object is left out']],
    [CONFIG_MAP, ['1 metadata: the object is left out']],
    [`${CONFIG_MAP}metadata: []`, ['3 metadata: the object is left out']],
    [`${CONFIG_MAP}metadata:\n  generateName: a-`, ['3 metadata.name: the object is left out']],
    [`${CONFIG_MAP}metadata:\n  name: Web_1`, ['4 metadata.name: the object is left out']],
    [`${CONFIG_MAP}metadata:\n  name: 7`, ['4 metadata.name: the object is left out']],
    [`${CONFIG_MAP}metadata:\n  name: a\n  namespace: a.b`, ['5 metadata.namespace: the object is left out']],
    [`${CONFIG_MAP}metadata: { name: ${'a'.repeat(254)} }`, ['3 metadata.name: the object is left out']],
    ['apiVersion: v1\nkind: ingress\nmetadata: { name: a }', ['2 kind: the object is left out']],
    ['apiVersion: v1\nkind: Ingress\nmetadata: { name: a }', ['1 apiVersion: the object is left out']],
    ['apiVersion: networking.k8s.io/v2\nkind: Ingress', ['1 apiVersion: the object is left out']],
  ];
  for (const [yaml, expected] of cases) {
    const { object, faults } = await decodeCase(yaml);
    assert.equal(object, null, yaml);
    assert.deepEqual(faults, expected, yaml);
  }
});

test('A wrong apiVersion is reported with the right one', async () => {
  const { problems } = await decodeCase('apiVersion: v1\nkind: Ingress\nmetadata: { name: a }');
  assert.equal(problems[0]?.rule, 'must be networking.k8s.io/v1 for kind Ingress');
  assert.equal(problems[0]?.value, '"v1"');
});

test('A kind that MetalLB has given up is named, with what to write instead', async () => {
  for (const version of ['metallb.io/v1alpha1', 'metallb.io/v1beta1']) {
    const { object, problems } = await decodeCase(`apiVersion: ${version}\nkind: AddressPool\nmetadata: { name: a }`);
    assert.equal(object, null);
    assert.deepEqual(problems.map(({ severity, field, rule }) => [severity, field, rule]), [
      ['warning', 'kind', 'is no longer read: write an IPAddressPool, and an L2Advertisement or a BGPAdvertisement'],
    ]);
  }
  assert.deepEqual((await decodeCase('apiVersion: example.com/v1\nkind: AddressPool\nmetadata: { name: a }')).problems, []);
  for (const kind of ['ServiceBGPStatus', 'ServiceL2Status', 'ConfigurationState']) {
    assert.deepEqual((await decodeCase(`apiVersion: metallb.io/v1beta1\nkind: ${kind}\nmetadata: { name: a }`)).problems, []);
  }
});

test('Metadata is decoded; faulty labels, annotations and times cost only themselves', async () => {
  const { object, faults, problems } = await decodeAs(
    'ConfigMap',
    `${CONFIG_MAP}metadata:
  name: a
  creationTimestamp: "2026-01-31T12:00:00Z"
  labels:
    app.kubernetes.io/name: shop
    tier: 1
    -bad: x
    long: "${'x'.repeat(64)}"
    empty:
  annotations:
    nginx.ingress.kubernetes.io/canary: true
    nginx.ingress.kubernetes.io/canary-weight: "20"
    other: { a: 1 }
`,
  );
  assert.equal(object.metadata.createdAtMs, Date.UTC(2026, 0, 31, 12));
  assert.deepEqual([...object.metadata.labels], [
    ['app.kubernetes.io/name', 'shop'],
    ['empty', ''],
  ]);
  assert.deepEqual([...object.metadata.annotations], [['nginx.ingress.kubernetes.io/canary-weight', '20']]);
  assert.deepEqual(faults, [
    '8 metadata.labels[tier]: the label is left out',
    '9 metadata.labels[-bad]: the label is left out',
    '10 metadata.labels[long]: the label is left out',
    '13 metadata.annotations[nginx.ingress.kubernetes.io/canary]: the annotation is left out',
    '15 metadata.annotations[other]: the annotation is left out',
  ]);
  assert.equal(problems[3]?.rule, 'must be a string: put the value in quotes');
  assert.equal(problems[3]?.value, 'true');
  assert.equal(problems[4]?.value, 'a map');
});

test('A creation time that is none is a warning and counts as not given', async () => {
  const { object, problems } = await decodeAs(
    'ConfigMap',
    `${CONFIG_MAP}metadata: { name: a, creationTimestamp: yesterday }`,
  );
  assert.equal(object.metadata.createdAtMs, null);
  assert.equal(problems[0]?.severity, 'warning');
  const unset = await decodeAs('ConfigMap', `${CONFIG_MAP}metadata: { name: a, creationTimestamp: null }`);
  assert.deepEqual(unset.problems, []);
});

test('Annotations beyond 256 KiB together cost the object', async () => {
  const { object, faults } = await decodeCase(
    `${CONFIG_MAP}metadata:\n  name: a\n  annotations:\n    big: ${'x'.repeat(262_144)}\n`,
  );
  assert.equal(object, null);
  assert.deepEqual(faults, ['5 metadata.annotations: the object is not taken; a last good form of it stays in use']);
});

test('Values from an API server are decoded without an origin', () => {
  const value: unknown = JSON.parse(
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"b"},"data":{"__proto__":"x","constructor":"y"}}',
  );
  const { object, ref, problems } = decodeObject(value, null);
  assert.deepEqual(ref, { kind: 'ConfigMap', namespace: 'b', name: 'a' });
  assert.deepEqual(problems, []);
  assert.ok(object?.kind === 'ConfigMap' && object.origin === null);
  assert.deepEqual([...object.data], [['__proto__', 'x'], ['constructor', 'y']]);
  const faulty = decodeObject({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' }, spec: { type: 'X' } }, null);
  assert.equal(faulty.problems[0]?.position, null);
});

test('Fields of the prototype are not read as fields of the object', () => {
  const value: unknown = JSON.parse('{"__proto__":{"apiVersion":"v1","kind":"Node","metadata":{"name":"a"}}}');
  assert.equal(decodeObject(value, null).object, null);
  assert.equal(decodeObject(Object.create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'a' } }), null).ref, null);
});

test('No value of any shape makes the decoder throw', () => {
  const odd = [undefined, null, 0, '', true, [], {}, NaN, 1n, Symbol('x'), () => {}, new Date(0), new Map(), [[[]]]];
  const kinds = ['Ingress', 'IngressClass', 'Service', 'EndpointSlice', 'Endpoints', 'Secret', 'ConfigMap', 'Node', 'IPAddressPool'];
  const versions = ['v1', 'networking.k8s.io/v1', 'discovery.k8s.io/v1', 'extensions/v1beta1', 'gatehouse.dev/v1'];
  const fields = ['spec', 'data', 'stringData', 'endpoints', 'ports', 'subsets', 'status', 'addressType', 'type'];
  for (const value of odd) {
    decodeObject(value, null);
    for (const kind of kinds) {
      for (const apiVersion of versions) {
        decodeObject({ apiVersion, kind, metadata: value }, null);
        decodeObject({ apiVersion, kind, metadata: { name: 'a', labels: value, annotations: value } }, null);
        for (const field of fields) {
          decodeObject({ apiVersion, kind, metadata: { name: 'a' }, addressType: 'IPv4', [field]: value }, null);
          decodeObject({ apiVersion, kind, metadata: { name: 'a' }, addressType: 'IPv4', [field]: [value] }, null);
          decodeObject({ apiVersion, kind, metadata: { name: 'a' }, spec: { rules: [value], ports: [value], addresses: [value], ipFamilies: [value] } }, null);
        }
      }
    }
  }
});

test('uid and resourceVersion are read as they are; faulty ones count as not set', async () => {
  const object = (more: string): string => `apiVersion: v1\nkind: Namespace\nmetadata: { name: a${more} }\n`;
  const read = await decodeCase(object(', uid: 7ee1a7d4, resourceVersion: "42"'));
  assert.deepEqual([read.object?.metadata.uid, read.object?.metadata.resourceVersion, read.problems], ['7ee1a7d4', '42', []]);
  const absent = await decodeCase(object(''));
  assert.deepEqual([absent.object?.metadata.uid, absent.object?.metadata.resourceVersion], ['', '']);
  const faulty = await decodeCase(object(`, uid: ${'a'.repeat(129)}, resourceVersion: 42`));
  assert.deepEqual([faulty.object?.metadata.uid, faulty.object?.metadata.resourceVersion], ['', '']);
  assert.deepEqual(faulty.problems.map(({ severity, field }) => [severity, field]), [['warning', 'metadata.uid'], ['warning', 'metadata.resourceVersion']]);
});
