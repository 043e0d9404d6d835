import type { V1Condition, V1LoadBalancerIngress } from '@kubernetes/client-node';
import type { KubeObject } from '../apiserver/json.ts';
import type { ObjectPlace, PlainObject } from '../apiserver/admin.ts';
import { OWN_NAMESPACE, type Cluster } from './cluster.ts';
import { until } from './until.ts';

/** Anything with the fields of a Kubernetes object, such as the Manifests of other tests. */
export interface AnyManifest {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
}

/** Creates objects, one after another. */
export async function apply(cluster: Cluster, objects: readonly AnyManifest[]): Promise<void> {
  for (const object of objects) await cluster.admin.create(object as PlainObject);
}

/** A Namespace and the users that may do everything, for an API server that asks who they are. */
export async function prepareNamespace(cluster: Cluster, name: string, users: readonly string[] = []): Promise<void> {
  await cluster.admin.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  if (users.length === 0) return;
  const group = 'rbac.authorization.k8s.io';
  await cluster.admin.create({
    apiVersion: `${group}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: `test-${name}` },
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: users.map((user) => ({ apiGroup: group, kind: 'User', name: user })),
  });
}

/** Where a Service is. */
export function servicePlace(name: string, namespace = 'default'): ObjectPlace {
  return { apiVersion: 'v1', kind: 'Service', namespace, name };
}

/** Where an Ingress is. */
export function ingressPlace(name: string, namespace = 'default'): ObjectPlace {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', namespace, name };
}

/** Where a pool is. */
export function poolPlace(name: string, namespace = OWN_NAMESPACE): ObjectPlace {
  return { apiVersion: 'gatehouse.dev/v1', kind: 'IPAddressPool', namespace, name };
}

/** What tests look at of the status of a Service or an Ingress. */
interface BalancedStatus {
  readonly loadBalancer?: { readonly ingress?: readonly V1LoadBalancerIngress[] };
  readonly conditions?: readonly V1Condition[];
}

/** `status.loadBalancer.ingress`, as it stands. */
export function entriesOf(object: KubeObject | null): readonly V1LoadBalancerIngress[] {
  const status = object?.['status'] as BalancedStatus | undefined;
  return status?.loadBalancer?.ingress ?? [];
}

/** Addresses and host names of `status.loadBalancer`. */
export function addressesOf(object: KubeObject | null): readonly string[] {
  return entriesOf(object).map(({ ip, hostname }) => ip ?? hostname ?? '');
}

/** The condition gatehouse.dev/AddressAssigned. */
export function assignedCondition(object: KubeObject | null): V1Condition | undefined {
  const status = object?.['status'] as BalancedStatus | undefined;
  return status?.conditions?.find(({ type }) => type === 'gatehouse.dev/AddressAssigned');
}

/** Waits until the object has as many addresses, and gives them. */
export async function awaitAddresses(cluster: Cluster, place: ObjectPlace, count = 1): Promise<readonly string[]> {
  return until(`${place.kind} ${place.name} has ${count} addresses`, async () => {
    const addresses = addressesOf(await cluster.admin.get(place));
    return addresses.length === count ? addresses : null;
  });
}

/** Events about an object, as `kubectl describe` would print them. */
export async function eventsOf(cluster: Cluster, place: ObjectPlace): Promise<readonly ClusterEvent[]> {
  const events = (await cluster.admin.list({ apiVersion: 'v1', kind: 'Event', namespace: place.namespace ?? 'default' })) as unknown as readonly ClusterEvent[];
  return events.filter(({ involvedObject }) => involvedObject.kind === place.kind && involvedObject.name === place.name);
}

/** What tests look at of a core/v1 Event. */
export interface ClusterEvent {
  readonly involvedObject: { readonly kind: string; readonly name: string };
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly source: { readonly component: string; readonly host: string };
}
