import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parse } from 'yaml';
import { OWN_NAMESPACE, startCluster as startApiCluster, type Cluster as ApiCluster } from '../support/cluster.ts';
import { apply } from '../support/clusterObjects.ts';
import { until } from '../support/until.ts';
import { startApiRelay } from './apiRelay.ts';
import { startGatehouseNode, type GatehouseNode } from './gatehouseNode.ts';
import { lacksLab, startLab, type Lab } from './lab.ts';
import { nodeObjects, poolOf, serviceObjects, vipOf, type LabService } from './labObjects.ts';
import { repliersAtOnce } from './neighbours.ts';

const skip = lacksLab();
const SERVICE: LabService = { name: 'echo', vip: 200 };
const VIP = vipOf(SERVICE).ipv4;
const LEASE = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: OWN_NAMESPACE, name: `gatehouse-vip-${VIP.replaceAll('.', '-')}` };

/** Objects of the lab in an API server; a Node's status is written for itself. */
async function createObjects(api: ApiCluster, lab: Lab): Promise<void> {
  const nodes = nodeObjects(lab);
  await apply(api, [...poolOf({ ownership: 'lease' }), ...serviceObjects(lab, SERVICE), ...nodes]);
  for (const node of nodes) {
    const status: unknown = 'status' in node ? node.status : {};
    await api.admin.patch({ apiVersion: 'v1', kind: 'Node', name: node.metadata?.name ?? '' }, { status }, 'status');
  }
}

/** Port of the one server that a kubeconfig names. */
function portOf(kubeconfig: string): number {
  const { clusters } = parse(kubeconfig) as { readonly clusters: readonly { readonly cluster: { readonly server: string } }[] };
  return Number(new URL(clusters[0]?.cluster.server ?? '').port);
}

async function startNodes(t: TestContext, lab: Lab, kubeconfig: string): Promise<readonly GatehouseNode[]> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-leases-'));
  t.after(async () => {
    for (const path of [folder, ...lab.nodes.flatMap(({ nodeName }) => [`${folder}-run-${nodeName}`, `${folder}-state-${nodeName}`])]) {
      await rm(path, { recursive: true, force: true });
    }
  });
  const file = join(folder, 'kubeconfig');
  await writeFile(file, kubeconfig, { mode: 0o600 });
  return await Promise.all(lab.nodes.map((node) => startGatehouseNode(t, node, { folder, source: ['--kubeconfig', file], args: ['--vip-leases'] })));
}

/** Each of so many may go unanswered: frames are lost where a machine does much else. */
const REQUESTS = 2;

/** Who answers for the VIP, by node; fails when two answer the same request. */
async function owner(lab: Lab): Promise<number | null> {
  let found: number | null = null;
  for (let request = 0; request < REQUESTS; request += 1) {
    const macs = await repliersAtOnce(lab.client, VIP);
    assert.ok(macs.length <= 1, `answered by ${macs.join(' and ')}`);
    found = lab.nodes.find(({ mac }) => mac === macs[0])?.number ?? found;
  }
  return found;
}

/** Asks all the time until the owner is as wanted; gives how long that took, ms. */
async function untilOwner(lab: Lab, what: string, fits: (found: number | null) => boolean): Promise<number> {
  const startedMs = performance.now();
  await until(what, async () => fits(await owner(lab)), 40_000);
  return Math.round(performance.now() - startedMs);
}

test('a VIP with a Lease is answered by its holder alone, through a death and while the API server is away', { skip }, async (t) => {
  const lab = await startLab(t, { nodes: 2 });
  const api = await startApiCluster();
  t.after(() => api.stop());
  await createObjects(api, lab);
  const relay = await startApiRelay(t, portOf(api.kubeconfig()));
  for (const node of lab.nodes) await relay.into(node);
  const nodes = await startNodes(t, lab, api.kubeconfig());

  t.diagnostic(`answered ${await untilOwner(lab, 'somebody answers', (found) => found !== null)} ms after the start`);
  const first = await owner(lab);
  const { spec } = (await api.admin.get(LEASE)) as { readonly spec?: { readonly holderIdentity?: string } };
  assert.match(spec?.holderIdentity ?? '', new RegExp(`^node-${first}_`));

  await api.pause();
  t.diagnostic(`silent ${await untilOwner(lab, 'nobody answers', (found) => found === null)} ms after the API server has gone`);
  assert.equal(await owner(lab), null);
  await api.resume();
  t.diagnostic(`answered ${await untilOwner(lab, 'it is answered again', (found) => found !== null)} ms after its return`);

  const holder = await owner(lab);
  const dying = nodes.find(({ node }) => node.number === holder);
  assert.ok(dying !== undefined);
  for (const part of ['controller', 'proxy', 'announcer'] as const) process.kill(await dying.pid(part), 'SIGSTOP');
  for (const part of ['proxy', 'announcer', 'controller'] as const) await dying.kill(part, 'SIGKILL');
  const tookMs = await untilOwner(lab, 'the other node answers', (found) => found !== null && found !== holder);
  t.diagnostic(`the other node answers ${tookMs} ms after the death of its holder`);
  assert.ok(tookMs > 5_000, 'not before the Lease has run out');
});
