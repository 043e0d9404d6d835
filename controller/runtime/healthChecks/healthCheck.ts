import { isIPv6 } from 'node:net';
import { l4Key } from '../../../core/ir/l4.ts';
import type { ObjectRef } from '../../../core/ir/objectRef.ts';
import type { Service } from '../../model/service.ts';
import type { ObjectIndex } from '../../model/store.ts';
import type { ServiceStatus } from '../../translate/translation.ts';
import type { SeenState } from '../gatehouse.ts';

/** What a load balancer that asks at a health check node port is told about one Service. */
export interface HealthCheck {
  readonly service: ObjectRef;
  readonly port: number;
  /** Of this node, ready. */
  readonly localEndpoints: number;
  /** Traffic of the Service is carried here; to be asked at each request. */
  readonly carries: () => boolean;
}

/** What the health checks of this node follow from. */
export type HealthCheckInput = Pick<SeenState, 'objects' | 'services' | 'announcer' | 'announced' | 'listeners' | 'snapshot' | 'options' | 'proxyServes'>;

/**
 * The health checks of this node, by port: of Services with externalTrafficPolicy Local whose addresses the kernel takes in here.
 * Of Services that name the same port, which an API server does not let happen, the first counts. A port that this process listens on
 * itself is left to that.
 */
export function healthChecks(input: HealthCheckInput, nodeName: string): ReadonlyMap<number, HealthCheck> {
  const checks = new Map<number, HealthCheck>();
  const ownPorts = ownTcpPorts(input);
  for (const status of input.services) {
    const { namespace, name } = status.ref;
    const service = input.objects.get('Service', namespace, name);
    const port = service?.healthCheckNodePort ?? null;
    if (service === undefined || port === null || service.type !== 'LoadBalancer' || service.externalTrafficPolicy !== 'Local') continue;
    const carriers = carriersOf(status, input);
    if (carriers.size === 0 || ownPorts.has(port) || checks.has(port)) continue;
    const programmed = input.announced?.kernel.programmed === true;
    const carries = (): boolean => programmed && (!carriers.has('proxy') || input.proxyServes());
    checks.set(port, { service: status.ref, port, localEndpoints: localEndpoints(service, status, { objects: input.objects, nodeName }), carries });
  }
  return checks;
}

/** Who carries ports of the Service that the kernel takes in here. */
function carriersOf({ ours, addresses, ports }: ServiceStatus, { announcer }: HealthCheckInput): ReadonlySet<'endpoints' | 'proxy'> {
  if (!ours || announcer === null) return new Set();
  const forwarded = addresses.flatMap((address) => ports.map(({ port, protocol }) => announcer.ports.get(l4Key(protocol === 'UDP' ? 'udp' : 'tcp', address, port))));
  return new Set(forwarded.flatMap((port) => port?.to.type ?? []));
}

/** The proxy's and the admin API's, on whatever address: a port that is open on all of them would be in their way. */
function ownTcpPorts({ listeners, snapshot, options, announcer }: HealthCheckInput): ReadonlySet<number> {
  const ports = new Set([...listeners, ...(options?.reserved ?? [])].map(({ port }) => port));
  for (const { protocol, port } of snapshot?.l4Listeners.values() ?? []) if (protocol === 'tcp') ports.add(port);
  for (const { protocol, port, to } of announcer?.ports.values() ?? []) if (protocol === 'tcp' && to.type === 'proxy') ports.add(port);
  return ports;
}

/** The publish Service's are the proxies of all nodes, whether it has endpoints or not. */
function localEndpoints(service: Service, { ports }: ServiceStatus, where: { readonly objects: ObjectIndex; readonly nodeName: string }): number {
  const isPublished = ports.some(({ endpoints }) => endpoints === null);
  return Math.max(countLocalEndpoints(service, where), isPublished ? 1 : 0);
}

/**
 * Ready endpoints of a Service on a node, as kube-proxy counts them: addresses, whatever their ports. Those that terminate do not
 * count even if they still serve, so that load balancers turn away in time (KEP-1669). A Pod with an address of each family is one.
 */
export function countLocalEndpoints({ metadata }: Service, { objects, nodeName }: { readonly objects: ObjectIndex; readonly nodeName: string }): number {
  const [ipv4, ipv6] = [new Set<string>(), new Set<string>()];
  for (const { addressType, ports, endpoints } of objects.slicesOf(metadata.namespace, metadata.name)) {
    if (addressType === 'FQDN' || ports.length === 0) continue;
    const local = endpoints.filter((endpoint) => endpoint.nodeName === nodeName && endpoint.ready !== false);
    for (const address of local.flatMap(({ addresses }) => addresses)) (isIPv6(address) ? ipv6 : ipv4).add(address);
  }
  return Math.max(ipv4.size, ipv6.size);
}
