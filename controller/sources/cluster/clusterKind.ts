import { RESOURCES, type Resource } from '../../cluster/resources.ts';
import { decodeObject, type Decoded } from '../../decode/decodeObject.ts';
import type { Kind } from '../../model/objects.ts';

/** One kind of the API server that is followed. */
export interface FollowedKind {
  /** For logs and metrics, unique: `Ingress`, `IPAddressPool.metallb.io`. */
  readonly label: string;
  /** `kind` of its objects: items of a list do not say it. */
  readonly kind: string;
  readonly resource: Resource;
  /** Own kinds that its objects are decoded into. */
  readonly produces: readonly Kind[];
  /** Configuration of Gatehouse: read in its own namespace as well when namespaces are restricted. */
  readonly configures: boolean;
  /** Another namespace it is read in as well when namespaces are restricted. */
  readonly home?: string;
  /** The one object that is read, by get and watch; absent: all. */
  readonly only?: { readonly namespace: string; readonly name: string };
  /** What to do when the API server does not know the kind; null: nothing, it need not. */
  readonly whenMissing: string | null;
}

/** A kind whose objects are understood one by one. */
export interface ClusterKind extends FollowedKind {
  /** Makes own objects of one of its objects, in any number. Never throws. */
  readonly decode: (value: unknown) => readonly Decoded[];
}

const OWN_GROUP = 'gatehouse.dev';

/** The row of one of Gatehouse's own or Kubernetes' kinds. */
export function ownClusterKind(kind: Kind): ClusterKind {
  const resource = RESOURCES[kind];
  const ours = resource.group === OWN_GROUP;
  return {
    label: kind,
    kind,
    resource,
    produces: [kind],
    decode: (value) => [decodeObject(value, null)],
    configures: ours,
    whenMissing: ours ? `apply Gatehouse's crds/ (kubectl apply -f crds/)` : 'a cluster of Kubernetes 1.25 or newer has it',
  };
}

/** Kinds that are followed as a whole by default; the others are Secrets and ConfigMaps, by name, and legacy Endpoints. */
export const DEFAULT_KINDS: readonly Kind[] = [
  'Ingress',
  'IngressClass',
  'Service',
  'EndpointSlice',
  'Node',
  'Namespace',
  'IPAddressPool',
  'L2Advertisement',
  'BGPPeer',
  'BGPAdvertisement',
  'BFDProfile',
  'Community',
  'ServiceVIPStatus',
];
