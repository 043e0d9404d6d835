import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, record, records } from './json.ts';
import { usePlane } from './testPlane.ts';

const plane = usePlane();
const MAPS = '/api/v1/namespaces/default/configmaps';


test('a created object has a uid, a resourceVersion, a time and managed fields', async () => {
  const { status, body } = await plane.client.post(`${MAPS}?fieldManager=tester`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'made' }, data: { a: '1' } });
  assert.equal(status, 201);
  const metadata = record(body['metadata']);
  assert.match(String(metadata['uid']), /^[0-9a-f-]{36}$/);
  assert.match(String(metadata['resourceVersion']), /^\d+$/);
  assert.match(String(metadata['creationTimestamp']), /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/);
  const [entry] = records(metadata['managedFields']);
  assert.equal(entry?.['manager'], 'tester');
  assert.equal(entry?.['operation'], 'Update');
  assert.deepEqual(at(entry, 'fieldsV1', 'f:data', 'f:a'), {});
});

test('an object that exists is not created again', async () => {
  const again = await plane.client.post(MAPS, { metadata: { name: 'made' } });
  assert.equal(again.status, 409);
  assert.equal(again.body['reason'], 'AlreadyExists');
  assert.equal(again.body['message'], 'configmaps "made" already exists');
  assert.deepEqual(again.body['details'], { name: 'made', kind: 'configmaps' });
});

test('an object that is not there is a Status of 404', async () => {
  const { status, body } = await plane.client.get('/apis/networking.k8s.io/v1/namespaces/default/ingresses/none');
  assert.equal(status, 404);
  assert.equal(body['message'], 'ingresses.networking.k8s.io "none" not found');
  assert.deepEqual(body['details'], { name: 'none', group: 'networking.k8s.io', kind: 'ingresses' });
});

test('a resource that is not served is 404 of the path', async () => {
  assert.equal((await plane.client.get('/apis/nowhere.test/v1/things')).status, 404);
});

test('a Namespace that is not there takes no objects', async () => {
  const { status, body } = await plane.client.post('/api/v1/namespaces/nowhere/configmaps', { metadata: { name: 'a' } });
  assert.equal(status, 404);
  assert.equal(body['message'], 'namespaces "nowhere" not found');
});

test('generateName makes a name of its own', async () => {
  const { body } = await plane.client.post(MAPS, { metadata: { generateName: 'gen-' } });
  assert.match(String(at(body, 'metadata', 'name')), /^gen-[a-z0-9]{5}$/);
});

test('a name that breaks the rules is refused with the field', async () => {
  const { status, body } = await plane.client.post(MAPS, { metadata: { name: 'Not_Good' } });
  assert.equal(status, 422);
  assert.equal(body['reason'], 'Invalid');
  const [cause] = records(at(body, 'details', 'causes'));
  assert.equal(cause?.['field'], 'metadata.name');
  assert.equal(cause?.['reason'], 'FieldValueInvalid');
  assert.match(String(body['message']), /^ConfigMap "Not_Good" is invalid: metadata\.name: Invalid value: "Not_Good": a lowercase RFC 1123 subdomain must consist/);
});

test('a PUT with an old resourceVersion is a conflict, one without overwrites', async () => {
  const { body } = await plane.client.get(`${MAPS}/made`);
  const changed = await plane.client.put(`${MAPS}/made`, { ...body, data: { a: '2' } });
  assert.equal(changed.status, 200);
  const conflict = await plane.client.put(`${MAPS}/made`, { ...body, data: { a: '3' } });
  assert.equal(conflict.status, 409);
  assert.equal(conflict.body['reason'], 'Conflict');
  assert.match(String(conflict.body['message']), /^Operation cannot be fulfilled on configmaps "made": the object has been modified/);
  const { resourceVersion: _version, ...metadata } = record(body['metadata']);
  assert.equal((await plane.client.put(`${MAPS}/made`, { ...body, metadata, data: { a: '4' } })).status, 200);
});

test('a patch that carries a resourceVersion is checked, one that does not is not', async () => {
  const old = await plane.client.patch(`${MAPS}/made`, 'merge', { metadata: { resourceVersion: '1' }, data: { b: '1' } });
  assert.equal(old.status, 409);
  assert.equal((await plane.client.patch(`${MAPS}/made`, 'merge', { data: { b: '1' } })).status, 200);
});

test('a write that changes nothing keeps the resourceVersion', async () => {
  const { body } = await plane.client.get(`${MAPS}/made`);
  const same = await plane.client.put(`${MAPS}/made`, body);
  assert.equal(at(same.body, 'metadata', 'resourceVersion'), at(body, 'metadata', 'resourceVersion'));
});

test('dryRun=All answers and stores nothing', async () => {
  assert.equal((await plane.client.post(`${MAPS}?dryRun=All`, { metadata: { name: 'dry' } })).status, 201);
  assert.equal((await plane.client.get(`${MAPS}/dry`)).status, 404);
  assert.equal((await plane.client.delete(`${MAPS}/made?dryRun=All`)).status, 200);
  assert.equal((await plane.client.get(`${MAPS}/made`)).status, 200);
});

