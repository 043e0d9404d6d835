import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parse } from 'yaml';
import { DEFAULT_NAMES, type Installation } from '../../controller/cluster/permissions.ts';
import { vipStatusName } from '../../controller/writers/vipStatus.ts';
import type { PlainObject } from '../apiserver/admin.ts';
import { BGP_POOL, bgpPool, bgpPrefix, bgpService } from '../bgp/lab/bgpObjects.ts';
import type { Neighbor, RouterPeer } from '../bgp/lab/router.ts';
import { addRouterHost, type RouterHost } from '../bgp/lab/routerHost.ts';
import { PROGRAMS, startRouter } from '../bgp/lab/startRouter.ts';
import { missingForRendering } from '../helm/renderChart.ts';
import { startApiRelay } from '../netns/apiRelay.ts';
import { startGatehouseNode, type GatehouseNode } from '../netns/gatehouseNode.ts';
import { lacksLab, startLab, type Lab } from '../netns/lab.ts';
import { nodeObjects, poolOf, serviceObjects, vipOf, type LabService } from '../netns/labObjects.ts';
import { askedBeyond, attributesOf } from '../support/askedRights.ts';
import { OWN_NAMESPACE, startCluster, type Cluster } from '../support/cluster.ts';
import { apply } from '../support/clusterObjects.ts';
import { installDefinitions, METALLB_KINDS } from '../support/foreignProducts.ts';
import { installChart, type InstalledChart } from '../support/installChart.ts';
import { lacksWhen } from '../support/requirement.ts';
import { until } from '../support/until.ts';

const missing = missingForRendering();
const lab = lacksLab(...PROGRAMS.bird);
const skip = lab === false ? lacksWhen(missing !== null, missing ?? '') : lab;

const METALLB_SYSTEM = 'metallb-system';
const NODE = 'node-1';
const ASN = { own: 64_512, router: 64_513 } as const;
const PASSWORDS = { first: 'copper-lantern', second: 'willow-anchor', metallb: 'granite-harbour' } as const;
const ROUTED: LabService = { name: 'routed', vip: 1 };
const LEASED: LabService = { name: 'leased', vip: 200 };
const PEERS = [
  { apiVersion: 'gatehouse.dev/v1', kind: 'BGPPeer', namespace: OWN_NAMESPACE, name: 'tor' },
  { apiVersion: 'metallb.io/v1beta2', kind: 'BGPPeer', namespace: METALLB_SYSTEM, name: 'spine' },
] as const;

function passwordSecret(namespace: string, name: string, text: string): PlainObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type: 'kubernetes.io/basic-auth', data: { password: Buffer.from(text).toString('base64') } };
}

/** The host of each peer's router, in the order of PEERS. */
type Hosts = readonly [RouterHost, RouterHost];

async function createObjects(cluster: Cluster, made: Lab, [tor, spine]: Hosts): Promise<void> {
  const times = { holdTime: '9s', connectTime: '1s' };
  const common = { myASN: ASN.own, peerASN: ASN.router, ...times };
  const nodes = nodeObjects(made);
  await apply(cluster, [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: METALLB_SYSTEM } }]);
  await apply(cluster, [
    ...nodes, ...poolOf({ ownership: 'lease' }), bgpPool(), ...serviceObjects(made, LEASED), ...bgpService(made, ROUTED),
    passwordSecret(OWN_NAMESPACE, 'tor', PASSWORDS.first), passwordSecret(METALLB_SYSTEM, 'spine', PASSWORDS.metallb),
    { apiVersion: 'gatehouse.dev/v1', kind: 'BGPAdvertisement', metadata: { name: 'all', namespace: OWN_NAMESPACE }, spec: { ipAddressPools: [BGP_POOL] } },
    { ...metadataOf(PEERS[0]), spec: { ...common, peerAddress: tor.namespace.addresses.ipv4, dualStackAddressFamily: true, passwordSecret: { name: 'tor' } } },
    { ...metadataOf(PEERS[1]), spec: { ...common, peerAddress: spine.namespace.addresses.ipv6, passwordSecret: { name: 'spine' } } },
  ] as PlainObject[]);
  for (const node of nodes) {
    await cluster.admin.patch({ apiVersion: 'v1', kind: 'Node', name: node.metadata?.name ?? '' }, { status: 'status' in node ? node.status : {} }, 'status');
  }
}

