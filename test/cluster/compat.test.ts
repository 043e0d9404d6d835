import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { AdminClient, PlainObject } from '../apiserver/admin.ts';
import { startCluster, type Cluster } from '../support/cluster.ts';
import { startClusterGatehouse, type ClusterGatehouse } from '../support/clusterGatehouse.ts';
import { FOREIGN_OBJECTS, installDefinitions, METALLB_KINDS, OPENELB_KINDS, removeDefinitions, type ForeignKind } from '../support/foreignProducts.ts';
import { until } from '../support/until.ts';

const METALLB_SYSTEM = 'metallb-system';

/** A cluster, and what is started in it. */
interface Setting extends Pick<Cluster, 'admin' | 'requests'> {
  readonly start: (...args: readonly string[]) => Promise<ClusterGatehouse>;
}

/** A cluster of other products' users, before Gatehouse comes. */
async function clusterWith(t: TestContext, kinds: readonly ForeignKind[], objects: readonly PlainObject[] = []): Promise<Setting> {
  const cluster = await startCluster();
  const gatehouses: ClusterGatehouse[] = [];
  t.after(async () => {
    // An API server that stops waits for those that watch.
    await Promise.all(gatehouses.map((gatehouse) => gatehouse.stop()));
    await cluster.stop();
  });
  const { admin, requests } = cluster;
  for (const name of ['shop', 'team', METALLB_SYSTEM]) await admin.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await installDefinitions(admin, kinds);
  for (const object of objects) await admin.create(object);
  const start = async (...args: readonly string[]): Promise<ClusterGatehouse> => {
    const gatehouse = await startClusterGatehouse({ kubeconfig: cluster.kubeconfig(), args: [...args, '--vips', 'off'] });
    gatehouses.push(gatehouse);
    return gatehouse;
  };
  return { admin, requests, start };
}

interface ServiceOptions {
  readonly namespace?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly port?: number;
  /** What it was given by the other product. */
  readonly given?: string;
}

async function createService(admin: AdminClient, name: string, { namespace = 'shop', annotations = {}, port = 80, given }: ServiceOptions = {}): Promise<void> {
  const spec = { type: 'LoadBalancer', ports: [{ name: 'main', port, protocol: 'TCP' }], selector: { app: name } };
  await admin.create({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace, annotations }, spec });
  if (given === undefined) return;
  await admin.patch({ apiVersion: 'v1', kind: 'Service', namespace, name }, { status: { loadBalancer: { ingress: [{ ip: given }] } } }, 'status');
}

async function addressOf(admin: AdminClient, name: string, namespace = 'shop'): Promise<string | null> {
  const service = await admin.get({ apiVersion: 'v1', kind: 'Service', namespace, name });
  const status = service?.['status'] as { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } } | undefined;
  return status?.loadBalancer?.ingress?.[0]?.ip ?? null;
}

async function addressesOf(admin: AdminClient, ...names: readonly string[]): Promise<readonly (string | null)[]> {
  return Promise.all(names.map((name) => addressOf(admin, name)));
}

/** Of a Service that had none: statuses are written several at a time, in no order. */
function newAddressOf(admin: AdminClient, name: string, namespace?: string): Promise<string> {
  return until(`${name} has an address`, () => addressOf(admin, name, namespace));
}

/** Everything of the other products, as it stands. */
async function foreignState(admin: AdminClient, kinds: readonly ForeignKind[]): Promise<string> {
  const lists = await Promise.all(kinds.map(({ group, version, kind }) => admin.list({ apiVersion: `${group}/${version}`, kind })));
  return JSON.stringify(lists);
}

/** Everything that is waiting to be given has been: a Service that came last has its address. */
async function settled(admin: AdminClient, options: ServiceOptions = {}): Promise<string> {
  await createService(admin, 'last', options);
  return until('the last Service has an address', () => addressOf(admin, 'last'));
}

