import type { Condition, LoadBalancerIngress, ObjectBase } from './objectBase.ts';

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

/** What one node says of the addresses of one Service that it carries (gatehouse.dev/v1). */
export interface ServiceVIPStatus extends ObjectBase {
  readonly kind: 'ServiceVIPStatus';
  readonly node: string;
  readonly service: { readonly namespace: string; readonly name: string };
}
