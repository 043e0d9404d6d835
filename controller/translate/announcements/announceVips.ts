import { isIPv4 } from 'node:net';
import type { Problem } from '../../../core/ir/problem.ts';
import type { AnnouncedVip, VipCandidate } from '../../announcer/wanted.ts';
import { matchesAnySelector, matchesSelector } from '../../model/labelSelector.ts';
import type { BGPAdvertisement, L2Advertisement } from '../../model/advertisements.ts';
import type { Node } from '../../model/objects.ts';
import type { Service } from '../../model/service.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { compareText } from '../ingressAge.ts';
import type { TranslateOptions } from '../translation.ts';
import { localNodes, mayCarry, selectsNode, type CarriedService } from './carryingNodes.ts';
import { advertisementsOf, chooseLeases, wantsLease, type LeaseChoice } from './chooseLeases.ts';
import { selectedPools } from './poolSelection.ts';

/** An address of one Service that this machine takes in, and what is said about announcing it. */
export interface VipWish extends CarriedService {
  readonly address: string;
  /** None where the address is on an interface: the machine answers for it by itself. */
  readonly advertisements: readonly L2Advertisement[];
  readonly bgpAdvertisements: readonly BGPAdvertisement[];
  readonly needsProxy: boolean;
  readonly needsKernel: boolean;
}

/** Finds the advertisements of a kind that are for a Service with an address of this pool. */
export type FindAdvertisements<A extends L2Advertisement | BGPAdvertisement> = (service: Service, pool: string) => readonly A[];

/** Ours: a node that is not Ready is chosen only where no other can be. */
const NOT_READY = -1_000_000;

/** Looks at all pools once. */
export function findAdvertisements<A extends L2Advertisement | BGPAdvertisement>(advertisements: Iterable<A>, objects: ObjectIndex): FindAdvertisements<A> {
  const pools = [...objects.list('IPAddressPool')];
  const byPool = new Map<string, A[]>();
  for (const advertisement of advertisements) {
    for (const { metadata } of selectedPools(advertisement, pools)) byPool.set(metadata.name, [...(byPool.get(metadata.name) ?? []), advertisement]);
  }
  return (service, pool) => (byPool.get(pool) ?? []).filter(({ serviceSelectors }) => serviceSelectors.length === 0 || matchesAnySelector(serviceSelectors, service.metadata.labels));
}

/** What is announced, by address, and what of it cannot be. */
export interface Announcements {
  readonly vips: ReadonlyMap<string, AnnouncedVip>;
  readonly problems: readonly Problem[];
}

/** What is to be announced on the local network: Services that share an address are announced as one. An address without advertisement is not. */
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
    candidates: isLeased && !context.leases.kept.has(address) ? [] : candidatesOf(address, wishes, { advertisements, context }),
    interfaces: interfacesOn(context.options.nodeName, advertisements, context),
    sharing: !isLeased && advertisements.some(({ sharing }) => sharing === 'perClient') ? 'perClient' : 'owner',
    sticky: advertisements.some(({ sticky }) => sticky),
    ownership: isLeased ? 'lease' : 'hash',
    needsProxy: wishes.some(({ needsProxy }) => needsProxy),
    services: wishes.map(({ service: { metadata } }) => `${metadata.namespace}/${metadata.name}`).toSorted(compareText),
  };
}

/** Without Node objects, as in a folder of manifests, there are this node and those of `--peers`. */
function candidatesOf(
  address: string, wishes: readonly VipWish[], { advertisements, context }: { readonly advertisements: readonly L2Advertisement[]; readonly context: VipContext },
): readonly VipCandidate[] {
  const { nodes, options } = context;
  if (nodes.length === 0) return [options.nodeName, ...options.peers.map(({ name }) => name)].toSorted(compareText).map((node) => ({ node, preference: 0 }));
  const local = localNodes(wishes, context.objects, isIPv4(address) ? 'IPv4' : 'IPv6');
  return nodes.flatMap((node): VipCandidate[] => {
    const { name } = node.metadata;
    const own = advertisements.filter((advertisement) => selectsNode(advertisement, node));
    if (own.length === 0 || !mayCarry(node, context.objects, options) || (local !== null && !local.has(name))) return [];
    return [{ node: name, preference: preferenceOf(node, own) }];
  });
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
  const own = advertisements.filter((advertisement) => node === undefined || selectsNode(advertisement, node));
  if (own.some(({ interfaces }) => interfaces.length === 0)) return [];
  return [...new Set(own.flatMap(({ interfaces }) => interfaces))].toSorted(compareText);
}
