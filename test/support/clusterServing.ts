import type { TestContext } from 'node:test';
import type { V1Endpoint, V1ServiceSpec } from '@kubernetes/client-node';
import type { PlainObject } from '../apiserver/admin.ts';
import type { StatusView } from '../../controller/status/statusView.ts';
import type { Issued } from './certificates.ts';
import type { Cluster } from './cluster.ts';
import { startClusterGatehouse, type ClusterGatehouse } from './clusterGatehouse.ts';
import { prepareNamespace } from './clusterObjects.ts';
import type { BackendAddress } from './manifests.ts';
import { until } from './until.ts';

/** A namespace of its own in a shared cluster, and the only Gatehouse that looks at it. */
export interface ServedNamespace {
  readonly namespace: string;
  readonly user: string;
  readonly gatehouse: ClusterGatehouse;
  /** Ends it as `kubectl delete pod` does, and starts it again. */
  restart(): Promise<ServedNamespace>;
}

/** Starts a Gatehouse for a new namespace, which is its own namespace as well; its Node would have the same name. */
export async function serveNamespace(t: TestContext, cluster: Cluster, namespace: string, args: readonly string[] = []): Promise<ServedNamespace> {
  const user = `user-of-${namespace}`;
  await prepareNamespace(cluster, namespace, [user]);
  return startIn(t, cluster, { namespace, user, args });
}

async function startIn(t: TestContext, cluster: Cluster, place: { readonly namespace: string; readonly user: string; readonly args: readonly string[] }): Promise<ServedNamespace> {
  const { namespace, user, args } = place;
  const own = ['--namespace', namespace, '--watch-namespace', namespace];
  const gatehouse = await startClusterGatehouse({ kubeconfig: cluster.kubeconfig(user), nodeName: namespace, args: [...own, ...args], waits: false });
  // It has been ended by the test already, if that restarts it.
  const end = (): Promise<number | null> => gatehouse.stop();
  t.after(end);
  await gatehouse.ready;
  return {
    namespace,
    user,
    gatehouse,
    restart: async () => {
      await end();
      return startIn(t, cluster, place);
    },
  };
}

/** A pool in the namespace, for its Services only as nobody else reads it. */
export function poolIn(namespace: string, name: string, addresses: readonly string[], spec: object = {}): PlainObject {
  return { apiVersion: 'gatehouse.dev/v1', kind: 'IPAddressPool', metadata: { name, namespace }, spec: { addresses, ...spec } };
}

/** A Service of type LoadBalancer with TCP port `port`, unless `spec` says otherwise. */
export function balancerIn(namespace: string, name: string, port: number, spec: Partial<V1ServiceSpec> = {}): PlainObject {
  const ports = [{ name: 'main', port, protocol: 'TCP' }];
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { type: 'LoadBalancer', ports, ...spec } };
}

/** An EndpointSlice behind one named port of a Service, all backends at the port of the first. */
export function sliceIn(
  namespace: string,
  service: string,
  { port = 'main', protocol = 'TCP', backend, more = {} }: { readonly port?: string; readonly protocol?: string; readonly backend: BackendAddress; readonly more?: Partial<V1Endpoint> },
): PlainObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-${port}-${backend.port}`, namespace, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: port, port: backend.port, protocol }],
    endpoints: [{ addresses: [backend.address], conditions: { ready: true }, ...more }],
  };
}

/** A kubernetes.io/tls Secret. */
export function tlsSecretIn(namespace: string, name: string, issued: Issued): PlainObject {
  const data = { 'tls.crt': Buffer.from(issued.chainPem).toString('base64'), 'tls.key': Buffer.from(issued.privateKeyPem).toString('base64') };
  return { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name, namespace }, data };
}

/** Waits for a line of a Service in the status of a Gatehouse that fits. */
export function awaitLine(
  { gatehouse, namespace }: ServedNamespace,
  name: string,
  fits: (line: StatusView['services'][number]) => boolean,
): Promise<StatusView['services'][number]> {
  return until(`${name} is shown as wanted`, async () => {
    const { services, generation, appliedGeneration } = await gatehouse.status();
    const line = services.find((service) => service.namespace === namespace && service.name === name);
    return line !== undefined && generation === appliedGeneration && fits(line) ? line : null;
  });
}
