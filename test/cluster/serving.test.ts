import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { connect } from 'node:tls';
import type { PlainObject } from '../apiserver/admin.ts';
import { makeAuthority, makeLeaf, type Issued } from '../support/certificates.ts';
import { startCluster, type Cluster } from '../support/cluster.ts';
import { LACKS_OWN_ADDRESS, startClusterBackend } from '../support/clusterBackends.ts';
import { addressesOf, apply, ingressPlace, prepareNamespace, servicePlace } from '../support/clusterObjects.ts';
import { balancerIn, poolIn, serveNamespace, sliceIn, tlsSecretIn, type ServedNamespace } from '../support/clusterServing.ts';
import { ingress, service } from '../support/manifests.ts';
import { send } from '../support/send.ts';
import { until } from '../support/until.ts';

const authority = makeAuthority();

/** An Ingress of class nginx for a host, and whatever else it says. */
function web(namespace: string, name: string, { service: to = 'web', ...spec }: { readonly service?: string; readonly secret?: string } = {}): ReturnType<typeof ingress> {
  const host = `${name}.test`;
  const tls = spec.secret === undefined ? {} : { tls: [{ hosts: [host], secretName: spec.secret }] };
  return ingress(name, host, [{ path: '/', service: to }], { namespace, spec: { ingressClassName: 'nginx', ...tls } });
}

async function statusOf({ gatehouse }: ServedNamespace, name: string): Promise<number> {
  return (await send({ port: gatehouse.http, host: `${name}.test` })).status;
}

function awaitHttpStatus(served: ServedNamespace, name: string, status: number): Promise<boolean> {
  return until(`${name}.test answers ${status}`, async () => (await statusOf(served, name)) === status);
}

