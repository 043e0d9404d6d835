import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, list, record, records } from './json.ts';
import type { TestWatch } from './testClient.ts';
import { usePlane } from './testPlane.ts';

const plane = usePlane({ bookmarkIntervalMs: 50 });

async function namespaceWith(name: string, maps: readonly (readonly [string, Record<string, string>])[]): Promise<string> {
  await plane.client.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  const path = `/api/v1/namespaces/${name}/configmaps`;
  for (const [map, labels] of maps) await plane.client.post(path, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: map, labels } });
  return path;
}

function namesOf(body: unknown): unknown[] {
  return records(at(body, 'items')).map((item) => at(item, 'metadata', 'name'));
}

async function nextOf(watch: TestWatch, count: number): Promise<string[]> {
  const seen: string[] = [];
  while (seen.length < count) {
    const event = await watch.next();
    if (event === null) break;
    seen.push(`${event.type} ${String(at(event.object, 'metadata', 'name'))}`);
  }
  return seen;
}

const SELECTORS: readonly (readonly [string, string])[] = [
  ['app=a', 'one two'], ['app!=a', 'four three'], ['app in (a,b)', 'one three two'], ['app notin (a)', 'four three'], ['tier', 'one'], ['!app', 'four'],
  ['app=a,!tier', 'two'], ['app==b', 'three'], ['', 'four one three two'],
];

test('label selectors choose by every operator', async () => {
  const path = await namespaceWith('selectors', [['one', { app: 'a', tier: 'x' }], ['two', { app: 'a' }], ['three', { app: 'b' }], ['four', {}]]);
  for (const [selector, expected] of SELECTORS) {
    const { body } = await plane.client.get(`${path}?labelSelector=${encodeURIComponent(selector)}`);
    assert.equal(namesOf(body).filter((name) => name !== 'kube-root-ca.crt').join(' '), expected, selector);
  }
  assert.equal((await plane.client.get(`${path}?labelSelector=${encodeURIComponent('a in b')}`)).status, 400);
});

test('a field selector chooses by name, and other fields are refused', async () => {
  const { body } = await plane.client.get('/api/v1/namespaces/selectors/configmaps?fieldSelector=metadata.name%3Done');
  assert.deepEqual(namesOf(body), ['one']);
  assert.equal((await plane.client.get('/api/v1/namespaces/selectors/configmaps?fieldSelector=data.a%3Done')).status, 400);
});

test('pages of a list are of one revision, whatever changes meanwhile', async () => {
  const path = await namespaceWith('paged', [['a', {}], ['b', {}], ['c', {}], ['d', {}], ['e', {}]]);
  const first = await plane.client.get(`${path}?limit=2`);
  assert.deepEqual(namesOf(first.body), ['a', 'b']);
  assert.equal(at(first.body, 'metadata', 'remainingItemCount'), 3);
  await plane.client.delete(`${path}/c`);
  await plane.client.post(path, { metadata: { name: 'dd' } });
  const token = encodeURIComponent(String(at(first.body, 'metadata', 'continue')));
  const second = await plane.client.get(`${path}?limit=2&continue=${token}`);
  assert.deepEqual(namesOf(second.body), ['c', 'd']);
  assert.equal(at(second.body, 'metadata', 'resourceVersion'), at(first.body, 'metadata', 'resourceVersion'));
  const third = await plane.client.get(`${path}?limit=2&continue=${encodeURIComponent(String(at(second.body, 'metadata', 'continue')))}`);
  assert.deepEqual(namesOf(third.body), ['e']);
  assert.equal(at(third.body, 'metadata', 'continue'), undefined);
});

test('a list of an exact revision is as it was then', async () => {
  const path = await namespaceWith('exact', [['a', {}]]);
  const before = await plane.client.get(path);
  await plane.client.post(path, { metadata: { name: 'b' } });
  const revision = String(at(before.body, 'metadata', 'resourceVersion'));
  assert.deepEqual(namesOf((await plane.client.get(`${path}?resourceVersion=${revision}&resourceVersionMatch=Exact`)).body), ['a']);
  assert.deepEqual(new Set(namesOf((await plane.client.get(`${path}?resourceVersion=${revision}&resourceVersionMatch=NotOlderThan`)).body)), new Set(['a', 'b']));
  assert.equal((await plane.client.get(`${path}?resourceVersionMatch=Exact`)).status, 422);
  assert.equal((await plane.client.get(`${path}?resourceVersion=x`)).status >= 400, true);
});

