import type { IPAddressPool, Metadata, Service, ServicePort } from '../../model/objects.ts';

/** For tests: what differs from an ordinary Service of type LoadBalancer with port TCP/80. */
export interface ServiceFields extends Partial<Omit<Service, 'kind' | 'metadata' | 'origin' | 'ports' | 'selector'>> {
  readonly annotations?: Readonly<Record<string, string>>;
  /** `TCP/80`. */
  readonly ports?: readonly string[];
  readonly selector?: Readonly<Record<string, string>>;
  readonly createdAtMs?: number;
}

/** For tests: a Service; `key` is `namespace/name`. */
export function service(key: string, fields: ServiceFields = {}): Service {
  const { annotations = {}, ports = ['TCP/80'], selector = {}, createdAtMs = null, ...others } = fields;
  return {
    kind: 'Service',
    metadata: metadata(key, annotations, createdAtMs),
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
    sessionAffinity: 'None',
    sessionAffinityTimeoutSeconds: 10_800,
    ipFamilies: [],
    ipFamilyPolicy: null,
    statusAddresses: [],
    ...others,
  };
}

/** For tests: what differs from an ordinary pool. */
export interface PoolFields {
  readonly autoAssign?: boolean;
  readonly avoidBuggyIPs?: boolean;
  readonly namespace?: string;
  readonly createdAtMs?: number;
}

/** For tests: a pool. */
export function pool(name: string, addresses: readonly string[], fields: PoolFields = {}): IPAddressPool {
  const { autoAssign = true, avoidBuggyIPs = false, namespace = 'edge', createdAtMs = null } = fields;
  return {
    kind: 'IPAddressPool',
    metadata: metadata(`${namespace}/${name}`, {}, createdAtMs),
    origin: null,
    addresses,
    autoAssign,
    avoidBuggyIPs,
  };
}

function metadata(key: string, annotations: Readonly<Record<string, string>>, createdAtMs: number | null): Metadata {
  const slash = key.indexOf('/');
  return {
    namespace: key.slice(0, slash),
    name: key.slice(slash + 1),
    labels: new Map(),
    annotations: new Map(Object.entries(annotations)),
    createdAtMs,
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
