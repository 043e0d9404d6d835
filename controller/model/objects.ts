import type { BgpRole, TcpAoAlgorithm } from '../announcer/bgp/bgpWanted.ts';
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
  /** Of the API server; empty in manifest files. */
  readonly uid: string;
  /** Opaque version of the API server, for optimistic concurrency; empty in manifest files. */
  readonly resourceVersion: string;
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

/** One entry of `status.loadBalancer.ingress` of a Service or an Ingress, as it stands in the API server. */
export interface LoadBalancerIngress {
  /** Empty when not set. */
  readonly ip: string;
  readonly hostname: string;
  /** Null when not set; of Services only. */
  readonly ipMode: 'VIP' | 'Proxy' | null;
  readonly ports: readonly { readonly port: number; readonly protocol: string }[];
}

/** One entry of `status.conditions` (meta/v1 Condition). */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

export interface Ingress extends ObjectBase {
  readonly kind: 'Ingress';
  /** Null when not set. */
  readonly ingressClassName: string | null;
  readonly defaultBackend: IngressBackend | null;
  readonly rules: readonly IngressRule[];
  readonly tls: readonly IngressTls[];
  readonly statusLoadBalancer: readonly LoadBalancerIngress[];
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
  /** Where load balancers ask each node whether it has endpoints, with externalTrafficPolicy Local; null when not set. */
  readonly healthCheckNodePort: number | null;
  readonly sessionAffinity: 'None' | 'ClientIP';
  /** `spec.sessionAffinityConfig.clientIP.timeoutSeconds`; 10800 when not set. */
  readonly sessionAffinityTimeoutSeconds: number;
  readonly ipFamilies: readonly ('IPv4' | 'IPv6')[];
  readonly ipFamilyPolicy: 'SingleStack' | 'PreferDualStack' | 'RequireDualStack' | null;
  /** IPs of `status.loadBalancer.ingress`: what an earlier run gave. */
  readonly statusAddresses: readonly string[];
  readonly statusLoadBalancer: readonly LoadBalancerIngress[];
  readonly statusConditions: readonly Condition[];
  /** `spec.trafficDistribution` (`PreferSameZone`, `PreferClose`, `PreferSameNode`); null when not set. */
  readonly trafficDistribution: string | null;
}

/** metav1.LabelSelector: all of both must hold; empty: everything. */
export interface LabelSelector {
  readonly matchLabels: ReadonlyMap<string, string>;
  readonly matchExpressions: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values: readonly string[];
  }[];
}

/** Which Services a pool is kept for (MetalLB's serviceAllocation). */
export interface ServiceAllocation {
  /** Lower goes first; 0 comes last, as with MetalLB. */
  readonly priority: number;
  /** Names, and selectors on Namespaces: one of them must fit. Both empty: every namespace. */
  readonly namespaces: readonly string[];
  readonly namespaceSelectors: readonly LabelSelector[];
  /** One must fit. Empty: every Service. */
  readonly serviceSelectors: readonly LabelSelector[];
}

/** An address kept for one Service, whether it exists or not. */
export interface ReservedAddress {
  /** Literal, as written. */
  readonly address: string;
  /** `namespace/name`. */
  readonly service: string;
}

/** `IPAddressPool.status`, as it stands in the API server. */
export interface PoolStatus {
  readonly assignedIPv4: number;
  readonly assignedIPv6: number;
  readonly availableIPv4: number;
  readonly availableIPv6: number;
}

/** What configuration carries that may be another product's. */
export interface ConfigurationBase extends ObjectBase {
  /** Group that the object was written in: `gatehouse.dev`, or of the product it was taken over from. Only our own has a status we write. */
  readonly group: string;
}

/** Addresses for Services of type LoadBalancer (gatehouse.dev/v1, fields as MetalLB's and more). */
export interface IPAddressPool extends ConfigurationBase {
  readonly kind: 'IPAddressPool';
  /** As written: `192.0.2.0/24`, `192.0.2.1-192.0.2.9`. */
  readonly addresses: readonly string[];
  /** False: only for Services that ask for the pool or for an address in it. */
  readonly autoAssign: boolean;
  /** Leave out addresses that end in .0 and .255. */
  readonly avoidBuggyIPs: boolean;
  /** Null: for every Service. */
  readonly serviceAllocation: ServiceAllocation | null;
  /** No new addresses are given, Services keep those they have. */
  readonly drain: boolean;
  readonly reserved: readonly ReservedAddress[];
  /** Tried before all others when a Service asks for none (OpenELB's default Eip). */
  readonly isDefault: boolean;
  /** Null when there is none yet. */
  readonly status: PoolStatus | null;
}

/** Which nodes and interfaces answer ARP/NDP for addresses of which pools (as MetalLB's). */
export interface L2Advertisement extends ConfigurationBase {
  readonly kind: 'L2Advertisement';
  /** Names, and selectors on pools; both empty: all pools. */
  readonly ipAddressPools: readonly string[];
  readonly ipAddressPoolSelectors: readonly LabelSelector[];
  /** One must fit; empty: all nodes. */
  readonly nodeSelectors: readonly LabelSelector[];
  /** Interface names, or `can_reach:<ip>`: the interface whose route leads there. Empty: all. */
  readonly interfaces: readonly string[];
  readonly serviceSelectors: readonly LabelSelector[];
  readonly preferredNodeSelectors: readonly { readonly weight: number; readonly preference: LabelSelector }[];
  /** `owner`: one node answers for an address. `perClient`: each client is answered by the node that its address falls to. */
  readonly sharing: 'owner' | 'perClient';
  /** An address stays where it is when its former owner returns. */
  readonly sticky: boolean;
  /** `hash`: nodes agree by themselves on who answers. `lease`: only who holds a Lease of the address does. */
  readonly ownership: 'hash' | 'lease';
}

