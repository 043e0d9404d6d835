import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PlainObject } from '../apiserver/admin.ts';
import { OWN_NAMESPACE, startCluster, type Cluster } from '../support/cluster.ts';
import { startClusterGatehouse, type ClusterGatehouse } from '../support/clusterGatehouse.ts';
import { createStorm } from '../support/clusterStorm.ts';
import { testRange } from '../support/loadBalancer.ts';
import { until } from '../support/until.ts';

/** The claim is 60; shorter by default, as these tests run one after another. */
const STORM_MS = Number(process.env['GATEHOUSE_STORM_SECONDS'] ?? 20) * 1000;
const CHANGES = 5_000;
const CUT_EVERY_MS = 100;
const COMPACTIONS = 12;
/** Changes are made in so many bursts: single ones would each be waited for. */
const BURSTS = 200;
const seed = Number(process.env['GATEHOUSE_SEED'] ?? Date.now() % 2 ** 31);
const { prefix } = testRange();

const ARGUMENTS = ['--vips', 'bind', '--configmap', `${OWN_NAMESPACE}/settings`, '--publish-status-address', '192.0.2.80'];

async function start(t: TestContext, cluster: Cluster, nodeName: string): Promise<ClusterGatehouse> {
  const gatehouse = await startClusterGatehouse({ kubeconfig: cluster.kubeconfig(), nodeName, args: ARGUMENTS });
  t.after(() => gatehouse.stop());
  return gatehouse;
}

/** All that is served and given, as text. Of one process alone is the certificate it makes for itself when it starts. */
async function stateOf(gatehouse: ClusterGatehouse): Promise<string> {
  const snapshot = (await gatehouse.api('/api/v1/snapshot')) as Record<string, unknown>;
  const { services, ingresses, problems } = await gatehouse.status();
  const { pools } = (await gatehouse.api('/api/v1/pools')) as { readonly pools: unknown };
  return JSON.stringify({ snapshot: withoutOwnCertificate(snapshot), services, ingresses, problems, pools }, null, 1);
}

function withoutOwnCertificate(snapshot: Record<string, unknown>): unknown {
  const certificates = Object.entries(snapshot['certificates'] as Record<string, unknown>);
  return { ...snapshot, certificates: Object.fromEntries(certificates.filter(([key]) => key !== 'default')) };
}

/** Waits until both say the same; names the first lines that differ when they never do. */
async function assertSameState(one: ClusterGatehouse, other: ClusterGatehouse, what: string): Promise<void> {
  let [first, second] = ['', ''];
  await until(what, async () => {
    [first, second] = await Promise.all([stateOf(one), stateOf(other)]);
    return first === second;
  }, 15_000).catch(() => {});
  // Whole states are too long to read.
  if (process.env['DUMP']) { (await import('node:fs')).writeFileSync('/tmp/k_a.json', first); (await import('node:fs')).writeFileSync('/tmp/k_b.json', second); }
  assert.deepEqual(differences(first, second), [], `${what}; seed ${seed}`);
}

/** The first lines that are not the same, with those before them. */
function differences(first: string, second: string): readonly string[] {
  if (first === second) return [];
  const [ofFirst, ofSecond] = [first.split('\n'), second.split('\n')];
  const at = ofFirst.findIndex((line, index) => line !== ofSecond[index]);
  return [...ofFirst.slice(Math.max(0, at - 20), at), '--- the one', ...ofFirst.slice(at, at + 10), '--- the other', ...ofSecond.slice(at, at + 10)];
}

async function rage(cluster: Cluster): Promise<void> {
  const { faults } = cluster;
  const storm = createStorm(cluster, { seed, addressPrefix: prefix });
  faults?.cutWatchesEvery(CUT_EVERY_MS);
  const startMs = performance.now();
  for (let burst = 0; burst < BURSTS; burst += 1) {
    for (let change = 0; change < CHANGES / BURSTS; change += 1) await storm();
    if (burst % Math.floor(BURSTS / COMPACTIONS) === 0) {
      faults?.answerGoneByStatus(burst % 2 === 0);
      faults?.compact({ expireWatches: burst % 4 < 2 });
    }
    await sleep(Math.max(0, startMs + ((burst + 1) * STORM_MS) / BURSTS - performance.now()));
  }
  faults?.clear();
}

test(`${CHANGES} changes while every watch is cut every ${CUT_EVERY_MS} ms leave the state of a fresh start, byte for byte`, { timeout: STORM_MS + 120_000 }, async (t) => {
  t.diagnostic(`GATEHOUSE_SEED=${seed}`);
  const cluster = await startCluster();
  t.after(() => cluster.stop());
  const ingressClass: PlainObject = { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'gatehouse' }, spec: { controller: 'gatehouse.dev/ingress' } };
  await cluster.admin.create(ingressClass);
  const leader = await start(t, cluster, 'one');
  await rage(cluster);
  const follower = await start(t, cluster, 'two');
  await assertSameState(leader, follower, 'a follower that has just started knows what the leader knows that went through the storm');
  const before = await stateOf(follower);
  assert.ok(before.length > 10_000, 'there is something to compare');
  assert.equal(await leader.stop(), 0);
  const successor = await start(t, cluster, 'one');
  await assertSameState(follower, successor, 'so does the one that starts in its place');
  assert.equal(await stateOf(follower), before, 'and nothing has changed by that');
});
