import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createKubeApi } from '../controller/cluster/kubeClient.ts';
import { loadKubeConfig } from '../controller/cluster/loadKubeConfig.ts';
import { refOf, type Kind, type KubeObject } from '../controller/model/objects.ts';
import { createClusterSource, type ClusterSource } from '../controller/sources/cluster/clusterSource.ts';
import { printRef } from '../core/ir/objectRef.ts';
import { silentLogger } from '../core/log/logger.ts';
import { startApiServer, type TestApiServer } from './apiserver/apiServer.ts';

const KINDS: readonly Kind[] = ['Ingress', 'Service', 'EndpointSlice', 'Namespace'];

interface Follower {
  readonly source: ClusterSource;
  /** printed reference → object, as the batches leave it. */
  readonly held: Map<string, KubeObject>;
  start(): Promise<void>;
}

async function startServer(t: TestContext): Promise<TestApiServer> {
  const server = await startApiServer();
  t.after(() => server.stop());
  await server.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  return server;
}

/** A source over TLS by a kubeconfig file, as the product starts it. */
async function follow(t: TestContext, server: TestApiServer): Promise<Follower> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-cluster-'));
  const kubeconfig = join(folder, 'config');
  writeFileSync(kubeconfig, server.kubeconfig());
  const connection = await loadKubeConfig({ kubeconfig, context: null, inCluster: false, environment: {} });
  rmSync(folder, { recursive: true });
  const api = createKubeApi(connection, { version: '0.0.0' });
  const source = createClusterSource({ api, kinds: KINDS, namespaces: [], ownNamespace: null, secrets: 'named', logger: silentLogger });
  t.after(async () => {
    await source.stop();
    api.close();
  });
  const held = new Map<string, KubeObject>();
  return {
    source,
    held,
    start: () => source.start((batch) => {
      for (const ref of batch.deletes) held.delete(printRef(ref));
      for (const object of [...batch.upserts, ...(batch.refreshed ?? [])]) held.set(printRef(refOf(object)), object);
    }),
  };
}

function sorted({ held }: Follower): readonly (readonly [string, KubeObject])[] {
  return [...held].sort(([one], [other]) => (one < other ? -1 : 1));
}

const SERVICE = { apiVersion: 'v1', kind: 'Service', namespace: 'shop' } as const;
const INGRESS = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', namespace: 'shop' } as const;

async function createService(server: TestApiServer, name: string): Promise<void> {
  await server.create({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'shop' }, spec: { ports: [{ port: 80, protocol: 'TCP' }] } });
}

async function createIngress(server: TestApiServer, name: string): Promise<void> {
  const defaultBackend = { service: { name, port: { number: 80 } } };
  await server.create({ apiVersion: INGRESS.apiVersion, kind: 'Ingress', metadata: { name, namespace: 'shop' }, spec: { defaultBackend } });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5);
}

test('a source that starts has what the API server has, and follows it', async (t) => {
  const server = await startServer(t);
  await createService(server, 'web');
  const follower = await follow(t, server);
  await follower.start();
  const service = follower.held.get('Service shop/web');
  assert.ok(service !== undefined);
  const kept = await server.get({ ...SERVICE, name: 'web' });
  assert.equal(service.metadata.resourceVersion, kept?.metadata.resourceVersion);
  await createIngress(server, 'web');
  await until(() => follower.held.has('Ingress shop/web'));
  await server.delete({ ...INGRESS, name: 'web' });
  await until(() => !follower.held.has('Ingress shop/web'));
});

test('watches cut every 100 ms, compactions, and a fifth of all requests refused: the state is a fresh start\'s', async (t) => {
  const server = await startServer(t);
  const follower = await follow(t, server);
  await follower.start();
  server.faults.cutWatchesEvery(100);
  server.faults.failFraction(0.2, { status: 500 });
  for (let step = 0; step < 1_500; step += 1) {
    const name = `s${step % 300}`;
    if (step < 300) await createService(server, name);
    else if (step % 7 === 0) await server.delete({ ...SERVICE, name }).then(() => createService(server, name));
    else await server.patch({ ...SERVICE, name }, { metadata: { labels: { step: String(step) } } });
    if (step % 200 === 0) server.faults.compact({ expireWatches: step % 400 === 0 });
    if (step % 10 === 0) await delay(10);
  }
  server.faults.clear();
  await createIngress(server, 'last');
  await createService(server, 'last');
  await until(() => follower.held.has('Ingress shop/last') && follower.held.has('Service shop/last'));
  const fresh = await follow(t, server);
  await fresh.start();
  assert.deepEqual(sorted(follower), sorted(fresh));
});

test('an API server that stops and comes back takes nothing away, and what changed meanwhile appears', async (t) => {
  const server = await startServer(t);
  for (let count = 0; count < 20; count += 1) await createService(server, `s${count}`);
  const follower = await follow(t, server);
  await follower.start();
  await server.pause();
  const size = (): number => follower.held.size;
  const before = size();
  for (let count = 0; count < 10; count += 1) await server.delete({ ...SERVICE, name: `s${count}` });
  await createIngress(server, 'new');
  await until(() => follower.source.health().collections.every(({ state }) => state === 'away'));
  assert.equal(size(), before);
  await server.resume();
  await until(() => follower.held.has('Ingress shop/new') && !follower.held.has('Service shop/s9'));
  assert.equal(size(), before - 10 + 1);
});

test('a start through 429 and 503 ends when they end', async (t) => {
  const server = await startServer(t);
  await createService(server, 'web');
  server.faults.failFraction(1, { status: 503 });
  const follower = await follow(t, server);
  const started = follower.start();
  await until(() => server.requests.length >= KINDS.length);
  server.faults.clear();
  server.faults.failNext(2, { status: 429 });
  await started;
  assert.ok(follower.held.has('Service shop/web'));
});

test('wanted Secrets are read and followed by name, and none is listed', async (t) => {
  const server = await startServer(t);
  const put = (name: string): Promise<unknown> => server.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'shop' }, type: 'Opaque', data: { a: 'eA==' } });
  await put('tls');
  await put('other');
  const follower = await follow(t, server);
  await follower.start();
  await follower.source.want([{ kind: 'Secret', namespace: 'shop', name: 'tls' }, { kind: 'Secret', namespace: 'shop', name: 'late' }]);
  const secrets = (): readonly string[] => [...follower.held.keys()].filter((key) => key.startsWith('Secret')).sort();
  assert.deepEqual(secrets(), ['Secret shop/tls']);
  await put('late');
  await until(() => secrets().length === 2);
  server.faults.compact({ expireWatches: true });
  await server.delete({ apiVersion: 'v1', kind: 'Secret', namespace: 'shop', name: 'tls' });
  await until(() => secrets().join() === 'Secret shop/late');
  assert.deepEqual(server.requests.filter(({ verb, path }) => verb === 'list' && path.includes('secrets')), []);
});
