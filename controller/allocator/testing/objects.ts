import type { IPAddressPool, ServiceAllocation } from '../../model/addressPool.ts';
import type { LabelSelector, Metadata } from '../../model/objectBase.ts';
import type { Namespace } from '../../model/objects.ts';
import type { Service, ServicePort } from '../../model/service.ts';

/** For tests: what differs from an ordinary Service of type LoadBalancer with port TCP/80. */
export interface ServiceFields extends Partial<Omit<Service, 'kind' | 'metadata' | 'origin' | 'ports' | 'selector'>> {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** `TCP/80`. */
  readonly ports?: readonly string[];
  readonly selector?: Readonly<Record<string, string>>;
  readonly createdAtMs?: number;
}

/** For tests: a Service; `key` is `namespace/name`. */
export function service(key: string, fields: ServiceFields = {}): Service {
  const { annotations = {}, labels = {}, ports = ['TCP/80'], selector = {}, createdAtMs = null, ...others } = fields;
  return {
    kind: 'Service',
    metadata: metadata(key, { annotations, labels, createdAtMs }),
    origin: null,
    type: 'LoadBalancer',
    ports: ports.map(portOf),
    externalName: '',
    clusterIPs: [],
    publishNotReadyAddresses: false,
    selector: new Map(Object.entries(selector)),
    loadBalancerIP: '',
    loadBalancerClass: null,
    loadBalancerSourceRanges: [],
    externalTrafficPolicy: 'Cluster',
    healthCheckNodePort: null,
    sessionAffinity: 'None',
    sessionAffinityTimeoutSeconds: 10_800,
    ipFamilies: [],
    ipFamilyPolicy: null,
    statusAddresses: [],
    statusLoadBalancer: [],
    statusConditions: [],
    trafficDistribution: null,
    ...others,
  };
}

/** For tests: what differs from an ordinary pool. */
export interface PoolFields {
  readonly autoAssign?: boolean;
  readonly avoidBuggyIPs?: boolean;
  readonly namespace?: string;
  readonly createdAtMs?: number;
  readonly drain?: boolean;
  readonly isDefault?: boolean;
  /** `address` → `namespace/name`. */
  readonly reserved?: Readonly<Record<string, string>>;
  readonly serviceAllocation?: Partial<ServiceAllocation>;
}

/** For tests: a pool. */
export function pool(name: string, addresses: readonly string[], fields: PoolFields = {}): IPAddressPool {
  const { autoAssign = true, avoidBuggyIPs = false, namespace = 'edge', createdAtMs = null, serviceAllocation } = fields;
  return {
    kind: 'IPAddressPool',
    group: 'gatehouse.dev',
    metadata: metadata(`${namespace}/${name}`, { createdAtMs }),
    origin: null,
    addresses,
    autoAssign,
    avoidBuggyIPs,
    serviceAllocation:
      serviceAllocation === undefined
        ? null
        : { priority: 0, namespaces: [], namespaceSelectors: [], serviceSelectors: [], ...serviceAllocation },
    drain: fields.drain ?? false,
    reserved: Object.entries(fields.reserved ?? {}).map(([address, owner]) => ({ address, service: owner })),
    isDefault: fields.isDefault ?? false,
    status: null,
  };
}

/** For tests: a Namespace. */
export function namespaceOf(name: string, labels: Readonly<Record<string, string>> = {}): Namespace {
  return { kind: 'Namespace', metadata: metadata(`/${name}`, { labels }), origin: null };
}

/** For tests: a selector that wants these labels. */
export function selecting(labels: Readonly<Record<string, string>>): LabelSelector {
  return { matchLabels: new Map(Object.entries(labels)), matchExpressions: [] };
}

interface MetadataFields {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly createdAtMs?: number | null;
}

function metadata(key: string, { annotations = {}, labels = {}, createdAtMs = null }: MetadataFields): Metadata {
  const slash = key.indexOf('/');
  return {
    namespace: key.slice(0, slash),
    name: key.slice(slash + 1),
    labels: new Map(Object.entries(labels)),
    annotations: new Map(Object.entries(annotations)),
    createdAtMs,
    uid: '',
    resourceVersion: '',
  };
}

function portOf(text: string): ServicePort {
  const [protocol = '', number = ''] = text.split('/');
  const port = Number(number);
  return {
    name: text.toLowerCase().replace('/', '-'),
    port,
    protocol: protocol as ServicePort['protocol'],
    targetPort: port,
    nodePort: null,
  };
}
