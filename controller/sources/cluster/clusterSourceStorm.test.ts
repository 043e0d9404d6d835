import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { seededRandom } from '../../../core/testing/seededRandom.ts';
import { createClusterSource, type ClusterSource } from './clusterSource.ts';
import { MemoryApi } from './testing/memoryApi.ts';
import { serveMemoryApi, type WireFault } from './testing/memoryApiServer.ts';
import { PATHS, rawPool, rawSecret, rawService } from './testing/sourceRun.ts';
import { createKubeApi } from '../../cluster/kubeClient.ts';
import { KubeError, type KubeRequest } from '../../cluster/kubeApi.ts';
import { tokenConnection } from '../../cluster/testing/scriptedServer.ts';
import { refOf, type KubeObject } from '../../model/objects.ts';
import { printRef } from '../../../core/ir/objectRef.ts';
import { silentLogger } from '../../../core/log/logger.ts';

const KINDS = ['Service', 'IPAddressPool', 'Ingress'] as const;
const CUT = new KubeError('unreachable', 'cut');
const SEED = Number(process.env['GATEHOUSE_SEED'] ?? Date.now() % 1_000_000);

interface Follower {
  readonly source: ClusterSource;
  readonly held: Map<string, KubeObject>;
}

/** A source over real sockets, and what its batches leave downstream; fails when a batch deletes what was never there. */
function follow(t: TestContext, url: URL): Follower {
  const api = createKubeApi(tokenConnection(url), { version: '0.0.0' });
  const source = createClusterSource({ api, kinds: KINDS, namespaces: [], ownNamespace: null, secrets: 'all', logger: silentLogger });
  t.after(async () => {
    await source.stop();
    api.close();
  });
  return { source, held: new Map() };
}

async function start({ source, held }: Follower): Promise<void> {
  await source.start((batch) => {
    for (const ref of batch.deletes) held.delete(printRef(ref));
    for (const object of [...batch.upserts, ...(batch.refreshed ?? [])]) held.set(printRef(refOf(object)), object);
  });
}

/** Sorted, so that two states compare whatever order things came in. */
function sorted({ held }: Follower): readonly (readonly [string, KubeObject])[] {
  return [...held].sort(([one], [other]) => (one < other ? -1 : 1));
}

/** One random change. */
function change(api: MemoryApi, draw: () => number): void {
  const name = `o${Math.floor(draw() * 60)}`;
  const kind = Math.floor(draw() * 3);
  const [path, object] = kind === 0
    ? [PATHS.service, rawService(name, { labels: { round: String(draw()) } })] as const
    : kind === 1 ? [PATHS.pool, rawPool(name, `192.0.${Math.floor(draw() * 256)}.0/24`)] as const : [PATHS.secret, rawSecret(name, String(draw()))] as const;
  if (draw() < 0.3) api.delete(path, object);
  else api.put(path, object);
}

/** Waits until the last change has come, then compares with a source that starts anew. */
async function assertConverged(t: TestContext, api: MemoryApi, { url, follower }: { readonly url: URL; readonly follower: Follower }): Promise<void> {
  api.put(PATHS.service, rawService('last', { labels: { end: 'here' } }));
  api.put(PATHS.pool, rawPool('last'));
  api.put(PATHS.secret, rawSecret('last'));
  const isThere = (): boolean => ['Service shop/last', 'IPAddressPool gatehouse/last', 'Secret shop/last'].every((key) => follower.held.has(key));
  while (!isThere()) await delay(10);
  const fresh = follow(t, url);
  await start(fresh);
  assert.deepEqual(sorted(follower), sorted(fresh));
}

test(`watches cut time and again, compactions and refusals of all kinds leave the state of the server (seed ${SEED})`, async (t) => {
  const draw = seededRandom(SEED);
  const api = new MemoryApi();
  let calm = false;
  const fault = (request: KubeRequest): WireFault | null => {
    if (calm || draw() > 0.3) return null;
    const kind = draw();
    if (kind < 0.25) return { type: 'reset' };
    if (kind < 0.5) return request.query?.['watch'] === undefined ? { type: 'torn' } : null;
    return { type: 'status', status: kind < 0.7 ? 500 : kind < 0.85 ? 503 : 429 };
  };
  for (let count = 0; count < 700; count += 1) api.put(PATHS.service, rawService(`base${count}`));
  const server = await serveMemoryApi(t, api, fault);
  const follower = follow(t, server.url);
  const started = start(follower);
  for (let round = 0; round < 60; round += 1) {
    for (let step = 0; step < 20; step += 1) change(api, draw);
    if (draw() < 0.2) api.compact();
    if (draw() < 0.7) api.cutWatches(draw() < 0.5 ? CUT : null);
    await delay(10);
  }
  calm = true;
  await started;
  await assertConverged(t, api, { url: server.url, follower });
});

test('an API server that is away takes nothing away, and what changed meanwhile appears after its return', async (t) => {
  const api = new MemoryApi();
  let isAway = false;
  const server = await serveMemoryApi(t, api, () => (isAway ? { type: 'reset' } : null));
  for (let count = 0; count < 50; count += 1) api.put(PATHS.service, rawService(`s${count}`));
  const follower = follow(t, server.url);
  await start(follower);
  while (api.openWatches < 4) await delay(5);
  isAway = true;
  api.cutWatches(CUT);
  for (let count = 0; count < 25; count += 1) api.delete(PATHS.service, rawService(`s${count}`));
  api.put(PATHS.service, rawService('new'));
  const asked = server.requests.length;
  while (server.requests.length < asked + 20) await delay(5);
  const size = (): number => follower.held.size;
  assert.equal(size(), 50);
  isAway = false;
  while (size() !== 26) await delay(5);
  assert.ok(follower.held.has('Service shop/new'));
});

test('a start through a storm of 429 with Retry-After ends once the storm does', async (t) => {
  const api = new MemoryApi();
  let left = 12;
  const server = await serveMemoryApi(t, api, () => {
    left -= 1;
    return left > 0 ? { type: 'status', status: 429, retryAfterSeconds: 0 } : null;
  });
  api.put(PATHS.service, rawService('web'));
  const follower = follow(t, server.url);
  await start(follower);
  assert.equal(follower.held.size, 1);
});