function metadataOf({ apiVersion, kind, ...metadata }: (typeof PEERS)[number]): PlainObject {
  return { apiVersion, kind, metadata };
}

/** A BIRD with one session, named after its BGPPeer. */
function startPeer(t: TestContext, made: Lab, host: RouterHost, neighbor: Pick<Neighbor, 'name' | 'families' | 'password'>): Promise<RouterPeer> {
  const family = neighbor.name === 'tor' ? 'ipv4' : 'ipv6';
  const [own, node] = [host.namespace.addresses, made.node(1).addresses];
  const ends = { local: own[family], remote: node[family], remoteAsn: ASN.own };
  return startRouter(t, 'bird', host, { asn: ASN.router, routerId: own.ipv4, neighbors: [{ ...neighbor, ...ends }] });
}

/** Gatehouse on the node of a lab, as the ServiceAccount of the chart. */
async function startNode(t: TestContext, made: Lab, cluster: Cluster, chart: InstalledChart): Promise<GatehouseNode> {
  const kubeconfig = cluster.kubeconfig(chart.user);
  const { clusters } = parse(kubeconfig) as { readonly clusters: readonly { readonly cluster: { readonly server: string } }[] };
  const relay = await startApiRelay(t, Number(new URL(clusters[0]?.cluster.server ?? '').port));
  const node = made.node(1);
  await relay.into(node);
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-announcing-'));
  t.after(async () => {
    for (const path of [folder, `${folder}-run-${node.nodeName}`, `${folder}-state-${node.nodeName}`]) await rm(path, { recursive: true, force: true });
  });
  const file = join(folder, 'kubeconfig');
  await writeFile(file, kubeconfig, { mode: 0o600 });
  return startGatehouseNode(t, node, { folder, source: ['--kubeconfig', file], args: chart.args.filter((arg) => !arg.startsWith('--vips')) });
}

/** `TYPE REASON MESSAGE` of the Events about a BGPPeer. */
async function eventsOf({ admin }: Cluster, { apiVersion, namespace, name }: (typeof PEERS)[number]): Promise<readonly string[]> {
  const events = await admin.list({ apiVersion: 'v1', kind: 'Event', namespace });
  return events.flatMap(({ type, reason, message, ...event }) => {
    const about = event['involvedObject'] as { readonly apiVersion: string; readonly name: string };
    return about.apiVersion === apiVersion && about.name === name ? [`${String(type)} ${String(reason)} ${String(message)}`] : [];
  });
}

async function peersTold({ admin }: Cluster): Promise<string> {
  const object = await admin.get({ apiVersion: 'gatehouse.dev/v1', kind: 'ServiceVIPStatus', namespace: 'default', name: vipStatusName(ROUTED.name, NODE) });
  return String((object?.['status'] as { readonly peers?: readonly string[] } | undefined)?.peers);
}

async function established(router: RouterPeer, name: string): Promise<string> {
  return until(`the session of ${name}`, async () => {
    const { up, incarnation } = await router.session(name);
    return up && incarnation;
  });
}