/** The certificate that a TLS client is shown. */
async function certificateFor({ gatehouse }: ServedNamespace, host: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: gatehouse.https, servername: host, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

function awaitCertificate(served: ServedNamespace, host: string, { certificatePem }: Issued): Promise<boolean> {
  const { fingerprint256 } = new X509Certificate(certificatePem);
  return until(`${host} has its certificate`, async () => (await certificateFor(served, host)) === fingerprint256);
}

describe('Ingresses of a cluster', { concurrency: 3, skip: LACKS_OWN_ADDRESS }, () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster.stop());

  test('are served over HTTP and HTTPS, with certificates as they change and come, and only Secrets that are named are read', async (t) => {
    const namespace = 'certificates';
    const served = await serveNamespace(t, cluster, namespace);
    const [first, second, late] = [makeLeaf(authority, 'web.test'), makeLeaf(authority, 'web.test'), makeLeaf(authority, 'late.test')];
    const backend = await startClusterBackend(t, 'web');
    await apply(cluster, [tlsSecretIn(namespace, 'web-tls', first), tlsSecretIn(namespace, 'nobodys', late)]);
    await apply(cluster, [...service('web', [backend], namespace), web(namespace, 'web', { secret: 'web-tls' }), web(namespace, 'late', { secret: 'late-tls' })]);
    await awaitHttpStatus(served, 'web', 200);
    assert.equal((await send({ port: served.gatehouse.https, host: 'web.test', tls: { rejectUnauthorized: false } })).body, 'web');
    await awaitCertificate(served, 'web.test', first);
    const { data } = tlsSecretIn(namespace, 'web-tls', second) as PlainObject & { readonly data: object };
    await cluster.admin.patch({ apiVersion: 'v1', kind: 'Secret', namespace, name: 'web-tls' }, { data });
    await awaitCertificate(served, 'web.test', second);
    await awaitHttpStatus(served, 'late', 200);
    await apply(cluster, [tlsSecretIn(namespace, 'late-tls', late)]);
    await awaitCertificate(served, 'late.test', late);
    const asked = cluster.requests?.filter(({ user, resource }) => user === served.user && resource === 'secrets') ?? [];
    const named = /\/secrets(\/|\?.*fieldSelector=metadata\.name(=|%3D))(web-tls|late-tls)\b/;
    assert.deepEqual(asked.map(({ path }) => path).filter((path) => !named.test(path)), []);
    assert.equal(asked.length > 0, cluster.requests !== null);
  });

  test('follow their endpoints, and changed paths', async (t) => {
    const namespace = 'changes';
    const served = await serveNamespace(t, cluster, namespace);
    const [old, young] = [await startClusterBackend(t, 'old'), await startClusterBackend(t, 'young')];
    await apply(cluster, [...service('web', [old], namespace), ...service('other', [young], namespace), web(namespace, 'web')]);
    await awaitHttpStatus(served, 'web', 200);
    const slice = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', namespace, name: 'web-0' };
    const bodyBecomes = (body: string): Promise<boolean> =>
      until(`it answers ${body}`, async () => (await send({ port: served.gatehouse.http, host: 'web.test' })).body === body);
    await cluster.admin.patch(slice, { ports: [{ name: 'http', port: young.port, protocol: 'TCP' }] });
    await bodyBecomes('young');
    await cluster.admin.patch(slice, { endpoints: [{ addresses: [old.address], conditions: { ready: false } }] });
    await awaitHttpStatus(served, 'web', 503);
    const { spec } = web(namespace, 'web', { service: 'other' });
    await cluster.admin.patch(ingressPlace('web', namespace), { spec });
    await bodyBecomes('young');
    await cluster.admin.delete(ingressPlace('web', namespace));
    await awaitHttpStatus(served, 'web', 404);
  });

  test('obey the settings of the ConfigMap, also when it comes later and when it goes', async (t) => {
    const namespace = 'settings';
    const served = await serveNamespace(t, cluster, namespace, ['--configmap', `${namespace}/global`]);
    await apply(cluster, [...service('web', [await startClusterBackend(t, 'web')], namespace), web(namespace, 'web')]);
    await awaitHttpStatus(served, 'web', 200);
    await apply(cluster, [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'global', namespace }, data: { 'force-ssl-redirect': 'true' } } as PlainObject]);
    await awaitHttpStatus(served, 'web', 308);
    await cluster.admin.delete({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'global' });
    await awaitHttpStatus(served, 'web', 200);
  });

  test('are ours by class: the default class takes those without one, and what is of a foreign class stays as it was, to the byte', async (t) => {
    const namespace = 'classes';
    const served = await serveNamespace(t, cluster, namespace);
    const kind = { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass' };
    await apply(cluster, [
      { ...kind, metadata: { name: 'foreign' }, spec: { controller: 'example.com/other' } } as PlainObject,
      ...service('web', [await startClusterBackend(t, 'web')], namespace),
    ]);
    await apply(cluster, [
      ingress('none', 'none.test', [{ path: '/', service: 'web' }], { namespace }),
      ingress('foreign', 'foreign.test', [{ path: '/', service: 'web' }], { namespace, spec: { ingressClassName: 'foreign' } }),
      ingress('own', 'own.test', [{ path: '/', service: 'web' }], { namespace, spec: { ingressClassName: 'own' } }),
    ]);
    await cluster.admin.patch(ingressPlace('foreign', namespace), { status: { loadBalancer: { ingress: [{ ip: '203.0.113.9' }] } } }, 'status');
    const foreign = JSON.stringify(await cluster.admin.get(ingressPlace('foreign', namespace)));
    await apply(cluster, [{ ...kind, metadata: { name: 'own' }, spec: { controller: 'gatehouse.dev/ingress' } } as PlainObject]);
    await awaitHttpStatus(served, 'own', 200);
    assert.equal(await statusOf(served, 'none'), 404);
    const annotations = { 'ingressclass.kubernetes.io/is-default-class': 'true' };
    await cluster.admin.patch({ ...kind, name: 'own' }, { metadata: { annotations } });
    await awaitHttpStatus(served, 'none', 200);
    assert.equal(await statusOf(served, 'foreign'), 404);
    await until('ours has its address', async () => addressesOf(await cluster.admin.get(ingressPlace('none', namespace))).length > 0);
    await cluster.admin.delete({ ...kind, name: 'own' });
    await awaitHttpStatus(served, 'none', 404);
    assert.equal(JSON.stringify(await cluster.admin.get(ingressPlace('foreign', namespace))), foreign);
  });

  test('show the addresses of the publish Service, its new one when it moves, and none when it is gone', async (t) => {
    const namespace = 'published';
    const served = await serveNamespace(t, cluster, namespace, ['--publish-service', `${namespace}/front`, '--vips', 'off']);
    await apply(cluster, [poolIn(namespace, 'lan', ['203.0.113.16-203.0.113.17']), web(namespace, 'web'), balancerIn(namespace, 'front', 80)]);
    const shows = (...wanted: readonly string[]): Promise<boolean> =>
      until(`the Ingress shows ${wanted.join() || 'nothing'}`, async () => addressesOf(await cluster.admin.get(ingressPlace('web', namespace))).join() === wanted.join());
    await shows('203.0.113.16');
    await cluster.admin.patch(servicePlace('front', namespace), { metadata: { annotations: { 'gatehouse.dev/load-balancer-ips': '203.0.113.17' } } });
    await shows('203.0.113.17');
    await cluster.admin.delete(servicePlace('front', namespace));
    await shows();
    await apply(cluster, [balancerIn(namespace, 'front', 80)]);
    await until('it is published again', async () => addressesOf(await cluster.admin.get(ingressPlace('web', namespace))).length === 1);
    assert.deepEqual((await served.gatehouse.status()).ingresses.map(({ addresses }) => addresses.length), [1]);
  });

  test('show what --publish-status-address says, and without any publish Service the Nodes of the own Service', async (t) => {
    const fixed = await serveNamespace(t, cluster, 'fixed', ['--publish-status-address', '203.0.113.40', '--publish-status-address', 'edge.example.com']);
    const own = await serveNamespace(t, cluster, 'nodes', ['--own-service', 'nodes/gatehouse']);
    for (const { namespace } of [fixed, own]) await apply(cluster, [web(namespace, 'web')]);
    await until('names and addresses', async () => addressesOf(await cluster.admin.get(ingressPlace('web', 'fixed'))).join() === '203.0.113.40,edge.example.com');
    for (const [name, address] of [['near', '198.51.100.7'], ['far', '198.51.100.8'], ['hidden', '198.51.100.9']]) {
      const labels = name === 'hidden' ? { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } : {};
      await apply(cluster, [{ apiVersion: 'v1', kind: 'Node', metadata: { name, labels } } as PlainObject]);
      await cluster.admin.patch({ apiVersion: 'v1', kind: 'Node', name: String(name) }, { status: { addresses: [{ type: 'InternalIP', address }] } }, 'status');
    }
    const pods = ['near', 'hidden'].map((nodeName, index) => sliceIn('nodes', 'gatehouse', { backend: { address: `198.51.100.${7 + index}`, port: 8080 + index }, more: { nodeName } }));
    await apply(cluster, [balancerIn('nodes', 'gatehouse', 80, { type: 'ClusterIP' }), ...pods]);
    await until('its Node that may be reached', async () => addressesOf(await cluster.admin.get(ingressPlace('web', 'nodes'))).join() === '198.51.100.7');
  });

  test('do not lead to names, nor to addresses of metadata services', async (t) => {
    const namespace = 'refused';
    const served = await serveNamespace(t, cluster, namespace);
    const metadata = { address: '100.100.100.200', port: 80 };
    await apply(cluster, [
      ...service('metadata', [metadata], namespace),
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'name', namespace }, spec: { type: 'ExternalName', externalName: 'example.com', ports: [{ port: 80 }] } } as PlainObject,
      web(namespace, 'metadata', { service: 'metadata' }),
      web(namespace, 'name', { service: 'name' }),
    ]);
    for (const name of ['metadata', 'name']) await awaitHttpStatus(served, name, 503);
    const { problems } = await served.gatehouse.status();
    assert.ok(problems.some(({ object, rule }) => object?.kind === 'EndpointSlice' && rule.includes('metadata service')));
    assert.ok(problems.some(({ object, rule }) => object?.name === 'name' && /external-name|ExternalName/.test(rule)), JSON.stringify(problems));
  });

  test('of other namespaces are not even asked for when namespaces are given', async (t) => {
    const served = await serveNamespace(t, cluster, 'mine');
    await prepareNamespace(cluster, 'theirs');
    const backend = await startClusterBackend(t, 'web');
    for (const namespace of ['theirs', 'mine']) await apply(cluster, [...service('web', [backend], namespace), web(namespace, namespace)]);
    await awaitHttpStatus(served, 'mine', 200);
    assert.equal(await statusOf(served, 'theirs'), 404);
    // What this node has said in an earlier life is found by its label, wherever it is.
    const clusterScoped = new Set(['nodes', 'namespaces', 'ingressclasses', 'customresourcedefinitions', 'servicevipstatuses']);
    const asked = cluster.requests?.filter(({ user, resource }) => user === served.user && resource !== '' && !clusterScoped.has(resource)) ?? [];
    assert.deepEqual(asked.filter(({ namespace }) => namespace !== 'mine').map(({ verb, path }) => `${verb} ${path}`), []);
  });

  test('prefer endpoints that are meant for clients of this zone', async (t) => {
    const namespace = 'zones';
    await apply(cluster, [{ apiVersion: 'v1', kind: 'Node', metadata: { name: namespace, labels: { 'topology.kubernetes.io/zone': 'a' } } } as PlainObject]);
    const served = await serveNamespace(t, cluster, namespace);
    const [near, far] = [await startClusterBackend(t, 'near'), await startClusterBackend(t, 'far')];
    const hinted = (zone: string): { readonly zone: string; readonly hints: { forZones: { name: string }[] } } => ({ zone, hints: { forZones: [{ name: zone }] } });
    await apply(cluster, [
      balancerIn(namespace, 'web', 80, { type: 'ClusterIP' }),
      sliceIn(namespace, 'web', { backend: near, more: hinted('a') }),
      sliceIn(namespace, 'web', { backend: far, more: hinted('b') }),
      web(namespace, 'web'),
    ]);
    await awaitHttpStatus(served, 'web', 200);
    const ask = async (): Promise<string> => (await send({ port: served.gatehouse.http, host: 'web.test' })).body;
    await until('the near one answers', async () => (await ask()) === 'near');
    assert.deepEqual(new Set(await Promise.all(Array.from({ length: 20 }, ask))), new Set(['near']));
    await cluster.admin.patch({ apiVersion: 'v1', kind: 'Node', name: namespace }, { metadata: { labels: { 'topology.kubernetes.io/zone': 'b' } } });
    await until('the other one answers', async () => (await ask()) === 'far');
    assert.deepEqual(new Set(await Promise.all(Array.from({ length: 20 }, ask))), new Set(['far']));
  });
});
