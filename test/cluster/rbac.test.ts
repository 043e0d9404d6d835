import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { freePort } from '../../bench/child.ts';
import { DEFAULT_NAMES, type Feature, type Installation } from '../../controller/cluster/permissions.ts';
import { foreignKinds } from '../../controller/sources/cluster/foreignKinds.ts';
import { vipStatusName } from '../../controller/writers/vipStatus.ts';
import type { PlainObject } from '../apiserver/admin.ts';
import { at, records } from '../apiserver/json.ts';
import { isRealGiven } from '../apiserver/controlPlane.ts';
import type { LoggedRequest } from '../apiserver/http/apiHandler.ts';
import { missingForRendering, type KubeManifest } from '../helm/renderChart.ts';
import { askedBeyond, idleRights } from '../support/askedRights.ts';
import { OWN_NAMESPACE, startCluster, type Cluster } from '../support/cluster.ts';
import { startClusterGatehouse, type ClusterGatehouse, type ClusterStartOptions } from '../support/clusterGatehouse.ts';
import { makeLeaf } from '../support/certificates.ts';
import { installChart } from '../support/installChart.ts';
import { loadBalancer, testRange } from '../support/loadBalancer.ts';
import { ingress, nginx, service, tlsSecret } from '../support/manifests.ts';
import { lacksWhen } from '../support/requirement.ts';
import { until } from '../support/until.ts';

const missing = missingForRendering();
const skip = lacksWhen(missing !== null, missing ?? '');

const NODE = 'one';
const GATEHOUSE = 'gatehouse.dev/v1';
const CLASS = { ingressClassName: 'gatehouse' };
/** Nobody calls the webhook about what the tests make: whether it may do what it does is the question here. */
const UNCALLED = { excludedNamespaces: ['default', OWN_NAMESPACE] };
/** The machine's own network is left alone; what announcing needs is asked for in announcing.test.ts. */
const COMMON = { publish: { addresses: ['192.0.2.9'] }, settings: { 'proxy-body-size': '8m' }, loadBalancer: { vips: 'bind' } };

/** One way to run, and the parts of the list that it has. */
interface Exercise {
  readonly values: Readonly<Record<string, unknown>>;
  readonly features: readonly Feature[];
  readonly args?: readonly string[];
}

const EXERCISES: ReadonlyMap<string, Exercise> = new Map<string, Exercise>([
  ['the defaults', { values: { webhook: UNCALLED }, args: ['--webhook', '127.0.0.1:0'], features: ['core', 'status', 'election', 'webhook', 'secretsNamed'] }],
  ['Secrets read but not watched, no webhook', {
    values: { webhook: { enabled: false }, secrets: { read: 'polled' } }, features: ['core', 'status', 'election', 'secretsPolled'],
  }],
  ['all Secrets, and the objects of MetalLB and OpenELB', {
    values: { webhook: { enabled: false }, secrets: { read: 'all' }, compat: { metallb: true, openelb: true } },
    features: ['core', 'status', 'election', 'secretsAll', 'compatMetallb', 'compatOpenelb'],
  }],
  ['nothing written', { values: { webhook: { enabled: false }, updateStatus: false }, features: ['core', 'election', 'secretsNamed'] }],
]);

suite('as the ServiceAccount of the chart', { skip, timeout: 300_000, concurrency: !isRealGiven() }, () => {
  for (const [title, { values, features, args = [] }] of EXERCISES) {
    test(`${title}: nothing is refused, nothing is asked beyond the list, and nothing on the list is idle`, async (t) => {
      const cluster = await start(t);
      await makeObjects(cluster);
      if (features.includes('compatMetallb')) await defineForeignKinds(cluster);
      const chart = await installChart(cluster, { ...COMMON, ...values });
      makeConflicts(cluster);
      const gatehouse = await startAs(t, { kubeconfig: cluster.kubeconfig(chart.user), args: [...chart.args, ...args] });
      const installation: Installation = { features, namespace: OWN_NAMESPACE, names: DEFAULT_NAMES };
      if (features.includes('status')) await everythingWritten(cluster, gatehouse);
      if (features.includes('webhook')) await webhookTrusted(cluster);
      await until('the certificate is known', async () => !(await problemsOf(gatehouse)).some((text) => text.includes('secretName')));
      const asked = (): readonly LoggedRequest[] => (cluster.requests ?? []).filter(({ user }) => user === chart.user);
      if (cluster.requests !== null) {
        await until('every right is used', () => idleRights(asked(), installation).length === 0, 10_000).catch(() => null);
        assert.deepEqual(idleRights(asked(), installation), []);
        assert.deepEqual(askedBeyond(asked(), installation), []);
      }
      assert.deepEqual(gatehouse.log.map((line) => JSON.stringify(line)).filter((line) => /forbidden|must be allowed/i.test(line)), []);
      if (!features.includes('status')) await nothingWritten(cluster);
    });
  }
});

