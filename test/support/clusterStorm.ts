import { seededRandom } from '../../core/testing/seededRandom.ts';
import type { ObjectPlace, PlainObject } from '../apiserver/admin.ts';
import { makeLeaf } from './certificates.ts';
import { OWN_NAMESPACE, type Cluster } from './cluster.ts';
import { pool } from './loadBalancer.ts';
import { ingress, tlsSecret } from './manifests.ts';

/** Draws whole numbers from 0 to below `limit`, the same for the same seed. */
export function drawFrom(seed: number): (limit: number) => number {
  const random = seededRandom(seed);
  return (limit) => Math.floor(random() * limit);
}

type Draw = (limit: number) => number;

/** Ports of LoadBalancer Services: outside of what systems give to clients. */
const FIRST_PORT = 21_000;
const NAMES_PER_KIND = 60;
const HOSTS = 40;
const CERTIFICATES = [makeLeaf(null, '*.storm.test'), makeLeaf(null, '*.storm.test')].map(({ chainPem, privateKeyPem }) => ({ certificate: chainPem, key: privateKeyPem }));

/** One kind of objects in the storm: how many names it has, and what an object may be like. */
interface StormKind {
  readonly prefix: string;
  readonly names: number;
  readonly make: (name: string, draw: Draw) => PlainObject;
}

/** Names, as they refer to each other: Ingresses to Services and Secrets, EndpointSlices to Services, Services to pools. */
function stormKinds(addressPrefix: string): readonly StormKind[] {
  return [
    { prefix: 'service', names: NAMES_PER_KIND, make: makeService },
    { prefix: 'slice', names: NAMES_PER_KIND, make: makeSlice },
    { prefix: 'slice', names: NAMES_PER_KIND, make: makeSlice },
    { prefix: 'ingress', names: NAMES_PER_KIND, make: makeIngress },
    { prefix: 'ingress', names: NAMES_PER_KIND, make: makeIngress },
    { prefix: 'secret', names: 12, make: (name, draw) => plain(tlsSecret(name, CERTIFICATES[draw(2)] ?? { certificate: '', key: '' })) },
    { prefix: 'pool', names: 4, make: (name, draw) => makePool(name, addressPrefix, draw) },
    { prefix: 'settings', names: 1, make: (_name, draw) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: OWN_NAMESPACE }, data: { 'proxy-read-timeout': String(30 + draw(60)) } }) },
  ];
}

/** Objects of manifests have class instances' types, not a plain object's. */
function plain(object: object): PlainObject {
  return JSON.parse(JSON.stringify(object)) as PlainObject;
}

function makeService(name: string, draw: Draw): PlainObject {
  const ports = [{ name: 'http', port: FIRST_PORT + draw(20), targetPort: 8080, protocol: 'TCP' }];
  const annotations = draw(4) === 0 ? { 'metallb.io/allow-shared-ip': `key-${draw(3)}` } : { 'metallb.io/allow-shared-ip': null };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default', annotations }, spec: { type: draw(2) === 0 ? 'LoadBalancer' : 'ClusterIP', ports } };
}

function makeSlice(name: string, draw: Draw): PlainObject {
  const endpoints = Array.from({ length: 1 + draw(4) }, (_, index) => ({ addresses: [`10.1.${index}.${1 + draw(200)}`], conditions: { ready: draw(4) > 0 } }));
  return {
    apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice',
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': `service-${draw(NAMES_PER_KIND)}` } },
    addressType: 'IPv4', ports: [{ name: 'http', port: 8080 + draw(3), protocol: 'TCP' }], endpoints,
  };
}

function makeIngress(name: string, draw: Draw): PlainObject {
  const host = `host-${draw(HOSTS)}.storm.test`;
  const paths = Array.from({ length: 1 + draw(3) }, (_, index) => ({ path: ['/', '/api', '/static'][index] ?? '/', service: `service-${draw(NAMES_PER_KIND)}` }));
  const object = ingress(name, host, paths, {
    annotations: { 'nginx.ingress.kubernetes.io/proxy-connect-timeout': String(1 + draw(9)) },
    spec: { ingressClassName: 'gatehouse', tls: draw(2) === 0 ? [] : [{ hosts: [host], secretName: `secret-${draw(12)}` }] },
  });
  // Ports are named, as those of the Services change.
  return JSON.parse(JSON.stringify(object).replaceAll('"port":{"number":80}', '"port":{"name":"http"}')) as PlainObject;
}

function makePool(name: string, addressPrefix: string, draw: Draw): PlainObject {
  const first = 10 + 50 * Number(name.split('-')[1]);
  const made = pool(name, [`${addressPrefix}.${first}-${addressPrefix}.${first + 1 + draw(40)}`], { autoAssign: draw(3) > 0 });
  return { ...plain(made), metadata: { name, namespace: OWN_NAMESPACE } };
}

/** Makes changes, one at each call. */
export function createStorm(cluster: Cluster, { seed, addressPrefix }: { readonly seed: number; readonly addressPrefix: string }): () => Promise<void> {
  const draw = drawFrom(seed);
  const kinds = stormKinds(addressPrefix);
  const present = new Set<string>();
  return async () => {
    const kind = kinds[draw(kinds.length)];
    if (kind === undefined) return;
    const object = kind.make(`${kind.prefix}-${draw(kind.names)}`, draw);
    const { name = '', namespace = '' } = object.metadata;
    const place: ObjectPlace = { apiVersion: object.apiVersion, kind: object.kind, namespace, name };
    const key = `${object.kind} ${name}`;
    if (!present.has(key)) {
      present.add(key);
      await cluster.admin.create(withoutNulls(object));
    } else if (draw(4) === 0) {
      present.delete(key);
      await cluster.admin.delete(place);
    } else {
      await again(() => cluster.admin.patch(place, object));
    }
  };
}

/** Somebody else, such as the writer of statuses, may have changed the object meanwhile: what is asked for is the same. */
async function again(change: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await change();
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 409)) throw error;
    }
  }
}

/** Null takes a field away in a patch, and is no value of a new object. */
function withoutNulls(object: PlainObject): PlainObject {
  return JSON.parse(JSON.stringify(object, (_key, value: unknown) => (value === null ? undefined : value))) as PlainObject;
}