test('a cluster of MetalLB keeps every address, gives by the same rules, and nothing of MetalLB is written', async (t) => {
  const { admin, start } = await clusterWith(t, METALLB_KINDS, FOREIGN_OBJECTS.metallb);
  await createService(admin, 'plain', { given: '192.0.2.5' });
  await createService(admin, 'asks', { given: '192.0.2.9', annotations: { 'metallb.io/loadBalancerIPs': '192.0.2.9' } });
  await createService(admin, 'by-hand', { given: '198.51.100.3', annotations: { 'metallb.io/address-pool': 'by-hand' } });
  await createService(admin, 'web', { given: '192.0.2.7', annotations: { 'metallb.universe.tf/allow-shared-ip': 'one' } });
  await createService(admin, 'dns', { given: '192.0.2.7', port: 53, annotations: { 'metallb.universe.tf/allow-shared-ip': 'one' } });
  await createService(admin, 'of-team', { namespace: 'team' });
  const before = await foreignState(admin, METALLB_KINDS);
  const gatehouse = await start('--compat', 'metallb');
  await createService(admin, 'new-by-hand', { annotations: { 'metallb.io/address-pool': 'by-hand' } });
  await createService(admin, 'shares', { port: 443, annotations: { 'metallb.io/allow-shared-ip': 'one', 'metallb.io/loadBalancerIPs': '192.0.2.7' } });
  assert.equal(await settled(admin), '192.0.2.1');
  assert.deepEqual(await addressesOf(admin, 'plain', 'asks', 'by-hand', 'web', 'dns'), ['192.0.2.5', '192.0.2.9', '198.51.100.3', '192.0.2.7', '192.0.2.7']);
  assert.deepEqual([await newAddressOf(admin, 'new-by-hand'), await newAddressOf(admin, 'shares')], ['198.51.100.1', '192.0.2.7']);
  assert.equal(await newAddressOf(admin, 'of-team', 'team'), '203.0.113.1');
  // Else kube-proxy, which carries what MetalLB's speakers announce, would let go of it.
  assert.ok(!JSON.stringify(await admin.list({ apiVersion: 'v1', kind: 'Service' })).includes('"ipMode":"Proxy"'));
  const { problems } = await gatehouse.status();
  assert.deepEqual(problems.filter(({ severity }) => severity === 'error'), []);
  assert.equal(await gatehouse.stop(), 0);
  assert.equal(await foreignState(admin, METALLB_KINDS), before);
});

test('a cluster of OpenELB keeps every address, gives by the same rules, and nothing of OpenELB is written', async (t) => {
  const { admin, start } = await clusterWith(t, OPENELB_KINDS, FOREIGN_OBJECTS.openelb);
  const optIn = { 'lb.kubesphere.io/v1alpha1': 'openelb' };
  await createService(admin, 'plain', { given: '192.0.2.5', annotations: optIn });
  await createService(admin, 'asks', { given: '198.51.100.9', annotations: { ...optIn, 'eip.openelb.kubesphere.io/v1alpha1': '198.51.100.9' } });
  await createService(admin, 'named', { given: '198.51.100.7', annotations: { ...optIn, 'eip.openelb.kubesphere.io/v1alpha2': 'office' } });
  await createService(admin, 'of-team', { namespace: 'team', annotations: optIn });
  await createService(admin, 'not-ours', { given: '192.0.2.200' });
  const before = await foreignState(admin, OPENELB_KINDS);
  const gatehouse = await start('--compat', 'openelb');
  await createService(admin, 'new-named', { annotations: { ...optIn, 'eip.openelb.kubesphere.io/v1alpha2': 'office' } });
  assert.equal(await settled(admin, { annotations: optIn }), '192.0.2.1');
  assert.deepEqual(await addressesOf(admin, 'plain', 'asks', 'named'), ['192.0.2.5', '198.51.100.9', '198.51.100.7']);
  assert.deepEqual([await newAddressOf(admin, 'new-named'), await newAddressOf(admin, 'of-team', 'team')], ['198.51.100.1', '203.0.113.1']);
  assert.equal(await addressOf(admin, 'not-ours'), '192.0.2.200');
  const { problems } = await gatehouse.status();
  assert.deepEqual(problems.filter(({ severity }) => severity === 'error'), []);
  assert.equal(await gatehouse.stop(), 0);
  assert.equal(await foreignState(admin, OPENELB_KINDS), before);
});

test('the ConfigMap of the old MetalLB is followed', async (t) => {
  const { admin, start } = await clusterWith(t, []);
  const config = (addresses: string): string => `address-pools:\n- name: default\n  protocol: layer2\n  addresses: [${addresses}]\n`;
  const place = { apiVersion: 'v1', kind: 'ConfigMap', namespace: METALLB_SYSTEM, name: 'config' };
  await createService(admin, 'plain', { given: '192.0.2.5' });
  await admin.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'config', namespace: METALLB_SYSTEM }, data: { config: config('192.0.2.5/32') } });
  const gatehouse = await start('--compat', 'metallb');
  await createService(admin, 'waits');
  await until('a Service waits for an address', async () => (await gatehouse.status()).problems.some(({ object }) => object?.name === 'waits'));
  const changed = { data: { config: config('192.0.2.5/32, 198.51.100.0/30') } };
  await admin.patch(place, changed);
  assert.equal(await until('it has one', () => addressOf(admin, 'waits')), '198.51.100.0');
  assert.equal(await addressOf(admin, 'plain'), '192.0.2.5');
  assert.deepEqual(((await admin.get(place)) as { readonly data?: unknown } | null)?.data, changed.data);
});

