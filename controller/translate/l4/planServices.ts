import type { L4Route } from '../../../core/ir/l4.ts';
import { refOf, type Service, type ServicePort } from '../../model/objects.ts';
import type { ServiceAssignment } from '../../allocator/assignment.ts';
import { problemOf } from '../problemOf.ts';
import type { ServiceStatus } from '../translation.ts';
import { keyOfService, lookBehind, targetsOf, type CarriedPort, type L4Context } from './l4Context.ts';
import type { PortClaim } from './portClaim.ts';
import { judgeVip, type VipForwarding } from './vipForwarding.ts';

/** A Service of type LoadBalancer, and what it has been given. */
export interface AssignedService {
  readonly service: Service;
  /** It gets addresses from us, if from anybody. */
  readonly ours: boolean;
  readonly assignment: ServiceAssignment | null;
  /** Why it has no address, in words for people; empty when it has one. */
  readonly pending: string;
}

/** What one Service asks for, and what is shown of it. */
export interface ServicePlan {
  readonly claims: readonly PortClaim[];
  readonly status: ServiceStatus;
}

/** Plans the ports of one Service on each of its addresses. */
export function planService({ service, ours, assignment, pending }: AssignedService, context: L4Context): ServicePlan {
  const addresses = assignment?.addresses ?? [];
  const judged = addresses.map((address) => judgeVip(address, context.options, context.node));
  const carriedAddresses = addresses.filter((_, index) => judged[index]?.carried === true);
  reportUnlikely(service, addresses, { judged, context });
  const ports = service.ports.map((port, index) => planPort({ service, port, index, addresses: carriedAddresses }, context));
  return {
    claims: ports.flatMap((port) => port.claims),
    status: {
      ref: refOf(service),
      ours,
      addresses,
      pool: assignment?.pool ?? null,
      forwarding: carriedAddresses.length > 0 ? 'proxy' : 'none',
      reason: reasonOf(service, { judged, pending, context }),
      ports: ports.map(({ endpoints }, index) => portStatus(service.ports[index], endpoints)).filter((port) => port !== null),
    },
  };
}

interface PortPlan {
  readonly claims: readonly PortClaim[];
  readonly endpoints: number | null;
}

interface WantedPort {
  readonly service: Service;
  readonly port: ServicePort;
  readonly index: number;
  /** Those that the proxy binds. */
  readonly addresses: readonly string[];
}

function planPort(wanted: WantedPort, context: L4Context): PortPlan {
  const { service, port, index, addresses } = wanted;
  const role = isPublished(service, context) ? ingressRole(port) : null;
  const field = `spec.ports[${index}]`;
  const place = (protocol: 'tcp' | 'udp', use: PortClaim['use']): readonly PortClaim[] =>
    addresses.map((address) => ({ object: service, field, protocol, address, port: port.port, use }));
  if (role !== null) return { claims: place('tcp', { type: role }), endpoints: null };
  if (port.protocol === 'SCTP') {
    if (addresses.length > 0) reportSctp(wanted, context);
    return { claims: [], endpoints: 0 };
  }
  const protocol = port.protocol === 'TCP' ? 'tcp' : 'udp';
  const node = service.externalTrafficPolicy === 'Local' ? context.options.nodeName : null;
  const carried: CarriedPort = { service, port, protocol, node };
  if (addresses.length === 0) return { claims: [], endpoints: lookBehind(carried, context).ready };
  const { route, endpoints } = routeOf(carried, field, context);
  return { claims: place(protocol, { type: 'route', route }), endpoints };
}

function routeOf(carried: CarriedPort, field: string, context: L4Context): { readonly route: L4Route; readonly endpoints: number } {
  const { service, protocol } = carried;
  const { primary, targets } = targetsOf(carried, context);
  const { idleTimeoutMs, acceptProxyProtocol, sendProxyProtocol, ...settings } = context.settingsOf(service);
  if (primary.fault !== null) {
    const effect = protocol === 'tcp' ? 'connections are reset' : 'datagrams are dropped';
    const { severity, rule } = primary.fault;
    context.problems.push(problemOf(service, { severity, field, rule, effect }));
  }
  const tcp = protocol === 'tcp';
  const route: L4Route = {
    owner: refOf(service),
    field,
    targets,
    ...settings,
    acceptProxyProtocol: tcp ? acceptProxyProtocol : null,
    sendProxyProtocol: tcp ? sendProxyProtocol : null,
    idleTimeoutMs: idleTimeoutMs[protocol],
  };
  return { route, endpoints: primary.ready };
}

function isPublished(service: Service, { options }: L4Context): boolean {
  return options.publishService === keyOfService(service);
}

/** Which ports of the publish Service are those of Ingresses: by name, else by number. */
function ingressRole({ name, port, protocol }: ServicePort): 'http' | 'https' | null {
  if (protocol !== 'TCP') return null;
  if (name === 'http' || name === 'https') return name;
  return port === 80 ? 'http' : port === 443 ? 'https' : null;
}

function portStatus(port: ServicePort | undefined, endpoints: number | null): ServiceStatus['ports'][number] | null {
  return port === undefined ? null : { port: port.port, protocol: port.protocol, name: port.name, endpoints };
}

function reasonOf(
  service: Service,
  { judged, pending, context }: { readonly judged: readonly VipForwarding[]; readonly pending: string; readonly context: L4Context },
): string {
  if (judged.length === 0) return pending;
  const reasons = judged.map(({ reason }) => reason);
  if (isPublished(service, context)) reasons.push('its HTTP and HTTPS ports serve the Ingresses (--publish-service)');
  return reasons.join('; ');
}

function reportUnlikely(
  service: Service,
  addresses: readonly string[],
  { judged, context }: { readonly judged: readonly VipForwarding[]; readonly context: L4Context },
): void {
  const unlikely = addresses.filter((_, index) => judged[index]?.unlikely === true);
  if (unlikely.length === 0) return;
  const rule = 'needs its address on an interface of this machine, as --vips bind is given';
  const effect = 'nobody reaches it here until the address is there, or net.ipv4.ip_nonlocal_bind allows to bind it without';
  context.problems.push(problemOf(service, { severity: 'warning', field: '', rule, value: unlikely.join(','), effect }));
}

function reportSctp({ service, index }: WantedPort, context: L4Context): void {
  const finding = { rule: 'must be TCP or UDP for the proxy to carry it', value: 'SCTP', effect: 'the port is not opened' };
  context.problems.push(problemOf(service, { severity: 'error', field: `spec.ports[${index}].protocol`, ...finding }));
}
