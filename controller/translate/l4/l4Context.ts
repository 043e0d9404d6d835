import type { L4Target } from '../../../core/ir/l4.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import { findAdvertisements, type FindAdvertisements } from '../announcements/announceVips.ts';
import type { BGPAdvertisement, L2Advertisement } from '../../model/advertisements.ts';
import type { Service, ServicePort } from '../../model/service.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { nodeFacts, type NodeFacts } from '../nodeFacts.ts';
import type { TranslateOptions } from '../translation.ts';
import type { ClusterBook, L4Cluster } from './clusterBook.ts';
import { canaryFault, canaryPort, type ServiceCanaries } from './serviceCanaries.ts';
import { CANARY_WEIGHT_TOTAL } from './serviceRows.ts';
import { readServiceSettings, type ServiceSettings } from './serviceSettings.ts';

/** What the planning of all L4 ports shares; problems gather in it. */
export interface L4Context {
  readonly objects: ObjectIndex;
  readonly options: TranslateOptions;
  readonly book: ClusterBook;
  readonly canaries: ServiceCanaries;
  readonly problems: Problem[];
  /** Of the Node that this is. */
  readonly node: NodeFacts;
  /** For a Service with an address of a pool. */
  readonly advertisementsOf: FindAdvertisements<L2Advertisement>;
  readonly bgpAdvertisementsOf: FindAdvertisements<BGPAdvertisement>;
  /** Settings of a Service; their problems are reported once. */
  settingsOf(service: Service): ServiceSettings;
}

/** Makes the context of one translation. */
export function createL4Context(parts: Pick<L4Context, 'objects' | 'options' | 'book' | 'canaries' | 'problems'>): L4Context {
  const known = new Map<Service, ServiceSettings>();
  return {
    ...parts,
    node: nodeFacts(parts.objects, parts.options.nodeName),
    advertisementsOf: findAdvertisements(parts.objects.list('L2Advertisement'), parts.objects),
    bgpAdvertisementsOf: findAdvertisements(parts.objects.list('BGPAdvertisement'), parts.objects),
    settingsOf(service) {
      const found = known.get(service);
      if (found !== undefined) return found;
      const { settings, problems } = readServiceSettings(service);
      known.set(service, settings);
      parts.problems.push(...problems);
      return settings;
    },
  };
}

/** A port of a Service to be carried; `node` as in L4Backend. */
export interface CarriedPort {
  readonly service: Service;
  readonly port: ServicePort;
  readonly protocol: 'tcp' | 'udp';
  readonly node: string | null;
}

/** `namespace/name`. */
export function keyOfService({ metadata }: Service): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** A cluster's part of the connections of a port. */
export interface L4Share {
  readonly cluster: L4Cluster;
  readonly weight: number;
}

/** What a port leads to; `shares` and `targets` are the same, in their order, the Service's own first. */
export interface L4Targets {
  readonly primary: L4Cluster;
  readonly shares: readonly L4Share[];
  readonly targets: readonly L4Target[];
}

/**
 * The clusters that share the connections of a port: its own, then its canaries'. A canary that has no such port or no
 * ready endpoint is left out, so that its share stays with the primary.
 */
export function targetsOf(carried: CarriedPort, context: L4Context): L4Targets {
  const isSticky = carried.service.sessionAffinity === 'ClientIP';
  const primary = context.book.use(backendOf(carried, isSticky));
  const canaries: L4Share[] = [];
  for (const { service, weight } of context.canaries.get(keyOfService(carried.service)) ?? []) {
    const cluster = canaryCluster(service, { ...carried, isSticky }, context);
    if (cluster !== null) canaries.push({ cluster, weight });
  }
  const left = CANARY_WEIGHT_TOTAL - canaries.reduce((sum, { weight }) => sum + weight, 0);
  const shares = [{ cluster: primary, weight: left }, ...canaries];
  return { primary, shares, targets: shares.map(({ cluster, weight }) => ({ cluster: cluster.key, weight })) };
}

/** The endpoints behind a port, without making a cluster of them. */
export function lookBehind(carried: CarriedPort, context: L4Context): L4Cluster {
  return context.book.look(backendOf(carried, false));
}

function canaryCluster(service: Service, primary: CarriedPort & { readonly isSticky: boolean }, context: L4Context): L4Cluster | null {
  const port = canaryPort(service, primary.port);
  if (port === null) {
    const name = primary.port.name === '' ? '' : ` or named ${primary.port.name}`;
    const rule = `should have the port ${primary.port.port}/${primary.port.protocol} of ${keyOfService(primary.service)}${name}`;
    context.problems.push(canaryFault(service, rule));
    return null;
  }
  const cluster = context.book.use(backendOf({ ...primary, service, port }, primary.isSticky));
  if (cluster.fault === null) return cluster;
  context.problems.push(canaryFault(service, cluster.fault.rule));
  return null;
}

function backendOf({ service, port, protocol, node }: CarriedPort, isSticky: boolean): Parameters<ClusterBook['use']>[0] {
  const { namespace, name } = service.metadata;
  return { namespace, service: name, port: { type: 'number', number: port.port }, protocol, node, isSticky };
}
