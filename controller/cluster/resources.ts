import type { Kind } from '../model/objects.ts';

/** Where the API server keeps objects of a kind. */
export interface Resource {
  /** Empty: the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** Resources of the kinds Gatehouse reads as objects of its own, by kind. */
export const RESOURCES: Readonly<Record<Kind, Resource>> = {
  Ingress: { group: 'networking.k8s.io', version: 'v1', plural: 'ingresses', namespaced: true },
  IngressClass: { group: 'networking.k8s.io', version: 'v1', plural: 'ingressclasses', namespaced: false },
  Service: { group: '', version: 'v1', plural: 'services', namespaced: true },
  EndpointSlice: { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices', namespaced: true },
  Endpoints: { group: '', version: 'v1', plural: 'endpoints', namespaced: true },
  Secret: { group: '', version: 'v1', plural: 'secrets', namespaced: true },
  ConfigMap: { group: '', version: 'v1', plural: 'configmaps', namespaced: true },
  Namespace: { group: '', version: 'v1', plural: 'namespaces', namespaced: false },
  Node: { group: '', version: 'v1', plural: 'nodes', namespaced: false },
  IPAddressPool: { group: 'gatehouse.dev', version: 'v1', plural: 'ipaddresspools', namespaced: true },
  L2Advertisement: { group: 'gatehouse.dev', version: 'v1', plural: 'l2advertisements', namespaced: true },
  BGPPeer: { group: 'gatehouse.dev', version: 'v1', plural: 'bgppeers', namespaced: true },
  BGPAdvertisement: { group: 'gatehouse.dev', version: 'v1', plural: 'bgpadvertisements', namespaced: true },
  BFDProfile: { group: 'gatehouse.dev', version: 'v1', plural: 'bfdprofiles', namespaced: true },
  Community: { group: 'gatehouse.dev', version: 'v1', plural: 'communities', namespaced: true },
  ServiceVIPStatus: { group: 'gatehouse.dev', version: 'v1', plural: 'servicevipstatuses', namespaced: true },
};

/** Resources that are written and read by name, but are no objects of translation. */
export const LEASE: Resource = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', namespaced: true };
export const EVENT: Resource = { group: '', version: 'v1', plural: 'events', namespaced: true };
export const WEBHOOK_CONFIGURATION: Resource = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  plural: 'validatingwebhookconfigurations',
  namespaced: false,
};

/** Which object, or collection, of a resource. */
export interface ResourcePlace {
  /** Empty or absent: cluster-scoped, or the collection of all namespaces. */
  readonly namespace?: string;
  /** Absent: the collection. */
  readonly name?: string;
  readonly subresource?: 'status';
}

/** `apiVersion` of the resource's objects. */
export function apiVersionOf({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`;
}

/** Path of an object or a collection; names are percent-encoded. */
export function resourcePath(resource: Resource, { namespace = '', name, subresource }: ResourcePlace = {}): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const parts = [root];
  if (namespace !== '') parts.push('namespaces', encodeURIComponent(namespace));
  parts.push(resource.plural);
  if (name !== undefined) parts.push(encodeURIComponent(name));
  if (subresource !== undefined) parts.push(subresource);
  return parts.join('/');
}
