import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, records, type JsonObject } from './json.ts';
import { usePlane } from './testPlane.ts';
import type { Answer } from './testClient.ts';

const plane = usePlane();
const MAPS = '/api/v1/namespaces/default/configmaps';
const SERVICES = '/api/v1/namespaces/default/services';

async function apply(path: string, manager: string, object: JsonObject, query = ''): Promise<Answer> {
  return await plane.client.patch(`${path}?fieldManager=${manager}${query}`, 'apply', object);
}

function map(name: string, data: Record<string, string>): JsonObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

test('a JSON patch adds, replaces, removes and tests', async () => {
  await plane.client.post(MAPS, map('json', { a: '1', b: '2' }));
  const { status, body } = await plane.client.patch(`${MAPS}/json`, 'json', [
    { op: 'test', path: '/data/a', value: '1' }, { op: 'replace', path: '/data/a', value: '3' }, { op: 'remove', path: '/data/b' },
    { op: 'add', path: '/metadata/labels', value: { 'x/y': 'z' } }, { op: 'add', path: '/metadata/labels/a~1b', value: 'c' },
  ]);
  assert.equal(status, 200);
  assert.deepEqual(body['data'], { a: '3' });
  assert.deepEqual(at(body, 'metadata', 'labels'), { 'x/y': 'z', 'a/b': 'c' });
  assert.equal((await plane.client.patch(`${MAPS}/json`, 'json', [{ op: 'test', path: '/data/a', value: '1' }])).status, 422);
});

test('a merge patch removes what is null', async () => {
  await plane.client.post(MAPS, map('merge', { a: '1', b: '2' }));
  const { body } = await plane.client.patch(`${MAPS}/merge`, 'merge', { data: { a: null, c: '3' } });
  assert.deepEqual(body['data'], { b: '2', c: '3' });
});

test('a patch of an unknown type is 415, of an object that is not there 404', async () => {
  assert.equal((await plane.client.patch(`${MAPS}/merge`, 'nothing', {})).status, 415);
  assert.equal((await plane.client.patch(`${MAPS}/absent`, 'merge', {})).status, 404);
});

test('an apply creates what is not there and owns its fields', async () => {
  const { status, body } = await apply(`${MAPS}/applied`, 'one', map('applied', { a: '1' }));
  assert.equal(status, 201);
  const [entry] = records(at(body, 'metadata', 'managedFields'));
  assert.equal(entry?.['manager'], 'one');
  assert.equal(entry?.['operation'], 'Apply');
  assert.deepEqual(at(entry, 'fieldsV1', 'f:data', 'f:a'), {});
});

test('an apply that no longer has a field removes it, unless somebody else owns it', async () => {
  await apply(`${MAPS}/dropped`, 'one', map('dropped', { a: '1', b: '1', c: '1' }));
  await apply(`${MAPS}/dropped`, 'two', map('dropped', { b: '1' }));
  const { body } = await apply(`${MAPS}/dropped`, 'one', map('dropped', { c: '2' }));
  assert.deepEqual(body['data'], { b: '1', c: '2' });
});

test('an apply over a value of another manager is a conflict that force overrules', async () => {
  await apply(`${MAPS}/fought`, 'one', map('fought', { a: '1' }));
  const refused = await apply(`${MAPS}/fought`, 'two', map('fought', { a: '2' }));
  assert.equal(refused.status, 409);
  assert.equal(refused.body['reason'], 'Conflict');
  assert.match(String(refused.body['message']), /^Apply failed with 1 conflict: conflict with "one": \.data\.a$/);
  assert.deepEqual(records(at(refused.body, 'details', 'causes'))[0], { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.a' });
  const forced = await apply(`${MAPS}/fought`, 'two', map('fought', { a: '2' }), '&force=true');
  assert.deepEqual(forced.body['data'], { a: '2' });
  const managers = records(at(forced.body, 'metadata', 'managedFields')).map(({ manager }) => manager);
  assert.deepEqual(managers, ['two']);
});

test('an update takes the fields it changes away from who applied them', async () => {
  await apply(`${MAPS}/taken`, 'one', map('taken', { a: '1', b: '1' }));
  await plane.client.patch(`${MAPS}/taken?fieldManager=editor`, 'merge', { data: { a: '2' } });
  const refused = await apply(`${MAPS}/taken`, 'one', map('taken', { a: '1', b: '1' }));
  assert.equal(refused.status, 409);
  assert.match(String(refused.body['message']), /conflict with "editor" using v1( at [^:]+(:\d+)+Z)?: \.data\.a$|conflict with "editor" using v1/);
});

test('the same apply again changes nothing', async () => {
  const first = await apply(`${MAPS}/again`, 'one', map('again', { a: '1' }));
  const second = await apply(`${MAPS}/again`, 'one', map('again', { a: '1' }));
  assert.equal(second.status, 200);
  assert.equal(at(second.body, 'metadata', 'resourceVersion'), at(first.body, 'metadata', 'resourceVersion'));
});

test('an apply needs a field manager', async () => {
  assert.equal((await plane.client.patch(`${MAPS}/again`, 'apply', map('again', {}))).status >= 400, true);
});

test('ports of an applied Service are merged by port and protocol', async () => {
  const service = (ports: unknown[]): JsonObject => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'ports' }, spec: { selector: { a: 'b' }, ports } });
  await apply(`${SERVICES}/ports`, 'one', service([{ name: 'a', port: 80 }, { name: 'b', port: 81 }]));
  const other = await apply(`${SERVICES}/ports`, 'two', service([{ name: 'c', port: 82 }]));
  assert.equal(other.status, 200);
  assert.deepEqual(records(at(other.body, 'spec', 'ports')).map(({ port }) => port), [80, 81, 82]);
  const dropped = await apply(`${SERVICES}/ports`, 'one', service([{ name: 'a', port: 80 }]));
  assert.deepEqual(records(at(dropped.body, 'spec', 'ports')).map(({ port }) => port), [80, 82]);
});

test('a status is applied through its subresource, with conditions of several managers side by side', async () => {
  await plane.client.post(SERVICES, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'status' }, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } });
  const status = (type: string): JsonObject => ({
    apiVersion: 'v1', kind: 'Service', metadata: { name: 'status' },
    status: { conditions: [{ type, status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'Made', message: '' }] },
  });
  await apply(`${SERVICES}/status/status`, 'one', status('test/One'));
  const { body } = await apply(`${SERVICES}/status/status`, 'two', status('test/Two'));
  assert.deepEqual(new Set(records(at(body, 'status', 'conditions')).map(({ type }) => type)), new Set(['test/One', 'test/Two']));
  const entry = records(at(body, 'metadata', 'managedFields')).find(({ manager }) => manager === 'two');
  assert.equal(entry?.['subresource'], 'status');
});
