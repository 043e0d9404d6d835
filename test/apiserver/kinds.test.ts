import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, records, type JsonObject } from './json.ts';
import { usePlane } from './testPlane.ts';

const plane = usePlane();
const INGRESSES = '/apis/networking.k8s.io/v1/namespaces/default/ingresses';

function ingress(name: string, path: JsonObject): JsonObject {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name }, spec: { rules: [{ host: 'a.test', http: { paths: [path] } }] } };
}

const backend = { service: { name: 'web', port: { number: 80 } } };
const PATH = 'spec.rules[0].http.paths[0]';
const FAULTS: readonly (readonly [string, JsonObject, string])[] = [
  ['without a path type', { path: '/', backend }, `${PATH}.pathType`],
  ['with an unknown path type', { path: '/', pathType: 'Regex', backend }, `${PATH}.pathType`],
  ['with a relative path', { path: 'a', pathType: 'Prefix', backend }, `${PATH}.path`],
  ['with two slashes', { path: '/a//b', pathType: 'Exact', backend }, `${PATH}.path`],
  ['without a backend', { path: '/', pathType: 'Prefix', backend: {} }, `${PATH}.backend`],
  ['without a port', { path: '/', pathType: 'Prefix', backend: { service: { name: 'web' } } }, `${PATH}.backend`],
  ['with a port beyond the range', { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 70_000 } } } }, `${PATH}.backend.service.port.number`],
];

for (const [what, path, field] of FAULTS) {
  test(`an Ingress ${what} is refused at ${field}`, async () => {
    const { status, body } = await plane.client.post(INGRESSES, ingress('bad', path));
    assert.equal(status, 422);
    assert.match(String(body['message']), /^Ingress\.networking\.k8s\.io "bad" is invalid: /);
    assert.ok(records(at(body, 'details', 'causes')).some((cause) => cause['field'] === field), String(body['message']));
  });
}

test('an Ingress without rules and default backend is refused, one with an address as its host too', async () => {
  assert.equal((await plane.client.post(INGRESSES, { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'bad' }, spec: {} })).status, 422);
  const spec = { rules: [{ host: '192.0.2.1', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] };
  assert.equal((await plane.client.post(INGRESSES, { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'bad' }, spec })).status, 422);
});

test('an Ingress has a status of its own', async () => {
  const made = await plane.client.post(INGRESSES, ingress('good', { path: '/', pathType: 'Prefix', backend }));
  assert.equal(made.status, 201);
  assert.deepEqual(made.body['status'], { loadBalancer: {} });
  const { status, body } = await plane.client.patch(`${INGRESSES}/good/status`, 'merge', { status: { loadBalancer: { ingress: [{ hostname: 'lb.test' }] } } });
  assert.equal(status, 200);
  assert.deepEqual(at(body, 'status', 'loadBalancer', 'ingress'), [{ hostname: 'lb.test' }]);
});

test('the controller of an IngressClass stays', async () => {
  const path = '/apis/networking.k8s.io/v1/ingressclasses';
  await plane.client.post(path, { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'one' }, spec: { controller: 'example.test/one' } });
  assert.equal((await plane.client.patch(`${path}/one`, 'merge', { spec: { controller: 'example.test/two' } })).status, 422);
});

test('an EndpointSlice keeps its address type, and its addresses are of that type', async () => {
  const path = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
  const slice = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'one' }, addressType: 'IPv4', endpoints: [{ addresses: ['192.0.2.1'] }], ports: [{ port: 80 }] };
  const made = await plane.client.post(path, slice);
  assert.equal(made.status, 201);
  assert.deepEqual(made.body['ports'], [{ name: '', protocol: 'TCP', port: 80 }]);
  assert.equal((await plane.client.patch(`${path}/one`, 'merge', { addressType: 'IPv6' })).status, 422);
  assert.equal((await plane.client.post(path, { ...slice, metadata: { name: 'two' }, addressType: 'IPv6' })).status, 422);
});

test('a Secret encodes what comes as text, and knows what a TLS Secret must hold', async () => {
  const path = '/api/v1/namespaces/default/secrets';
  const { body } = await plane.client.post(path, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'text' }, stringData: { a: 'b' } });
  assert.deepEqual(body['data'], { a: 'Yg==' });
  assert.equal(body['type'], 'Opaque');
  assert.equal((await plane.client.post(path, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'tls' }, type: 'kubernetes.io/tls', data: { 'tls.crt': '' } })).status, 422);
});

test('an Event is seen in both groups', async () => {
  const event = {
    apiVersion: 'v1', kind: 'Event', metadata: { name: 'one', namespace: 'default' }, involvedObject: { kind: 'Service', namespace: 'default', name: 'web' },
    reason: 'Given', message: 'an address', type: 'Normal', source: { component: 'tester' }, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:00Z', count: 1,
  };
  assert.equal((await plane.client.post('/api/v1/namespaces/default/events', event)).status, 201);
  const { body } = await plane.client.get('/apis/events.k8s.io/v1/namespaces/default/events/one');
  assert.equal(body['note'], 'an address');
  assert.equal(at(body, 'regarding', 'name'), 'web');
  const found = await plane.client.get('/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dweb%2Creason%3DGiven');
  assert.equal(records(found.body['items']).length, 1);
  const elsewhere = await plane.client.post('/api/v1/namespaces/default/events', { ...event, metadata: { name: 'two' }, involvedObject: { namespace: 'other' } });
  assert.equal(elsewhere.status, 422);
});

test('an Event of the newer group needs who reports it, and what it did', async () => {
  const path = '/apis/events.k8s.io/v1/namespaces/default/events';
  const event = {
    apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { name: 'new' }, eventTime: '2026-01-01T00:00:00.000000Z', reason: 'Given', note: 'n', type: 'Normal',
    regarding: { kind: 'Service', namespace: 'default', name: 'web' }, reportingController: 'example.test/one', reportingInstance: 'one-1', action: 'Give',
  };
  assert.equal((await plane.client.post(path, event)).status, 201);
  const { action: _action, ...without } = event;
  assert.equal((await plane.client.post(path, { ...without, metadata: { name: 'newer' } })).status, 422);
});

test('a Namespace that ends takes no objects', async () => {
  await plane.client.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ending' } });
  await plane.client.post('/api/v1/namespaces/ending/configmaps', { metadata: { name: 'a', finalizers: ['example.test/hold'] } });
  const ended = await plane.client.delete('/api/v1/namespaces/ending');
  assert.equal(at(ended.body, 'status', 'phase'), 'Terminating');
  const { status, body } = await plane.client.post('/api/v1/namespaces/ending/configmaps', { metadata: { name: 'b' } });
  assert.equal(status, 403);
  assert.match(String(body['message']), /because it is being terminated$/);
});

test('an unknown field is dropped with a warning, or refused where that is wanted', async () => {
  const path = '/api/v1/namespaces/default/services';
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'typo' }, spec: { ports: [{ port: 80 }], slector: { a: 'b' } } };
  const refused = await plane.client.post(`${path}?fieldValidation=Strict`, service);
  assert.equal(refused.status, 400);
  assert.match(String(refused.body['message']), /strict decoding error: unknown field "spec\.slector"/);
  const made = await plane.client.post(path, service);
  assert.equal(made.status, 201);
  assert.match(String(made.headers['warning']), /unknown field/);
  assert.equal(at(made.body, 'spec', 'slector'), undefined);
});