test('CRDs that are installed while Gatehouse runs are picked up, and pools that go with their CRD give no more', async (t) => {
  const { admin, start } = await clusterWith(t, []);
  const gatehouse = await start('--compat', 'metallb,openelb');
  assert.doesNotMatch(JSON.stringify((await gatehouse.status()).problems), /metallb|kubesphere/);
  const notes = gatehouse.log.filter(({ message }) => String(message).includes('not installed'));
  assert.deepEqual(new Set(notes.map(({ level }) => level)), new Set(['info']));
  assert.equal(notes.length, METALLB_KINDS.length + OPENELB_KINDS.length);
  await createService(admin, 'plain');
  await installDefinitions(admin, METALLB_KINDS);
  for (const object of FOREIGN_OBJECTS.metallb) await admin.create(object);
  assert.equal(await until('the Service has an address of the new pool', () => addressOf(admin, 'plain')), '192.0.2.1');
  await removeDefinitions(admin, METALLB_KINDS);
  await createService(admin, 'late');
  const refused = async (): Promise<boolean> =>
    (await gatehouse.status()).problems.some(({ object, rule }) => object?.name === 'late' && rule.startsWith('needs an IPAddressPool'));
  await until('the pools are gone', refused);
  assert.deepEqual((await gatehouse.status()).problems.filter(({ severity }) => severity === 'error'), []);
});

/** The pools of the other products, as one writes them anew for Gatehouse. */
const COPIES: Readonly<Record<'metallb' | 'openelb', readonly PlainObject[]>> = {
  metallb: FOREIGN_OBJECTS.metallb.filter(({ kind }) => kind === 'IPAddressPool').map((object) => ({ ...object, apiVersion: 'gatehouse.dev/v1' })),
  openelb: [
    ownPool('default-eip', { addresses: ['192.0.2.1-192.0.2.15'], isDefault: true }),
    ownPool('office', { addresses: ['198.51.100.1-198.51.100.99'], autoAssign: false }),
    ownPool('team', { addresses: ['203.0.113.1-203.0.113.99'], serviceAllocation: { priority: 1, namespaces: ['team'] } }),
  ],
};

function ownPool(name: string, spec: object): PlainObject {
  return { apiVersion: 'gatehouse.dev/v1', kind: 'IPAddressPool', metadata: { name, namespace: 'gatehouse-system' }, spec };
}

for (const [product, kinds] of [['metallb', METALLB_KINDS], ['openelb', OPENELB_KINDS]] as const) {
  test(`who writes the pools of ${product} anew and then takes it out changes no address`, async (t) => {
    const { admin, start } = await clusterWith(t, kinds, FOREIGN_OBJECTS[product]);
    const annotations = { 'lb.kubesphere.io/v1alpha1': 'openelb' };
    await createService(admin, 'plain', { given: '192.0.2.5', annotations });
    await createService(admin, 'asks', { given: '198.51.100.9', annotations: { ...annotations, 'gatehouse.dev/address-pool': product === 'metallb' ? 'by-hand' : 'office' } });
    const gatehouse = await start('--compat', product);
    assert.equal(await settled(admin, { annotations }), '192.0.2.1');
    const seen = watchAddresses(t, admin);
    for (const copy of COPIES[product]) await admin.create(copy);
    const twice = async (): Promise<number> => (await gatehouse.status()).problems.filter(({ object, severity }) => severity === 'error' && object?.kind === 'IPAddressPool').length;
    await until('the copies are seen', async () => (await twice()) >= COPIES[product].length);
    await removeDefinitions(admin, kinds);
    await until('the originals are gone', async () => (await twice()) === 0);
    await createService(admin, 'later', { annotations });
    assert.equal(await until('a Service that comes later has an address', () => addressOf(admin, 'later')), '192.0.2.2');
    assert.deepEqual(await seen(), ['192.0.2.5 198.51.100.9 192.0.2.1']);
  });
}

/** All that the statuses of the Services said in the meantime, each state once. */
function watchAddresses(t: TestContext, admin: AdminClient): () => Promise<readonly string[]> {
  const states = new Set<string>();
  const look = async (): Promise<void> => void states.add((await addressesOf(admin, 'plain', 'asks', 'last')).join(' '));
  const timer = setInterval(() => void look(), 10);
  t.after(() => clearInterval(timer));
  return async () => {
    clearInterval(timer);
    await look();
    return [...states];
  };
}

test('without --compat objects of others are not even asked for', async (t) => {
  const objects = [...FOREIGN_OBJECTS.metallb, ...FOREIGN_OBJECTS.openelb];
  const { admin, requests, start } = await clusterWith(t, [...METALLB_KINDS, ...OPENELB_KINDS], objects);
  if (requests === null) return t.skip('a real API server does not tell what it was asked');
  await admin.create({ apiVersion: 'gatehouse.dev/v1', kind: 'IPAddressPool', metadata: { name: 'ours', namespace: METALLB_SYSTEM }, spec: { addresses: ['10.9.0.0/24'] } });
  await start();
  assert.match(await settled(admin), /^10\.9\.0\./);
  const asked = requests.filter(({ user, group, name, path }) => user !== '' && (/metallb|kubesphere/.test(group) || name === 'config' || path.includes('metallb')));
  assert.deepEqual(asked.filter(({ path }) => !path.includes('gatehouse.dev')).map(({ path }) => path), []);
});
