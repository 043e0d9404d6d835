import type { V1ConfigMap, V1EndpointSlice, V1Ingress, V1IngressSpec, V1Secret, V1Service } from '@kubernetes/client-node';

/** Objects of the kinds tests write, in the API's own types, so that a manifest no API server would take does not compile. */
export type Manifest = V1Ingress | V1Service | V1EndpointSlice | V1Secret | V1ConfigMap | PoolManifest;

/** gatehouse.dev/v1 IPAddressPool. */
export interface PoolManifest {
  readonly apiVersion: 'gatehouse.dev/v1';
  readonly kind: 'IPAddressPool';
  readonly metadata: { readonly name: string };
  readonly spec: { readonly addresses: string[]; readonly autoAssign?: boolean; readonly avoidBuggyIPs?: boolean };
}

/** Where a backend listens. */
export interface BackendAddress {
  readonly address: string;
  readonly port: number;
  /** Of its endpoint; default: ready. */
  readonly conditions?: { readonly ready: boolean; readonly serving?: boolean; readonly terminating?: boolean };
}

/** A Service with one port 80 named `http`, and an EndpointSlice with these backends, each with its own port if they differ. */
export function service(name: string, backends: readonly BackendAddress[], namespace = 'default'): Manifest[] {
  const slices = [...Map.groupBy(backends, (backend) => backend.port)].map(([port, group], index) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-${index}`, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port, protocol: 'TCP' }],
    endpoints: group.map(({ address, conditions }) => ({ addresses: [address], conditions: conditions ?? { ready: true } })),
  }));
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace },
      spec: { ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }] },
    },
    ...slices,
  ];
}

/** One path of an Ingress: path, type and the Service behind it (port 80). */
export interface PathTo {
  readonly path: string;
  readonly pathType?: 'Exact' | 'Prefix' | 'ImplementationSpecific';
  readonly service: string;
}

/** An Ingress of one host; host empty: every host. */
export function ingress(
  name: string,
  host: string,
  paths: readonly PathTo[],
  more: { readonly annotations?: Record<string, string>; readonly spec?: Partial<V1IngressSpec>; readonly createdAt?: string; readonly namespace?: string } = {},
): V1Ingress {
  const rule = {
    ...(host === '' ? {} : { host }),
    http: {
      paths: paths.map(({ path, pathType, service: serviceName }) => ({
        path,
        pathType: pathType ?? 'Prefix',
        backend: { service: { name: serviceName, port: { number: 80 } } },
      })),
    },
  };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name,
      namespace: more.namespace ?? 'default',
      ...(more.annotations === undefined ? {} : { annotations: more.annotations }),
      ...(more.createdAt === undefined ? {} : { creationTimestamp: new Date(more.createdAt) }),
    },
    spec: { rules: paths.length === 0 ? [] : [rule], ...more.spec },
  };
}

/** A kubernetes.io/tls Secret. */
export function tlsSecret(name: string, pem: { readonly certificate: string; readonly key: string }): V1Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name, namespace: 'default' },
    data: { 'tls.crt': Buffer.from(pem.certificate).toString('base64'), 'tls.key': Buffer.from(pem.key).toString('base64') },
  };
}

/** A Secret of whatever keys, such as the authorities of client certificates (`ca.crt`). */
export function opaqueSecret(name: string, data: Readonly<Record<string, string>>): V1Secret {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  return { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { name, namespace: 'default' }, data: Object.fromEntries(encoded) };
}

/** The annotation names tests use, with ingress-nginx's prefix. */
export function nginx(annotations: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`nginx.ingress.kubernetes.io/${name}`, value]));
}

/** The ConfigMap with global settings, to be named by `--configmap default/settings`. */
export function settings(data: Record<string, string>): V1ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' }, data };
}