/** A BGP router to speak to (fields as MetalLB's BGPPeer v1beta2). Times in ms; null: the default. */
export interface BGPPeer extends ConfigurationBase {
  readonly kind: 'BGPPeer';
  readonly myASN: number;
  /** The peer's AS: a number, or whatever it says as long as it is `internal` or `external`. */
  readonly peerASN: { readonly type: 'number'; readonly asn: number } | { readonly type: 'internal' | 'external' };
  readonly localASN: number | null;
  /** An address, or an interface (unnumbered). */
  readonly peer: { readonly type: 'address'; readonly address: string } | { readonly type: 'interface'; readonly interface: string };
  readonly peerPort: number;
  readonly sourceAddress: string | null;
  readonly holdTimeMs: number | null;
  readonly keepaliveTimeMs: number | null;
  readonly connectTimeMs: number | null;
  readonly routerID: string | null;
  readonly nodeSelectors: readonly LabelSelector[];
  /** Never logged. */
  readonly password: string | null;
  /** Secret of type kubernetes.io/basic-auth in the object's own namespace. */
  readonly passwordSecret: string | null;
  readonly bfdProfile: string | null;
  readonly enableGracefulRestart: boolean;
  readonly ebgpMultiHop: boolean;
  readonly vrf: string | null;
  readonly disableMP: boolean;
  readonly dualStackAddressFamily: boolean;
  readonly extras: BGPPeerExtras;
}

/** What only gatehouse.dev/v1 has of a BGPPeer; null: the default. */
export interface BGPPeerExtras {
  readonly connectMode: 'active' | 'passive' | 'both';
  readonly delayOpenTimeMs: number;
  /** Hops to the peer at most; null: any number. Counts with ebgpMultiHop. */
  readonly multihopTTL: number | null;
  /** GTSM (RFC 5082). */
  readonly ttlSecurity: boolean;
  /** The password is the key of TCP-AO (RFC 5925), not of MD5. */
  readonly tcpAO: TcpAuthenticationOption | null;
  /** Paths of a prefix by other nodes too (RFC 7911); 0: none. */
  readonly addPathSend: number;
  readonly gracefulRestartTimeMs: number | null;
  readonly longLivedStaleTimeMs: number | null;
  readonly role: BgpRole | null;
  /** The session is shut down, and the peer told why (RFC 9003). */
  readonly shutdown: string | null;
}

export interface TcpAuthenticationOption {
  readonly keyID: number;
  readonly receiveKeyID: number;
  readonly algorithm: TcpAoAlgorithm;
}

/** How addresses of which pools are announced to BGP peers (as MetalLB's). */
export interface BGPAdvertisement extends ConfigurationBase {
  readonly kind: 'BGPAdvertisement';
  readonly aggregationLength: number;
  readonly aggregationLengthV6: number;
  readonly localPref: number | null;
  /** `65535:65281`, `large:1:2:3`, or a name of a Community object. */
  readonly communities: readonly string[];
  readonly ipAddressPools: readonly string[];
  readonly ipAddressPoolSelectors: readonly LabelSelector[];
  readonly nodeSelectors: readonly LabelSelector[];
  /** Names of BGPPeers; empty: all. */
  readonly peers: readonly string[];
  readonly serviceSelectors: readonly LabelSelector[];
  /** MULTI_EXIT_DISC; null: none. */
  readonly med: number | null;
  /** How many times the own AS is put before the path more than it must be. */
  readonly asPathPrepend: number;
  /** `endpoints`: the link bandwidth community says how many endpoints are on the node. */
  readonly linkBandwidth: 'endpoints' | null;
}

/** Timers of BFD sessions (as MetalLB's; RFC 5880). */
export interface BFDProfile extends ConfigurationBase {
  readonly kind: 'BFDProfile';
  readonly receiveIntervalMs: number;
  readonly transmitIntervalMs: number;
  readonly detectMultiplier: number;
  readonly echoIntervalMs: number;
  readonly echoMode: boolean;
  readonly passiveMode: boolean;
  readonly minimumTtl: number;
}

/** Names for BGP communities. */
export interface Community extends ConfigurationBase {
  readonly kind: 'Community';
  readonly communities: readonly { readonly name: string; readonly value: string }[];
}

/** What one node says of the addresses of one Service that it carries (gatehouse.dev/v1). */
export interface ServiceVIPStatus extends ObjectBase {
  readonly kind: 'ServiceVIPStatus';
  readonly node: string;
  readonly service: { readonly namespace: string; readonly name: string };
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
  /** `hints.forZones` and `hints.forNodes`: whose clients are to use it. Empty: no hint. */
  readonly hintZones: readonly string[];
  readonly hintNodes: readonly string[];
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
  | L2Advertisement
  | BGPPeer
  | BGPAdvertisement
  | BFDProfile
  | Community
  | ServiceVIPStatus
  | Namespace
  | Node;

export type Kind = KubeObject['kind'];

/** The reference that names an object. */
export function refOf(object: KubeObject): ObjectRef {
  return { kind: object.kind, namespace: object.metadata.namespace, name: object.metadata.name };
}