test('a watch begins after its resourceVersion and goes on', async () => {
  const path = await namespaceWith('watched', [['a', {}]]);
  const { body } = await plane.client.get(path);
  await plane.client.post(path, { metadata: { name: 'b' } });
  const watch = await plane.client.watch(`${path}?watch=1&resourceVersion=${String(at(body, 'metadata', 'resourceVersion'))}`);
  await plane.client.patch(`${path}/a`, 'merge', { data: { x: '1' } });
  await plane.client.delete(`${path}/b`);
  assert.deepEqual(await nextOf(watch, 3), ['ADDED b', 'MODIFIED a', 'DELETED b']);
  watch.close();
});

test('a watch without a resourceVersion begins with what there is', async () => {
  for (const query of ['', '&resourceVersion=0']) {
    const watch = await plane.client.watch(`/api/v1/namespaces/exact/configmaps?watch=true${query}`);
    assert.deepEqual((await nextOf(watch, 2)).toSorted(), ['ADDED a', 'ADDED b']);
    watch.close();
  }
});

test('to a watch with a selector, objects come and go as they begin and cease to match', async () => {
  const path = await namespaceWith('matching', [['a', { app: 'x' }]]);
  const { body } = await plane.client.get(path);
  const watch = await plane.client.watch(`${path}?watch=1&labelSelector=app%3Dx&resourceVersion=${String(at(body, 'metadata', 'resourceVersion'))}`);
  await plane.client.patch(`${path}/a`, 'merge', { data: { n: '1' } });
  await plane.client.patch(`${path}/a`, 'merge', { metadata: { labels: { app: 'y' } } });
  await plane.client.patch(`${path}/a`, 'merge', { data: { n: '2' } });
  await plane.client.patch(`${path}/a`, 'merge', { metadata: { labels: { app: 'x' } } });
  assert.deepEqual(await nextOf(watch, 3), ['MODIFIED a', 'DELETED a', 'ADDED a']);
  watch.close();
});

test('a watch by name sees that object only', async () => {
  const path = await namespaceWith('named', [['a', {}], ['b', {}]]);
  const watch = await plane.client.watch(`${path}?watch=1&fieldSelector=metadata.name%3Db`);
  assert.deepEqual(await nextOf(watch, 1), ['ADDED b']);
  watch.close();
});

test('timeoutSeconds ends a watch', async () => {
  const watch = await plane.client.watch('/api/v1/namespaces/named/configmaps?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dnone');
  assert.equal(await watch.next(), null);
});

test('bookmarks come to who allows them, with a revision and no content', async () => {
  const { body } = await plane.client.get('/api/v1/namespaces/named/configmaps?limit=1');
  const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=4&resourceVersion=${String(at(body, 'metadata', 'resourceVersion'))}`;
  const watch = await plane.client.watch(`/api/v1/namespaces/named/configmaps?${query}`);
  await plane.client.post('/api/v1/namespaces/exact/configmaps', { metadata: { name: 'elsewhere' } });
  const event = await watch.next();
  assert.equal(event?.type, 'BOOKMARK');
  assert.match(String(at(event?.object, 'metadata', 'resourceVersion')), /^\d+$/);
  assert.equal(record(event?.object)['kind'], 'ConfigMap');
  watch.close();
});

test('a watch list sends the state, then a bookmark that says it is complete', async () => {
  const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
  const watch = await plane.client.watch(`/api/v1/namespaces/exact/configmaps?${query}`);
  assert.deepEqual((await nextOf(watch, 3)).toSorted(), ['ADDED a', 'ADDED b', 'ADDED elsewhere']);
  const event = await watch.next();
  assert.equal(event?.type, 'BOOKMARK');
  assert.equal(at(event?.object, 'metadata', 'annotations', 'k8s.io/initial-events-end'), 'true');
  watch.close();
  const refused = await plane.client.get('/api/v1/configmaps?watch=1&sendInitialEvents=true');
  assert.equal(refused.status, 422);
});

test('a table has the columns of the kind and a row per object', async () => {
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
  const { body } = await plane.client.send('GET', '/api/v1/namespaces/default/services', { accept });
  assert.equal(body['kind'], 'Table');
  assert.deepEqual(records(body['columnDefinitions']).map(({ name }) => name), ['Name', 'Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age', 'Selector']);
  const row = records(body['rows']).find((one) => at(one, 'object', 'metadata', 'name') === 'kubernetes');
  assert.deepEqual(list(row?.['cells']).slice(0, 2), ['kubernetes', 'ClusterIP']);
  assert.equal(at(row, 'object', 'kind'), 'PartialObjectMetadata');
});
