import type { Problem } from '../../../core/ir/problem.ts';
import type { AnnouncedVip, VipCandidate } from '../../announcer/wanted.ts';
import { matchesAnySelector, matchesSelector } from '../../model/labelSelector.ts';
import type { L2Advertisement, Node, Service } from '../../model/objects.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { compareText } from '../ingressAge.ts';
import { nodeFacts } from '../nodeFacts.ts';
import type { TranslateOptions } from '../translation.ts';
import { advertisementsOf, chooseLeases, wantsLease, type LeaseChoice } from './chooseLeases.ts';
import { selectedPools } from './poolSelection.ts';

/** An address of one Service that the kernel takes in, and what is said about announcing it. */
export interface VipWish {
  readonly service: Service;
  readonly address: string;
  readonly advertisements: readonly L2Advertisement[];
  readonly needsProxy: boolean;
  /** Its endpoints are the proxies of all nodes. */
  readonly isPublished: boolean;
}

/** Finds the L2Advertisements that are for a Service with an address of this pool. */
export type FindAdvertisements = (service: Service, pool: string) => readonly L2Advertisement[];

/** Ours: a node that is not Ready is chosen only where no other can be. */
const NOT_READY = -1_000_000;

/** Looks at all pools once. */
export function findAdvertisements(objects: ObjectIndex): FindAdvertisements {
  const pools = [...objects.list('IPAddressPool')];
  const byPool = new Map<string, L2Advertisement[]>();
  for (const advertisement of objects.list('L2Advertisement')) {
    for (const { metadata } of selectedPools(advertisement, pools)) byPool.set(metadata.name, [...(byPool.get(metadata.name) ?? []), advertisement]);
  }
  return (service, pool) => (byPool.get(pool) ?? []).filter(({ serviceSelectors }) => serviceSelectors.length === 0 || matchesAnySelector(serviceSelectors, service.metadata.labels));
}

/** What is announced, by address, and what of it cannot be. */
export interface Announcements {
  readonly vips: ReadonlyMap<string, AnnouncedVip>;
  readonly problems: readonly Problem[];
}

/** What is to be announced: Services that share an address are announced as one. An address without advertisement is not. */
export function announceVips(wishes: readonly VipWish[], objects: ObjectIndex, options: TranslateOptions): Announcements {
  const nodes = [...objects.list('Node')].toSorted((a, b) => compareText(a.metadata.name, b.metadata.name));
  const byAddress = Map.groupBy(wishes.filter(({ advertisements }) => advertisements.length > 0), ({ address }) => address);
  const leases = chooseLeases(byAddress, objects, options);
  const context: VipContext = { nodes, objects, options, leases };
  const vips = new Map([...byAddress].toSorted(([a], [b]) => compareText(a, b)).map(([address, sharers]) => [address, announceVip(address, sharers, context)]));
  return { vips, problems: leases.problems };
}

interface VipContext {
  readonly nodes: readonly Node[];
  readonly objects: ObjectIndex;
  readonly options: TranslateOptions;
  readonly leases: LeaseChoice;
}

function announceVip(address: string, wishes: readonly VipWish[], context: VipContext): AnnouncedVip {
  const advertisements = advertisementsOf(wishes);
  const isLeased = wantsLease(advertisements);
  return {
    address,
    // Without a Lease nobody may answer, and for this address none is kept.
    candidates: isLeased && !context.leases.kept.has(address) ? [] : candidatesOf(wishes, advertisements, context),
    interfaces: interfacesOn(context.options.nodeName, advertisements, context),
    sharing: !isLeased && advertisements.some(({ sharing }) => sharing === 'perClient') ? 'perClient' : 'owner',
    sticky: advertisements.some(({ sticky }) => sticky),
    ownership: isLeased ? 'lease' : 'hash',
    needsProxy: wishes.some(({ needsProxy }) => needsProxy),
    services: wishes.map(({ service: { metadata } }) => `${metadata.namespace}/${metadata.name}`).toSorted(compareText),
  };
}