test('finalizers hold a deleted object until they are gone', async () => {
  await plane.client.post(MAPS, { metadata: { name: 'held', finalizers: ['example.test/hold'] } });
  const held = await plane.client.delete(`${MAPS}/held`);
  assert.notEqual(at(held.body, 'metadata', 'deletionTimestamp'), undefined);
  const added = await plane.client.patch(`${MAPS}/held`, 'merge', { metadata: { finalizers: ['example.test/hold', 'example.test/more'] } });
  assert.equal(added.status, 422);
  assert.equal((await plane.client.patch(`${MAPS}/held`, 'merge', { metadata: { finalizers: null } })).status, 200);
  assert.equal((await plane.client.get(`${MAPS}/held`)).status, 404);
});

test('a delete with the uid of another object is a conflict', async () => {
  const wrong = await plane.client.delete(`${MAPS}/made`, { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: '00000000-0000-0000-0000-000000000000' } });
  assert.equal(wrong.status, 409);
  const done = await plane.client.delete(`${MAPS}/made`);
  assert.equal(done.body['status'], 'Success');
  assert.equal(at(done.body, 'details', 'kind'), 'configmaps');
});

test('deletecollection removes what a selector chooses', async () => {
  for (const [name, app] of [['one', 'x'], ['two', 'x'], ['three', 'y']]) await plane.client.post(MAPS, { metadata: { name, labels: { app } } });
  assert.equal((await plane.client.delete(`${MAPS}?labelSelector=app%3Dx`)).status, 200);
  const left = records((await plane.client.get(`${MAPS}?labelSelector=app`)).body['items']).map((item) => at(item, 'metadata', 'name'));
  assert.deepEqual(left, ['three']);
});

test('a body of another kind or of broken JSON is 400', async () => {
  assert.equal((await plane.client.post(MAPS, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } })).status, 400);
  assert.equal((await plane.client.send('POST', MAPS, { body: '{"metadata":' })).status, 400);
  assert.equal((await plane.client.post(MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { a: 1 } })).status, 400);
});

test('generation counts changes of the spec only', async () => {
  const path = '/apis/networking.k8s.io/v1/namespaces/default/ingresses';
  const spec = { defaultBackend: { service: { name: 'web', port: { number: 80 } } } };
  const made = await plane.client.post(path, { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'counted' }, spec });
  assert.equal(at(made.body, 'metadata', 'generation'), 1);
  const labelled = await plane.client.patch(`${path}/counted`, 'merge', { metadata: { labels: { a: 'b' } } });
  assert.equal(at(labelled.body, 'metadata', 'generation'), 1);
  const status = await plane.client.patch(`${path}/counted/status`, 'merge', { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }, spec: { ingressClassName: 'x' } });
  assert.equal(at(status.body, 'metadata', 'generation'), 1);
  assert.equal(at(status.body, 'spec', 'ingressClassName'), undefined);
  const changed = await plane.client.patch(`${path}/counted`, 'merge', { spec: { ingressClassName: 'x' }, status: { loadBalancer: {} } });
  assert.equal(at(changed.body, 'metadata', 'generation'), 2);
  assert.deepEqual(at(changed.body, 'status', 'loadBalancer'), { ingress: [{ ip: '192.0.2.1' }] });
});

test('a Lease is written by optimistic concurrency only', async () => {
  const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
  const spec = { holderIdentity: 'a', leaseDurationSeconds: 15, acquireTime: '2026-01-02T03:04:05.000000Z', renewTime: '2026-01-02T03:04:05.123456Z', leaseTransitions: 0 };
  const made = await plane.client.post(path, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'leader' }, spec });
  assert.equal(made.status, 201);
  assert.equal(at(made.body, 'spec', 'renewTime'), '2026-01-02T03:04:05.123456Z');
  const { resourceVersion: _version, ...metadata } = record(made.body['metadata']);
  assert.equal((await plane.client.put(`${path}/leader`, { ...made.body, metadata })).status, 422);
  const won = await plane.client.put(`${path}/leader`, { ...made.body, spec: { ...spec, holderIdentity: 'b' } });
  assert.equal(won.status, 200);
  assert.equal((await plane.client.put(`${path}/leader`, { ...made.body, spec: { ...spec, holderIdentity: 'c' } })).status, 409);
});

test('discovery lists groups, kinds and subresources', async () => {
  const groups = records((await plane.client.get('/apis')).body['groups']).map(({ name }) => name);
  for (const group of ['networking.k8s.io', 'coordination.k8s.io', 'apiextensions.k8s.io']) assert.ok(groups.includes(group), group);
  const core = records((await plane.client.get('/api/v1')).body['resources']);
  const services = core.find(({ name }) => name === 'services');
  assert.deepEqual(services?.['shortNames'], ['svc']);
  assert.ok(core.some(({ name }) => name === 'services/status'));
  assert.equal((await plane.client.get('/readyz')).text.trim(), 'ok');
  assert.match(String((await plane.client.get('/version')).body['gitVersion']), /^v\d+\.\d+/);
});
