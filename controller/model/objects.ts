import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { SourcePosition } from '../../core/ir/problem.ts';

/**
 * Own types for the Kubernetes objects Gatehouse reads, decoded once at the edge (controller/decode). Only fields that
 * something uses. Maps for labels, annotations and data: their keys come from outside.
 */
export interface Metadata {
  readonly name: string;
  /** Empty for cluster-scoped kinds; `default` when a namespaced manifest names none. */
  readonly namespace: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  /** ms since the epoch; null when not given (manifest files). */
  readonly createdAtMs: number | null;
}

/** What every object carries besides its own fields. */
export interface ObjectBase {
  readonly metadata: Metadata;
  /** Where it was read: file and line of its first line, and lines of its fields; null from an API server. */
  readonly origin: Origin | null;
}

/** Finds the line of a field in the file an object was read from. */
export interface Origin {
  readonly position: SourcePosition;
  /** Position of a field path such as `spec.rules[0].host`; of its nearest existing parent when the field is absent. */
  locate(field: string): SourcePosition;
}

export interface IngressBackendService {
  readonly type: 'service';
  readonly service: string;
  /** A number or a port name. */
  readonly port: { readonly type: 'number'; readonly number: number } | { readonly type: 'name'; readonly name: string };
}

/** A typed local reference to something that is no Service; Gatehouse refuses it. */
export interface IngressBackendResource {
  readonly type: 'resource';
  readonly apiGroup: string;
  readonly kind: string;
  readonly name: string;
}

export type IngressBackend = IngressBackendService | IngressBackendResource;

export interface IngressPath {
  /** `/` when the manifest leaves it out. */
  readonly path: string;
  readonly pathType: 'Exact' | 'Prefix' | 'ImplementationSpecific';
  readonly backend: IngressBackend;
  /** Field path in the object, `spec.rules[0].http.paths[1]`. */
  readonly field: string;
}

export interface IngressRule {
  /** As written; empty: every host. */
  readonly host: string;
  /** Null when the rule has no `http` block: a catch-all for the host. */
  readonly paths: readonly IngressPath[] | null;
  readonly field: string;
}

export interface IngressTls {
  readonly hosts: readonly string[];
  /** Empty: the default certificate. */
  readonly secretName: string;
  readonly field: string;
}

export interface Ingress extends ObjectBase {
  readonly kind: 'Ingress';
  /** Null when not set. */
  readonly ingressClassName: string | null;
  readonly defaultBackend: IngressBackend | null;
  readonly rules: readonly IngressRule[];
  readonly tls: readonly IngressTls[];
}

export interface IngressClass extends ObjectBase {
  readonly kind: 'IngressClass';
  readonly controller: string;
  /** Annotation ingressclass.kubernetes.io/is-default-class. */
  readonly isDefault: boolean;
}

export interface ServicePort {
  /** Empty when the only port is unnamed. */
  readonly name: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  /** A number or a named container port. */
  readonly targetPort: number | string;
  /** Null when not set. */
  readonly nodePort: number | null;
}

export interface Service extends ObjectBase {
  readonly kind: 'Service';
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  readonly ports: readonly ServicePort[];
  /** Only of ExternalName; else empty. */
  readonly externalName: string;
  readonly clusterIPs: readonly string[];
  readonly publishNotReadyAddresses: boolean;
  /** Labels of the Pods behind it; empty when its endpoints are written by hand. */
  readonly selector: ReadonlyMap<string, string>;
  /** `spec.loadBalancerIP`; empty when not set. */
  readonly loadBalancerIP: string;
  readonly loadBalancerClass: string | null;
  readonly loadBalancerSourceRanges: readonly string[];
  readonly externalTrafficPolicy: 'Cluster' | 'Local';
  readonly sessionAffinity: 'None' | 'ClientIP';
  /** `spec.sessionAffinityConfig.clientIP.timeoutSeconds`; 10800 when not set. */
  readonly sessionAffinityTimeoutSeconds: number;
  readonly ipFamilies: readonly ('IPv4' | 'IPv6')[];
  readonly ipFamilyPolicy: 'SingleStack' | 'PreferDualStack' | 'RequireDualStack' | null;
  /** IPs of `status.loadBalancer.ingress`: what an earlier run gave. */
  readonly statusAddresses: readonly string[];
}

/** Addresses for Services of type LoadBalancer (gatehouse.dev/v1, fields as MetalLB's). */
export interface IPAddressPool extends ObjectBase {
  readonly kind: 'IPAddressPool';
  /** As written: `192.0.2.0/24`, `192.0.2.1-192.0.2.9`. */
  readonly addresses: readonly string[];
  /** False: only for Services that ask for the pool or for an address in it. */
  readonly autoAssign: boolean;
  /** Leave out addresses that end in .0 and .255. */
  readonly avoidBuggyIPs: boolean;
}

export interface SliceEndpoint {
  readonly addresses: readonly string[];
  /** Conditions; null when not stated. */
  readonly ready: boolean | null;
  readonly serving: boolean | null;
  readonly terminating: boolean | null;
  /** Empty when not stated. */
  readonly nodeName: string;
  readonly zone: string;
}

export interface SlicePort {
  readonly name: string;
  readonly port: number | null;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
}

export interface EndpointSlice extends ObjectBase {
  readonly kind: 'EndpointSlice';
  readonly addressType: 'IPv4' | 'IPv6' | 'FQDN';
  /** Label kubernetes.io/service-name; empty when missing. */
  readonly service: string;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly SliceEndpoint[];
}

/** The legacy Endpoints object; used for a Service that has no EndpointSlice. */
export interface Endpoints extends ObjectBase {
  readonly kind: 'Endpoints';
  readonly subsets: readonly {
    readonly addresses: readonly string[];
    readonly notReadyAddresses: readonly string[];
    readonly ports: readonly SlicePort[];
  }[];
}

export interface Secret extends ObjectBase {
  readonly kind: 'Secret';
  readonly type: string;
  /** key → octets, base64 already decoded; stringData merged in. Never logged. */
  readonly data: ReadonlyMap<string, Buffer>;
}

export interface ConfigMap extends ObjectBase {
  readonly kind: 'ConfigMap';
  readonly data: ReadonlyMap<string, string>;
}

export interface Namespace extends ObjectBase {
  readonly kind: 'Namespace';
}

export interface Node extends ObjectBase {
  readonly kind: 'Node';
  readonly internalIPs: readonly string[];
  readonly unschedulable: boolean;
  /** Condition type → status (`True`, `False`, `Unknown`). */
  readonly conditions: ReadonlyMap<string, string>;
}

export type KubeObject =
  | Ingress
  | IngressClass
  | Service
  | EndpointSlice
  | Endpoints
  | Secret
  | ConfigMap
  | IPAddressPool
  | Namespace
  | Node;

export type Kind = KubeObject['kind'];

/** The reference that names an object. */
export function refOf(object: KubeObject): ObjectRef {
  return { kind: object.kind, namespace: object.metadata.namespace, name: object.metadata.name };
}
