import type { L4Route } from '../../../core/ir/l4.ts';
import type { ServiceAssignment } from '../../allocator/assignment.ts';
import { refOf } from '../../model/objects.ts';
import type { Service, ServicePort } from '../../model/service.ts';
import type { VipWish } from '../announcements/announceVips.ts';
import { annotationField, OWN_PREFIX } from '../annotations/readAnnotations.ts';
import { problemOf } from '../problemOf.ts';
import type { ServiceStatus } from '../translation.ts';
import { keyOfService, lookBehind, targetsOf, type CarriedPort, type L4Context } from './l4Context.ts';
import type { PortClaim } from './portClaim.ts';
import { SERVICE_ROWS } from './serviceRows.ts';
import { carrierOf, kernelTarget, type VipCarrier } from './vipCarrier.ts';
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
  /** Its addresses that are to be announced. */
  readonly vips: readonly VipWish[];
  readonly status: ServiceStatus;
}

/** One address of a Service, and how its packets are taken in and carried. */
interface Place {
  readonly address: string;
  readonly forwarding: VipForwarding;
  /** Who carries what is not for Ingresses; null: the address is not taken in by the kernel. */
  readonly carrier: VipCarrier | null;
}

/** Plans the ports of one Service on each of its addresses. */
export function planService({ service, ours, assignment, pending }: AssignedService, context: L4Context): ServicePlan {
  // What is wrong with its annotations is said whether anybody carries it here or not.
  if (ours) context.settingsOf(service);
  const advertisements = assignment === null ? [] : context.advertisementsOf(service, assignment.pool);
  const bgpAdvertisements = assignment === null ? [] : context.bgpAdvertisementsOf(service, assignment.pool);
  const isAnnounced = advertisements.length > 0 || bgpAdvertisements.length > 0;
  const places = (assignment?.addresses ?? []).map((address): Place => {
    const forwarding = judgeVip(address, context.options, { node: context.node, announced: isAnnounced });
    return { address, forwarding, carrier: forwarding.by === 'kernel' ? carrierOf(service, address, { ports: carriedPorts(service, context), context }) : null };
  });
  reportDoubts(service, places, context);
  const ports = service.ports.map((port, index) => planPort({ service, port, index, places, announced: isAnnounced }, context));
  const claims = ports.flatMap((port) => port.claims);
  const announce = ({ address, forwarding }: Place): VipWish => {
    const own = claims.filter((claim) => claim.address === address);
    return {
      service, address, bgpAdvertisements, isPublished: isPublished(service, context),
      advertisements: forwarding.by === 'kernel' ? advertisements : [],
      needsProxy: own.some(({ use }) => use.type !== 'kernel'),
      needsKernel: own.some(({ viaKernel }) => viaKernel),
    };
  };
  return {
    claims,
    vips: places.filter(({ forwarding }) => forwarding.by !== 'none').map(announce),
    status: {
      ref: refOf(service),
      ours,
      addresses: places.map(({ address }) => address),
      pool: assignment?.pool ?? null,
      forwarding: forwardingOf(claims),
      reason: reasonOf(service, { places, pending, context }),
      ports: ports.map(({ endpoints }, index) => portStatus(service.ports[index], endpoints)).filter((port) => port !== null),
    },
  };
}

/** Those that are carried to endpoints. */
function carriedPorts(service: Service, context: L4Context): readonly CarriedPort[] {
  return service.ports.flatMap((port): CarriedPort[] => {
    const isOfIngresses = isPublished(service, context) && ingressRole(port) !== null;
    return isOfIngresses || port.protocol === 'SCTP' ? [] : [carriedPort(service, port, context)];
  });
}

function carriedPort(service: Service, port: ServicePort, context: L4Context): CarriedPort {
  const node = service.externalTrafficPolicy === 'Local' ? context.options.nodeName : null;
  return { service, port, protocol: port.protocol === 'UDP' ? 'udp' : 'tcp', node };
}

function forwardingOf(claims: readonly PortClaim[]): ServiceStatus['forwarding'] {
  if (claims.some(({ use }) => use.type === 'kernel')) return 'kernel';
  return claims.length > 0 ? 'proxy' : 'none';
}

interface PortPlan {
  readonly claims: readonly PortClaim[];
  readonly endpoints: number | null;
}

interface WantedPort {
  readonly service: Service;
  readonly port: ServicePort;
  readonly index: number;
  readonly places: readonly Place[];
  /** Nodes that have endpoints answer for it. */
  readonly announced: boolean;
}

