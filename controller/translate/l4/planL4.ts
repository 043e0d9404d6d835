import type { Cluster, ClusterKey } from '../../../core/ir/cluster.ts';
import type { L4Key, L4Listener } from '../../../core/ir/l4.ts';
import { printValue, type Problem } from '../../../core/ir/problem.ts';
import type { AnnouncerWanted } from '../../announcer/wanted.ts';
import { isOurs } from '../../allocator/serviceWish.ts';
import type { Assignments } from '../../allocator/assignment.ts';
import type { Service } from '../../model/service.ts';
import type { ObjectIndex } from '../../model/store.ts';
import type { LocalRules } from '../backends/localBackend.ts';
import { compareText } from '../ingressAge.ts';
import type { ServiceStatus, TranslateOptions, VipListener } from '../translation.ts';
import { claimPorts } from './claimPorts.ts';
import { announceVips } from '../announcements/announceVips.ts';
import { planBgp } from '../announcements/bgp/planBgp.ts';
import { createClusterBook } from './clusterBook.ts';
import { createL4Context, keyOfService } from './l4Context.ts';
import { planPortMaps, readPortMaps } from './planPortMaps.ts';
import { planService, type AssignedService } from './planServices.ts';
import { findServiceCanaries } from './serviceCanaries.ts';

/** Ports of their own, what stands behind them, and what is shown of the Services that have them. */
export interface L4Plan {
  readonly listeners: ReadonlyMap<L4Key, L4Listener>;
  readonly vipListeners: readonly VipListener[];
  readonly announcer: AnnouncerWanted;
  /** Those that `listeners` lead to. */
  readonly clusters: ReadonlyMap<ClusterKey, Cluster>;
  /** By namespace and name. */
  readonly services: readonly ServiceStatus[];
  readonly problems: readonly Problem[];
}

/** The Services that are watched, and what allocation found for them. */
export interface Allocated {
  readonly services: readonly Service[];
  readonly assignments: Assignments;
  readonly problems: readonly Problem[];
}

/** Plans every L4 port: VIPs of Services, ports of the tcp-services and udp-services ConfigMaps, the publish Service's. */
export function planL4(objects: ObjectIndex, options: TranslateOptions & Pick<LocalRules, 'ownVips'>, allocated: Allocated): L4Plan {
  const { services } = allocated;
  const balanced = services.filter(({ type }) => type === 'LoadBalancer');
  const maps = readPortMaps(objects, options);
  const primaries = new Set([...balanced.map(keyOfService), ...maps.services]);
  const { canaries, problems: canaryProblems } = findServiceCanaries(objects, services, primaries);
  const problems: Problem[] = [...maps.problems, ...canaryProblems, ...publishProblems(objects, options)];
  const book = createClusterBook(objects, options);
  const context = createL4Context({ objects, options, book, canaries, problems });
  const plans = balanced.map((service) => planService(assigned(service, allocated, options), context));
  const claims = [...plans.flatMap((plan) => plan.claims), ...planPortMaps(maps, context)];
  const claimed = claimPorts(claims, options.reserved);
  const wishes = plans.flatMap(({ vips }) => vips);
  const announced = announceVips(wishes, objects, options);
  const { bgp, problems: bgpProblems } = planBgp(wishes, objects, options);
  return {
    listeners: claimed.listeners,
    vipListeners: claimed.vipListeners,
    announcer: {
      ports: claimed.forwarded,
      vips: announced.vips,
      nodes: announcingNodes(objects, options),
      bgp,
    },
    clusters: reachable(claimed.listeners, book.clusters),
    services: plans.map(({ status }) => status),
    problems: [...problems, ...claimed.problems, ...announced.problems, ...bgpProblems],
  };
}

/** Nodes that may run an announcer: those of Node objects, and those that were given. */
function announcingNodes(objects: ObjectIndex, { peers }: TranslateOptions): ReadonlyMap<string, readonly string[]> {
  const nodes = new Map([...objects.list('Node')].map(({ metadata, internalIPs }) => [metadata.name, internalIPs]));
  for (const { name, address } of peers) nodes.set(name, [...new Set([...(nodes.get(name) ?? []), address])]);
  return nodes;
}

function assigned(service: Service, { assignments, problems }: Allocated, options: TranslateOptions): AssignedService {
  const ours = isOurs(service, options);
  const assignment = assignments.get(keyOfService(service)) ?? null;
  return { service, ours, assignment, pending: assignment === null ? pendingReason(service, problems, { ours, options }) : '' };
}

function pendingReason(
  { metadata, loadBalancerClass }: Service,
  problems: readonly Problem[],
  { ours, options }: { readonly ours: boolean; readonly options: TranslateOptions },
): string {
  if (!ours) return notOurs(loadBalancerClass, options);
  const fault = problems.find(
    ({ object }) => object?.kind === 'Service' && object.namespace === metadata.namespace && object.name === metadata.name,
  );
  if (fault !== undefined) return `no address: ${fault.field === '' ? '' : `${fault.field} `}${fault.rule}`;
  if (options.allocation === 'keep') return 'no address yet: the leader gives it one';
  return 'no address: no IPAddressPool has one for it';
}

function notOurs(loadBalancerClass: string | null, options: TranslateOptions): string {
  if (loadBalancerClass !== null) return `not ours: spec.loadBalancerClass ${loadBalancerClass} leaves it to another load balancer`;
  if (options.loadBalancerClass.required) return `not ours: it has no spec.loadBalancerClass ${options.loadBalancerClass.name} (--load-balancer-class-only)`;
  return 'not ours: it lacks the annotation lb.kubesphere.io/v1alpha1: openelb (--compat openelb)';
}

function reachable(listeners: ReadonlyMap<L4Key, L4Listener>, clusters: ReadonlyMap<ClusterKey, Cluster>): ReadonlyMap<ClusterKey, Cluster> {
  const keys = new Set([...listeners.values()].flatMap(({ route }) => route.targets.map(({ cluster }) => cluster)));
  return new Map([...clusters].filter(([key]) => keys.has(key)).toSorted(([a], [b]) => compareText(a, b)));
}

function publishProblems(objects: ObjectIndex, { publishService }: TranslateOptions): Problem[] {
  if (publishService === null) return [];
  const [namespace = '', name = ''] = publishService.split('/');
  const service = objects.get('Service', namespace, name);
  if (service?.type === 'LoadBalancer') return [];
  return [
    {
      severity: 'warning',
      object: { kind: 'Service', namespace, name },
      position: service?.origin?.locate('spec.type') ?? null,
      field: service === undefined ? '' : 'spec.type',
      rule: 'is named by --publish-service and must be a Service of type LoadBalancer',
      value: service === undefined ? '' : printValue(service.type),
      effect: service === undefined ? 'Ingresses show no address' : 'Ingresses show its cluster addresses',
    },
  ];
}
