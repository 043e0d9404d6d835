import type { V1Service } from '@kubernetes/client-node';
import type { BackendAddress, Manifest, PoolManifest } from './manifests.ts';

/** Addresses of 127.64.0.0 to 127.89.255.255 that no other test process has: pools of two tests must not meet. */
export function testRange(): { readonly prefix: string; readonly pool: PoolManifest } {
  const prefix = `127.${64 + (Math.floor(process.pid / 250) % 26)}.${process.pid % 250}`;
  return { prefix, pool: pool('test', [`${prefix}.1-${prefix}.99`]) };
}

export function pool(name: string, addresses: readonly string[], spec: Partial<PoolManifest['spec']> = {}): PoolManifest {
  return { apiVersion: 'gatehouse.dev/v1', kind: 'IPAddressPool', metadata: { name }, spec: { addresses: [...addresses], ...spec } };
}

/** One port of a Service and the backends behind it. */
export interface BalancedPort {
  readonly name?: string;
  readonly port: number;
  readonly protocol?: 'TCP' | 'UDP';
  readonly backends: readonly BackendAddress[];
}

export interface BalancerOptions {
  readonly annotations?: Record<string, string>;
  readonly spec?: Partial<NonNullable<V1Service['spec']>>;
}

/** A Service of type LoadBalancer (unless `spec` says otherwise) with its EndpointSlices. */
export function loadBalancer(name: string, ports: readonly BalancedPort[], options: BalancerOptions = {}): Manifest[] {
  const named = ports.map(({ name: portName, port, protocol, backends }) => ({ name: portName ?? `${(protocol ?? 'TCP').toLowerCase()}-${port}`, port, protocol: protocol ?? 'TCP', backends }));
  const service: V1Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', ...(options.annotations === undefined ? {} : { annotations: options.annotations }) },
    spec: { type: 'LoadBalancer', ports: named.map(({ name: portName, port, protocol }) => ({ name: portName, port, protocol })), ...options.spec },
  };
  const slices = named.flatMap(({ name: portName, protocol, backends }) =>
    [...Map.groupBy(backends, (backend) => backend.port)].map(([port, group]) => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `${name}-${portName}-${port}`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: portName, port, protocol }],
      endpoints: group.map(({ address, conditions }) => ({ addresses: [address], conditions: conditions ?? { ready: true } })),
    })));
  return [service, ...slices];
}

/** What `GET /api/v1/status` says of a Service. */
export interface ServiceLine {
  readonly namespace: string;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly pool: string | null;
  readonly forwarding: string;
}

/** The Services of a status, by name. */
export function servicesOf(status: unknown): ReadonlyMap<string, ServiceLine> {
  const { services } = status as { readonly services: readonly ServiceLine[] };
  return new Map(services.map((service) => [service.name, service]));
}