test('passwords of BGP sessions are Secrets read by name, sessions are Events and in ServiceVIPStatus, VIPs have Leases; RBAC allows all of it', { skip }, async (t) => {
  const made = await startLab(t, { nodes: 1 });
  const cluster = await startCluster({ rbac: true });
  t.after(() => cluster.stop());
  await installDefinitions(cluster.admin, METALLB_KINDS);
  const chart = await installChart(cluster, { webhook: { enabled: false }, compat: { metallb: true }, announcer: { leases: true } });
  const hosts: Hosts = [await addRouterHost(t, made, 1), await addRouterHost(t, made, 2)];
  await createObjects(cluster, made, hosts);
  const startTor = (password: string) => startPeer(t, made, hosts[0], { name: 'tor', families: ['ipv4', 'ipv6'], password });
  const [torRouter, spineRouter] = [await startTor(PASSWORDS.first), await startPeer(t, made, hosts[1], { name: 'spine', families: ['ipv6'], password: PASSWORDS.metallb })];
  const gatehouse = await startNode(t, made, cluster, chart);
  const [tor, spine] = PEERS;

  await Promise.all([established(torRouter, tor.name), established(spineRouter, spine.name)]);
  await until('its routes are there', async () => (await torRouter.routes(tor.name)).map(({ prefix }) => prefix).includes(bgpPrefix(ROUTED.vip).ipv4));
  await until('the ServiceVIPStatus names both peers', async () => (await peersTold(cluster)) === 'spine,tor');
  assert.deepEqual([...(await eventsOf(cluster, tor)), ...(await eventsOf(cluster, spine))], [], 'a start is no news');
  const before = await established(spineRouter, spine.name);

  await cluster.admin.patch({ apiVersion: 'v1', kind: 'Secret', namespace: OWN_NAMESPACE, name: 'tor' }, { data: { password: Buffer.from(PASSWORDS.second).toString('base64') } });
  const [down] = await until('the session is told to be down', async () => {
    const events = await eventsOf(cluster, tor);
    return events.length > 0 && events;
  });
  assert.match(down ?? '', /^Warning SessionDown node "node-1": the session with 10\.77\.0\.31 is down: \S/);
  await until('the ServiceVIPStatus names the other alone', async () => (await peersTold(cluster)) === 'spine');
  assert.equal((await torRouter.session(tor.name)).up, false, 'the router does not know the new password yet');
  await torRouter.stop();
  await established(await startTor(PASSWORDS.second), tor.name);
  await until('the ServiceVIPStatus names both again', async () => (await peersTold(cluster)) === 'spine,tor');
  await until('that is told too', async () => (await eventsOf(cluster, tor)).includes('Normal SessionEstablished node "node-1": the session with 10.77.0.31 is established'));
  assert.equal(await established(spineRouter, spine.name), before, 'the other session went on');
  assert.deepEqual(await eventsOf(cluster, spine), []);

  const leasePlace = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: OWN_NAMESPACE, name: `gatehouse-vip-${vipOf(LEASED).ipv4.replaceAll('.', '-')}` };
  await until('the node holds the Lease of its VIP', async () => {
    const lease = (await cluster.admin.get(leasePlace)) as { readonly spec?: { readonly holderIdentity?: string } } | null;
    return lease?.spec?.holderIdentity?.startsWith(`${NODE}_`);
  });
  for (const text of Object.values(PASSWORDS)) assert.ok(!JSON.stringify(gatehouse.log).includes(text), 'a password was logged');
  if (cluster.requests === null) return;
  const asked = cluster.requests.filter(({ user }) => user === chart.user);
  const features = ['core', 'status', 'election', 'vipLeases', 'secretsNamed', 'compatMetallb'] as const;
  const installation: Installation = { features, namespace: OWN_NAMESPACE, names: DEFAULT_NAMES };
  assert.deepEqual(askedBeyond(asked, installation), []);
  const attributes = asked.map((request) => attributesOf(request));
  const secrets = new Set(attributes.filter(({ resource }) => resource === 'secrets').map(({ verb, namespace, name }) => `${verb} ${namespace}/${name}`));
  assert.deepEqual([...secrets].toSorted(), [
    `get ${OWN_NAMESPACE}/tor`, `get ${METALLB_SYSTEM}/spine`, `watch ${OWN_NAMESPACE}/tor`, `watch ${METALLB_SYSTEM}/spine`,
  ].toSorted());
  const leases = new Set(attributes.filter(({ resource, name }) => resource === 'leases' && name !== DEFAULT_NAMES.lease).map(({ verb }) => verb));
  assert.deepEqual([...leases].toSorted(), ['create', 'get', 'update']);
});