suite('without one of the rights', { skip, timeout: 300_000, concurrency: !isRealGiven() }, () => {
  const log = (gatehouse: ClusterGatehouse): string => gatehouse.log.map((line) => JSON.stringify(line)).join('\n');

  test('to a Secret: its Ingress has a problem that says so, and is served', async (t) => {
    const { cluster, gatehouse } = await startWithout(t, (rule) => rule.resources.includes('secrets'));
    const rule = /must be allowed to get and watch secrets in namespace default: .*cannot get resource .{1,2}secrets/;
    await until('the problem is known', async () => (await problemsOf(gatehouse)).some((text) => rule.test(text)));
    await until('it goes on', async () => addressOf(await cluster.admin.get({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'shop' })) === '192.0.2.9');
  });

  test('to the status of Services: the log says so, and everything else is written', async (t) => {
    const { cluster, gatehouse } = await startWithout(t, (rule) => rule.resources.includes('services/status'));
    await until('the log says so', () => /cannot patch resource .{1,4}services\/status/.test(log(gatehouse)));
    await until('it goes on', async () => addressOf(await cluster.admin.get({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'shop' })) === '192.0.2.9');
    const services = (await gatehouse.status()).services.map(({ name, addresses }) => `${name} ${addresses.length}`);
    assert.deepEqual(services, ['lb 1'], 'the address is served, though nobody is told of it');
  });

  test('to what everything depends on: it waits, says for what, and starts once it has it', async (t) => {
    const { cluster, gatehouse, role } = await startWithout(t, (rule) => rule.resources.includes('endpointslices'), { waits: false });
    await until('the log says so', () => /endpointslices\.discovery\.k8s\.io is forbidden: .*cannot list resource/.test(log(gatehouse)));
    const { apiVersion, kind, metadata } = role;
    await cluster.admin.patch({ apiVersion, kind, name: metadata.name }, { rules: role['rules'] });
    await gatehouse.ready;
  });
});

async function start(t: TestContext): Promise<Cluster> {
  const cluster = await startCluster({ rbac: true });
  t.after(() => cluster.stop());
  return cluster;
}

async function startAs(t: TestContext, options: ClusterStartOptions): Promise<ClusterGatehouse> {
  const gatehouse = await startClusterGatehouse({ nodeName: NODE, ...options });
  t.after(() => gatehouse.stop());
  return gatehouse;
}

interface Rule {
  readonly resources: readonly string[];
}

/** A Gatehouse whose ClusterRole lacks the rules that `isLeftOut` names; `role` is the whole one. */
async function startWithout(
  t: TestContext,
  isLeftOut: (rule: Rule) => boolean,
  options: Pick<ClusterStartOptions, 'waits'> = {},
): Promise<{ readonly cluster: Cluster; readonly gatehouse: ClusterGatehouse; readonly role: KubeManifest }> {
  const cluster = await start(t);
  await makeObjects(cluster);
  const chart = await installChart(cluster, { ...COMMON, webhook: { enabled: false } }, (object) =>
    object.kind === 'ClusterRole' ? { ...object, rules: (object['rules'] as readonly Rule[]).filter((rule) => !isLeftOut(rule)) } : object,
  );
  const gatehouse = await startAs(t, { kubeconfig: cluster.kubeconfig(chart.user), args: chart.args, ...options });
  const role = chart.objects.find(({ kind }) => kind === 'ClusterRole') ?? assert.fail('no ClusterRole');
  return { cluster, gatehouse, role };
}

/** One of everything that Gatehouse reads, good, but for one Ingress. */
async function makeObjects({ admin }: Cluster): Promise<void> {
  const backend = { address: '192.0.2.80', port: 8080 };
  const leaf = makeLeaf(null, 'shop.example');
  const own = (kind: string, name: string, spec: object): PlainObject => ({ apiVersion: GATEHOUSE, kind, metadata: { name, namespace: OWN_NAMESPACE }, spec });
  const objects: readonly object[] = [
    { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } },
    own('IPAddressPool', 'test', testRange().pool.spec),
    own('L2Advertisement', 'test', {}),
    own('BGPAdvertisement', 'test', { peers: ['router'] }),
    own('BFDProfile', 'quick', {}),
    own('BGPPeer', 'router', { myASN: 64_512, peerASN: 64_513, peerAddress: '192.0.2.1', bfdProfile: 'quick' }),
    own('Community', 'names', { communities: [{ name: 'far', value: '64512:7' }] }),
    tlsSecret('shop', { certificate: leaf.certificatePem, key: leaf.privateKeyPem }),
    ...service('web', [backend]),
    ...loadBalancer('lb', [{ port: await freePort(), backends: [backend] }]),
    // Left over from an earlier Service of the name.
    { apiVersion: GATEHOUSE, kind: 'ServiceVIPStatus', metadata: { name: vipStatusName('lb', NODE), namespace: 'default' } },
    ingress('shop', 'shop.example', [{ path: '/', service: 'web' }], { spec: { ...CLASS, tls: [{ hosts: ['shop.example'], secretName: 'shop' }] } }),
    ingress('faulty', 'faulty.example', [{ path: '/', service: 'web' }], { annotations: FAULT, spec: CLASS }),
  ];
  for (const object of objects) await admin.create(object as PlainObject);
}