/** Without Node objects, as in a folder of manifests, there are this node and those of `--peers`. */
function candidatesOf(wishes: readonly VipWish[], advertisements: readonly L2Advertisement[], context: VipContext): readonly VipCandidate[] {
  const { nodes, options } = context;
  if (nodes.length === 0) return [options.nodeName, ...options.peers.map(({ name }) => name)].toSorted(compareText).map((node) => ({ node, preference: 0 }));
  const local = localNodes(wishes, context);
  return nodes.flatMap((node): VipCandidate[] => {
    const { name } = node.metadata;
    const own = advertisements.filter((advertisement) => reaches(advertisement, node));
    if (own.length === 0 || !mayCarry(node, context) || (local !== null && !local.has(name))) return [];
    return [{ node: name, preference: preferenceOf(node, own) }];
  });
}

function reaches({ nodeSelectors }: L2Advertisement, { metadata }: Node): boolean {
  return nodeSelectors.length === 0 || matchesAnySelector(nodeSelectors, metadata.labels);
}

function mayCarry(node: Node, { objects, options }: VipContext): boolean {
  const { excluded, networkUnavailable } = nodeFacts(objects, node.metadata.name);
  return !excluded && !networkUnavailable && !(options.cordonMovesVips && node.unschedulable);
}

/** Weights of all preferences that fit, over all advertisements, as MetalLB counts them. */
function preferenceOf({ metadata, conditions }: Node, advertisements: readonly L2Advertisement[]): number {
  const ready = conditions.get('Ready') ?? 'True';
  const terms = advertisements.flatMap(({ preferredNodeSelectors }) => preferredNodeSelectors);
  const weight = terms.filter(({ preference }) => matchesSelector(preference, metadata.labels)).reduce((sum, term) => sum + term.weight, 0);
  return weight + (ready === 'True' ? 0 : NOT_READY);
}

/** Of the advertisements that are for this node: all interfaces, where one of them names none. */
function interfacesOn(nodeName: string, advertisements: readonly L2Advertisement[], { nodes }: VipContext): readonly string[] {
  const node = nodes.find(({ metadata }) => metadata.name === nodeName);
  const own = advertisements.filter((advertisement) => node === undefined || reaches(advertisement, node));
  if (own.some(({ interfaces }) => interfaces.length === 0)) return [];
  return [...new Set(own.flatMap(({ interfaces }) => interfaces))].toSorted(compareText);
}

/**
 * Nodes with a ready endpoint of every Service with externalTrafficPolicy Local, or of any of them where no node has all;
 * null: all nodes will do. The publish Service stands for the proxies, of which every node has one.
 */
function localNodes(wishes: readonly VipWish[], { objects }: VipContext): ReadonlySet<string> | null {
  const local = wishes.filter(({ service, isPublished }) => service.externalTrafficPolicy === 'Local' && !isPublished);
  if (local.length === 0) return null;
  const sets = local.map(({ service }) => nodesWithEndpoints(service, objects));
  const common = sets.reduce((all, set) => all.intersection(set));
  return common.size > 0 ? common : sets.reduce((any, set) => any.union(set));
}

function nodesWithEndpoints({ metadata, publishNotReadyAddresses }: Service, objects: ObjectIndex): ReadonlySet<string> {
  const slices = objects.slicesOf(metadata.namespace, metadata.name);
  const endpoints = slices.flatMap((slice) => slice.endpoints);
  const usable = endpoints.filter(({ ready, terminating }) => publishNotReadyAddresses || (ready !== false && terminating !== true));
  // As for traffic: while nothing else is ready, what terminates and still serves counts.
  const chosen = usable.length > 0 ? usable : endpoints.filter(({ terminating, serving }) => terminating === true && serving !== false);
  return new Set(chosen.map(({ nodeName }) => nodeName).filter((name) => name !== ''));
}
