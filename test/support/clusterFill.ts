import type { PlainObject } from '../apiserver/admin.ts';
import type { Cluster } from './cluster.ts';

/** Requests at one time: a real API server takes its time for each. */
const LANES = 32;

/** Creates objects, many at a time, in no order. */
export async function fill(cluster: Cluster, objects: Iterable<PlainObject>): Promise<void> {
  const rest = objects[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) await cluster.admin.create(next.value);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** The `index`th application of many: an Ingress with two paths on a host of its own, its Service, and two EndpointSlices. */
export function* application(index: number): Generator<PlainObject> {
  const name = `app-${index}`;
  const place = { namespace: 'default' };
  yield { apiVersion: 'v1', kind: 'Service', metadata: { ...place, name }, spec: { clusterIP: 'None', ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }] } };
  for (const slice of [0, 1]) {
    const endpoint = {
      addresses: [`10.${slice}.${index >> 8}.${index & 255}`],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${index % 100}`,
      targetRef: { kind: 'Pod', name: `${name}-6d4cf56db6-${slice}`, ...place },
    };
    yield {
      apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice',
      metadata: { ...place, name: `${name}-${slice}`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4', ports: [{ name: 'http', port: 8080, protocol: 'TCP' }], endpoints: [endpoint],
    };
  }
  const paths = ['/', '/api'].map((path) => ({ path, pathType: 'Prefix', backend: { service: { name, port: { number: 80 } } } }));
  yield {
    apiVersion: 'networking.k8s.io/v1', kind: 'Ingress',
    metadata: { ...place, name },
    spec: { ingressClassName: 'gatehouse', rules: [{ host: `${name}.test`, http: { paths } }] },
  };
}

/** As many applications as there are numbers below `count`. */
export function* applications(count: number): Generator<PlainObject> {
  for (let index = 0; index < count; index += 1) yield* application(index);
}
