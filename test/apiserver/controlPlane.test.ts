import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at } from './json.ts';
import { usePlane } from './testPlane.ts';

const plane = usePlane();
const place = { apiVersion: 'v1', kind: 'ConfigMap', name: 'kept' };

test('an administrator creates, changes, lists and deletes', async () => {
  const { admin } = plane.plane;
  await admin.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kept' }, data: { a: '1' } });
  const patched = await admin.patch(place, { data: { b: '2' } });
  assert.deepEqual(patched['data'], { a: '1', b: '2' });
  const updated = await admin.update({ ...patched, data: { c: '3' } });
  assert.deepEqual(updated['data'], { c: '3' });
  assert.ok((await admin.list({ apiVersion: 'v1', kind: 'ConfigMap' })).some(({ metadata, kind }) => metadata.name === 'kept' && kind === 'ConfigMap'));
  await admin.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'gone' } });
  await admin.delete({ ...place, name: 'gone' });
  assert.equal(await admin.get({ ...place, name: 'gone' }), null);
  await assert.rejects(admin.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kept' } }), { code: 409, reason: 'AlreadyExists' });
});

test('a control plane that goes away and comes back has its state, at the same address', async () => {
  await plane.plane.pause();
  await assert.rejects(plane.client.get('/readyz'));
  await plane.plane.resume();
  assert.deepEqual(at(await plane.plane.admin.get(place), 'data'), { c: '3' });
  assert.equal((await plane.client.get('/readyz')).status, 200);
});
