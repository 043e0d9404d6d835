import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startApiServer, type TestApiServer } from './apiServer.ts';
import { at, records } from './json.ts';
import { clientOf, type TestClient } from './testClient.ts';

let server: TestApiServer;
let client: TestClient;
const MAPS = '/api/v1/namespaces/default/configmaps';

before(async () => {
  server = await startApiServer();
  client = clientOf(server.kubeconfig());
});
after(async () => {
  client.close();
  await server.stop();
});
beforeEach(() => {
  server.faults.clear();
});

async function change(): Promise<void> {
  await server.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'map-' } });
}

test('a cut ends open watches, and a new one goes on where it ended', async () => {
  await change();
  const { body } = await client.get(MAPS);
  const revision = String(at(body, 'metadata', 'resourceVersion'));
  const watch = await client.watch(`${MAPS}?watch=1&resourceVersion=${revision}`);
  server.faults.cutWatches();
  assert.equal(await watch.next(), null);
  await change();
  const again = await client.watch(`${MAPS}?watch=1&resourceVersion=${revision}`);
  assert.equal((await again.next())?.type, 'ADDED');
  again.close();
});

test('watches are cut again and again', async () => {
  server.faults.cutWatchesEvery(10);
  for (let round = 0; round < 3; round += 1) {
    const watch = await client.watch(`${MAPS}?watch=1&resourceVersion=${server.storage.revision()}`);
    assert.equal(await watch.next(), null);
  }
});

test('after a compaction an older watch gets an ERROR event of 410, and an older page 410', async () => {
  await change();
  await change();
  const page = await client.get(`${MAPS}?limit=1`);
  const old = String(at(page.body, 'metadata', 'resourceVersion'));
  await change();
  server.faults.compact();
  const watch = await client.watch(`${MAPS}?watch=1&resourceVersion=${Number(old) - 1}`);
  const event = await watch.next();
  assert.equal(watch.status, 200);
  assert.equal(event?.type, 'ERROR');
  assert.equal(event?.object['code'], 410);
  assert.equal(event?.object['reason'], 'Expired');
  assert.equal(await watch.next(), null);
  const next = await client.get(`${MAPS}?limit=1&continue=${encodeURIComponent(String(at(page.body, 'metadata', 'continue')))}`);
  assert.equal(next.status, 410);
  const inconsistent = String(at(next.body, 'metadata', 'continue'));
  const rest = await client.get(`${MAPS}?continue=${encodeURIComponent(inconsistent)}`);
  assert.equal(rest.status, 200);
  assert.ok(records(rest.body['items']).length > 0);
});

test('410 of a watch comes as a status where that is wanted', async () => {
  await change();
  server.faults.compact();
  server.faults.answerGoneByStatus(true);
  const { status, body } = await client.get(`${MAPS}?watch=1&resourceVersion=1`);
  assert.equal(status, 410);
  assert.equal(body['reason'], 'Expired');
});

test('an open watch is ended by an ERROR event where the compaction says so', async () => {
  const watch = await client.watch(`${MAPS}?watch=1&resourceVersion=${server.storage.revision()}`);
  server.faults.compact({ expireWatches: true });
  assert.equal((await watch.next())?.type, 'ERROR');
  assert.equal(await watch.next(), null);
});

test('the next requests are refused by 429 with Retry-After, or by 500', async () => {
  server.faults.failNext(2, { status: 429, retryAfterSeconds: 3, match: ({ verb }) => verb === 'list' });
  const refused = await client.get(MAPS);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers['retry-after'], '3');
  assert.equal((await client.get(`${MAPS}/none`)).status, 404);
  assert.equal((await client.get(MAPS)).status, 429);
  assert.equal((await client.get(MAPS)).status, 200);
  server.faults.failNext(1);
  assert.equal((await client.get(MAPS)).status, 500);
});

test('a share of requests is refused, the same for the same seed', async () => {
  const run = async (): Promise<number[]> => {
    server.faults.failFraction(0.5, { seed: 7 });
    const statuses: number[] = [];
    for (let count = 0; count < 20; count += 1) statuses.push((await client.get(`${MAPS}?limit=1`)).status);
    return statuses;
  };
  const first = await run();
  assert.ok(first.includes(200) && first.includes(500));
  assert.deepEqual(await run(), first);
});

test('a server that hangs answers once it no longer does', async () => {
  server.faults.hang(true);
  let answered = false;
  const answer = client.get(`${MAPS}?limit=1`).then((found) => {
    answered = true;
    return found;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(answered, false);
  server.faults.hang(false);
  assert.equal((await answer).status, 200);
});

test('slow watches keep the order of events', async () => {
  const watch = await client.watch(`${MAPS}?watch=1&resourceVersion=${server.storage.revision()}`);
  server.faults.slowWatches(2);
  for (let count = 0; count < 5; count += 1) await change();
  const revisions: number[] = [];
  for (let count = 0; count < 5; count += 1) revisions.push(Number(at((await watch.next())?.object, 'metadata', 'resourceVersion')));
  assert.deepEqual(revisions, revisions.toSorted((one, other) => one - other));
  watch.close();
});

test('a paused server refuses connections and ends watches; after it everything is as it was', async () => {
  await server.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'stays' } });
  const watch = await client.watch(`${MAPS}?watch=1&resourceVersion=${server.storage.revision()}`);
  await server.pause();
  await server.pause();
  assert.equal(await watch.next(), null);
  await assert.rejects(client.get(MAPS));
  await server.resume();
  assert.equal((await client.get(`${MAPS}/stays`)).status, 200);
});

test('requests are logged with verb, resource, user and status', async () => {
  server.requests.length = 0;
  const reader = clientOf(server.kubeconfig({ user: 'reader' }));
  await reader.get(`${MAPS}/none?x=1`);
  await reader.patch('/api/v1/namespaces/default/services/kubernetes/status', 'merge', {});
  reader.close();
  const lines = server.requests.map(({ verb, resource, subresource, namespace, name, user, status }) => [verb, resource, subresource, namespace, name, user, status]);
  assert.deepEqual(lines, [['get', 'configmaps', '', 'default', 'none', 'reader', 404], ['patch', 'services', 'status', 'default', 'kubernetes', 'reader', 200]]);
});

test('the server is plain HTTP where that is wanted', async () => {
  const plain = await startApiServer({ tls: false });
  const other = clientOf(plain.kubeconfig());
  assert.equal((await other.get('/healthz')).text.trim(), 'ok');
  other.close();
  await plain.stop();
  await plain.stop();
});

test('with controllers, dependents go with their owner and a Namespace with its objects', async () => {
  const owner = await server.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owner' } });
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid }];
  await server.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'owned', ownerReferences } });
  await server.delete({ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner' });
  await server.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ends' } });
  await server.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a', namespace: 'ends' } });
  await server.delete({ apiVersion: 'v1', kind: 'Namespace', name: 'ends' });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await server.get({ apiVersion: 'v1', kind: 'Secret', name: 'owned' }), null);
  assert.equal(await server.get({ apiVersion: 'v1', kind: 'Secret', namespace: 'ends', name: 'a' }), null);
  assert.equal(await server.get({ apiVersion: 'v1', kind: 'Namespace', name: 'ends' }), null);
});