function planPort(wanted: WantedPort, context: L4Context): PortPlan {
  const { service, port, index } = wanted;
  const role = isPublished(service, context) ? ingressRole(port) : null;
  const places = wanted.places.filter(({ forwarding }) => forwarding.by !== 'none');
  const claim = ({ address, forwarding }: Place, protocol: 'tcp' | 'udp', use: PortClaim['use']): PortClaim => {
    const place = { object: service, field: `spec.ports[${index}]`, protocol, address, port: port.port };
    return { ...place, viaKernel: forwarding.by === 'kernel', use };
  };
  if (role !== null) return { claims: places.map((place) => claim(place, 'tcp', { type: role })), endpoints: null };
  if (port.protocol === 'SCTP') {
    if (places.length > 0) reportSctp(wanted, context);
    return { claims: [], endpoints: 0 };
  }
  const carried = carriedPort(service, port, context);
  const taken = places.filter(({ carrier }) => carrier?.by !== 'none');
  if (taken.length === 0) return { claims: [], endpoints: lookBehind(carried, context).ready };
  const { route, endpoints } = routeOf(carried, { field: `spec.ports[${index}]`, announced: wanted.announced }, context);
  const claims = taken.map((place) => {
    const byKernel = place.carrier?.by === 'kernel';
    return claim(place, carried.protocol, byKernel ? { type: 'kernel', target: kernelTarget(carried, place.address, context), sourceRanges: route.sourceRanges } : { type: 'route', route });
  });
  return { claims, endpoints };
}

function routeOf(
  carried: CarriedPort,
  { field, announced }: { readonly field: string; readonly announced: boolean },
  context: L4Context,
): { readonly route: L4Route; readonly endpoints: number } {
  const { service, protocol } = carried;
  const { primary, targets } = targetsOf(carried, context);
  const { idleTimeoutMs, acceptProxyProtocol, sendProxyProtocol, ...others } = context.settingsOf(service);
  const { sourceRanges, affinityTimeoutMs, connectTimeoutMs, maxConnections } = others;
  // Another node's endpoints are enough for an address that is announced: that node will be the one to answer.
  const elsewhere = announced && carried.node !== null && lookBehind({ ...carried, node: null }, context).ready > 0;
  if (primary.fault !== null && !elsewhere) {
    const effect = protocol === 'tcp' ? 'connections are reset' : 'datagrams are dropped';
    const { severity, rule } = primary.fault;
    context.problems.push(problemOf(service, { severity, field, rule, effect }));
  }
  const tcp = protocol === 'tcp';
  const route: L4Route = {
    owner: refOf(service),
    field,
    targets,
    sourceRanges,
    affinityTimeoutMs,
    connectTimeoutMs,
    maxConnections,
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
  { places, pending, context }: { readonly places: readonly Place[]; readonly pending: string; readonly context: L4Context },
): string {
  if (places.length === 0) return pending;
  const reasons = places.map(({ forwarding, carrier }) => (carrier === null ? forwarding.reason : `${forwarding.reason}; ${carrier.reason}`));
  if (isPublished(service, context)) reasons.push('its HTTP and HTTPS ports serve the Ingresses (--publish-service)');
  return [...new Set(reasons)].join('; ');
}

function reportDoubts(service: Service, places: readonly Place[], context: L4Context): void {
  const byRule = Map.groupBy(places.filter(({ forwarding }) => forwarding.doubt !== null), ({ forwarding }) => forwarding.doubt?.rule ?? '');
  for (const [rule, doubted] of byRule) {
    const effect = doubted[0]?.forwarding.doubt?.effect ?? '';
    const value = doubted.map(({ address }) => address).join(',');
    context.problems.push(problemOf(service, { severity: 'warning', field: '', rule, value, effect }));
  }
  const overruled = places.find(({ carrier }) => carrier?.overruled === true)?.carrier;
  if (overruled === undefined || overruled === null) return;
  const field = annotationField(`${OWN_PREFIX}${SERVICE_ROWS.forwarding.name}`);
  const rule = `must not be kernel beside what only the proxy can do; ${overruled.reason}`;
  context.problems.push(problemOf(service, { severity: 'warning', field, rule, value: 'kernel', effect: 'the proxy carries it' }));
}

function reportSctp({ service, index }: WantedPort, context: L4Context): void {
  const finding = { rule: 'must be TCP or UDP to be carried', value: 'SCTP', effect: 'the port is not opened' };
  context.problems.push(problemOf(service, { severity: 'error', field: `spec.ports[${index}].protocol`, ...finding }));
}
