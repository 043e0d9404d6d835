import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_CERTIFICATE_KEY } from '../../controller/certificates/defaultCertificate.ts';
import type { PlainObject } from '../apiserver/admin.ts';
import { OWN_NAMESPACE, startCluster, type Cluster } from '../support/cluster.ts';
import { startClusterGatehouse, type ClusterGatehouse } from '../support/clusterGatehouse.ts';
import type { StatusView } from '../../controller/status/statusView.ts';
import { createStorm } from '../support/clusterStorm.ts';
import { testRange } from '../support/loadBalancer.ts';
import { until } from '../support/until.ts';

/** The claim; shorter while one works on it. */
const STORM_MS = Number(process.env['GATEHOUSE_STORM_SECONDS'] ?? 60) * 1000;
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

/**
 * All that is served and given, as text. Left out is the certificate that each process makes for itself, and with `of` cluster who
 * carries the addresses, as two on one machine cannot both, and why somebody has none.
 */
async function stateOf(gatehouse: ClusterGatehouse, of: 'process' | 'cluster'): Promise<string> {
  const snapshot = (await gatehouse.api('/api/v1/snapshot')) as Snapshot;
  const { services, ingresses, problems } = await gatehouse.status();
  const { pools } = (await gatehouse.api('/api/v1/pools')) as { readonly pools: unknown };
  const certificates = snapshot.certificates.filter(({ key }) => key !== DEFAULT_CERTIFICATE_KEY);
  const given = services.map(({ namespace, name, addresses, pool, ports }) => ({ namespace, name, addresses, pool, ports }));
  const ofObjects = problems.filter((problem) => !problem.rule.includes('needs its port to be opened') && !isRefusal(problem));
  const shown = of === 'process' ? { services, problems } : { services: given, problems: ofObjects };
  return JSON.stringify({ snapshot: { ...snapshot, certificates }, ingresses, pools, ...shown }, null, 1);
}

/** Why a Service does not have the address it asks for is for the leader to say. */
function isRefusal({ object, field }: StatusView['problems'][number]): boolean {
  return object?.kind === 'Service' && !field.startsWith('spec.ports');
}

interface Snapshot {
  readonly certificates: readonly { readonly key: string }[];
}

/** Waits until both say the same. */
async function assertSameCluster(one: ClusterGatehouse, other: ClusterGatehouse): Promise<void> {
  const states = (): Promise<[string, string]> => Promise.all([stateOf(one, 'cluster'), stateOf(other, 'cluster')]);
  await until('both know the same', async () => {
    const [first, second] = await states();
    return first === second;
  }, 20_000).catch(() => {});
  assert.deepEqual(differences(...(await states())), [], `seed ${seed}`);
}

/** The first lines that are not the same, with those before them: whole states are too long to read. */
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
  await assertSameCluster(leader, follower);
  const weathered = await stateOf(leader, 'process');
  assert.ok(weathered.length > 10_000, 'there is something to compare');
  assert.equal(await follower.stop(), 0);
  assert.equal(await leader.stop(), 0);
  const successor = await start(t, cluster, 'one');
  await until('it leads and carries the addresses', async () => (await stateOf(successor, 'process')) === weathered, 20_000).catch(() => {});
  assert.deepEqual(differences(weathered, await stateOf(successor, 'process')), [], `seed ${seed}`);
});