const FAULT = nginx({ 'proxy-connect-timeout': 'soon' });

/** What `--compat` reads has CRDs as open as can be. */
async function defineForeignKinds({ admin }: Cluster): Promise<void> {
  const resources = foreignKinds(['metallb', 'openelb']).map(({ resource }) => resource).filter(({ group }) => group !== '');
  for (const { group, version, plural, namespaced } of resources) {
    const kind = `X${plural}`;
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    await admin.create({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${group}`, annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' } },
      spec: {
        group,
        scope: namespaced ? 'Namespaced' : 'Cluster',
        names: { kind, listKind: `${kind}List`, plural, singular: `x${plural}` },
        versions: [{ name: version, served: true, storage: true, schema }],
      },
    });
  }
}

/** The first write of each status meets another's, so that it has to be read again. */
function makeConflicts({ faults }: Cluster): void {
  const met = new Set<string>();
  faults?.failFraction(1, {
    status: 409,
    match: ({ verb, path, resource }) => {
      if (verb !== 'patch' || !path.split('?')[0]?.endsWith('/status') || met.has(resource)) return false;
      met.add(resource);
      return true;
    },
  });
}

async function everythingWritten({ admin }: Cluster, gatehouse: ClusterGatehouse): Promise<void> {
  const faulty = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'faulty' };
  const annotate = (value: string | null): Promise<unknown> => admin.patch(faulty, { metadata: { annotations: Object.fromEntries(Object.keys(FAULT).map((name) => [name, value])) } });
  await until('the Service has its address', async () => addressOf(await admin.get({ apiVersion: 'v1', kind: 'Service', name: 'lb' })) !== null);
  await until('the Ingress has its address', async () => addressOf(await admin.get({ ...faulty, name: 'shop' })) === '192.0.2.9');
  for (const kind of ['IPAddressPool', 'L2Advertisement', 'BGPPeer', 'BGPAdvertisement', 'BFDProfile', 'Community']) {
    await until(`${kind} has a condition`, async () => (await admin.list({ apiVersion: GATEHOUSE, kind })).some((object) => Reflect.has((object['status'] ?? {}) as object, 'conditions')));
  }
  const vipStatus = { apiVersion: GATEHOUSE, kind: 'ServiceVIPStatus', name: vipStatusName('lb', NODE) };
  await until('the node says what it carries', async () => ((await admin.get(vipStatus))?.['status'] as { readonly node?: string } | undefined)?.node === NODE);
  const counts = async (): Promise<readonly unknown[]> => (await admin.list({ apiVersion: 'v1', kind: 'Event' })).filter(({ reason }) => reason === 'InvalidAnnotation').map(({ count }) => count);
  await until('the Event is written', async () => (await counts()).includes(1));
  await annotate(null);
  await until('the fault is gone', async () => !(await problemsOf(gatehouse)).some((text) => text.includes('proxy-connect-timeout')));
  await annotate('soon');
  await until('the Event is counted up', async () => (await counts()).includes(2));
}

async function webhookTrusted({ admin }: Cluster): Promise<void> {
  const place = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', name: 'gatehouse' };
  await until('the API server is told whom to trust', async () =>
    records((await admin.get(place))?.['webhooks']).every((webhook) => at(webhook, 'clientConfig', 'caBundle') !== undefined));
}

async function nothingWritten({ admin }: Cluster): Promise<void> {
  for (const [apiVersion, kind] of [['v1', 'Service'], ['networking.k8s.io/v1', 'Ingress'], [GATEHOUSE, 'IPAddressPool'], [GATEHOUSE, 'ServiceVIPStatus']] as const) {
    const managers = (await admin.list({ apiVersion, kind })).flatMap(({ metadata }) => metadata.managedFields ?? []);
    assert.ok(!managers.some((entry) => entry['manager'] === 'gatehouse'), kind);
  }
  assert.deepEqual(await admin.list({ apiVersion: 'v1', kind: 'Event' }), []);
}

/** `object: field: rule` of each problem. */
async function problemsOf(gatehouse: ClusterGatehouse): Promise<readonly string[]> {
  const { problems } = await gatehouse.status();
  return problems.map(({ object, field, rule }) => `${object?.name}: ${field}: ${rule}`);
}

/** The first address of a status. */
function addressOf(object: object | null): string | null {
  const { status } = (object ?? {}) as { readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } } };
  return status?.loadBalancer?.ingress?.[0]?.ip ?? null;
}
