import type { L4Target } from '../../../core/ir/l4.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import type { Service, ServicePort } from '../../model/objects.ts';
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
  /** Settings of a Service; their problems are reported once. */
  settingsOf(service: Service): ServiceSettings;
}

/** Makes the context of one translation. */
export function createL4Context(parts: Pick<L4Context, 'objects' | 'options' | 'book' | 'canaries' | 'problems'>): L4Context {
  const known = new Map<Service, ServiceSettings>();
  return {
    ...parts,
    node: nodeFacts(parts.objects, parts.options.nodeName),
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

/**
 * The clusters that share the connections of a port: its own, then its canaries'. A canary that has no such port or no
 * ready endpoint is left out, so that its share stays with the primary.
 */
export function targetsOf(carried: CarriedPort, context: L4Context): { readonly primary: L4Cluster; readonly targets: readonly L4Target[] } {
  const isSticky = carried.service.sessionAffinity === 'ClientIP';
  const primary = context.book.use(backendOf(carried, isSticky));
  const canaries: L4Target[] = [];
  for (const { service, weight } of context.canaries.get(keyOfService(carried.service)) ?? []) {
    const cluster = canaryCluster(service, { ...carried, isSticky }, context);
    if (cluster !== null) canaries.push({ cluster: cluster.key, weight });
  }
  const left = CANARY_WEIGHT_TOTAL - canaries.reduce((sum, { weight }) => sum + weight, 0);
  return { primary, targets: [{ cluster: primary.key, weight: left }, ...canaries] };
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
