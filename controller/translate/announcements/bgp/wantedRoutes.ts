import { printRef } from '../../../../core/ir/objectRef.ts';
import type { Problem } from '../../../../core/ir/problem.ts';
import { ADDRESS_BITS, parseIpAddress, printIpAddress, type IpAddress } from '../../../../core/net/ipAddress.ts';
import type { BgpWanted, OtherNode, RouteAnnouncement, RouteVip, WantedRoute } from '../../../announcer/bgp/bgpWanted.ts';
import type { AddressFamily } from '../../../announcer/bgp/codec/message.ts';
import { refOf, type BGPAdvertisement, type Node } from '../../../model/objects.ts';
import type { ObjectIndex } from '../../../model/store.ts';
import { compareAge, compareText } from '../../ingressAge.ts';
import { problemOf } from '../../problemOf.ts';
import type { TranslateOptions } from '../../translation.ts';
import type { VipWish } from '../announceVips.ts';
import { endpointNodes, localNodes, mayCarry, selectsNode } from '../carryingNodes.ts';
import { judgeAggregation } from '../judgeAdvertisements.ts';
import { selectedPools } from '../poolSelection.ts';
import { createCommunityReader, joinCommunities, type ReadCommunities } from './communityValues.ts';
import type { OwnPeers } from './wantedPeers.ts';

/** Ours: what one endpoint counts for in the link bandwidth community, whose unit is octets per second; only proportions matter. */
const OCTETS_PER_ENDPOINT = 1_000_000;

/** What routes of one node are made from. */
export interface RouteContext {
  readonly objects: ObjectIndex;
  readonly options: Pick<TranslateOptions, 'nodeName' | 'peers' | 'cordonMovesVips'>;
  readonly peers: OwnPeers;
}

/** Prefixes that this node may announce, and what of the advertisements contradicts itself. */
export function wantedRoutes(
  wishes: readonly VipWish[], { objects, options, peers }: RouteContext,
): { readonly routes: BgpWanted['routes']; readonly problems: readonly Problem[] } {
  const maker = new RouteMaker({ objects, options, peers });
  const byAddress = Map.groupBy(wishes.filter(({ bgpAdvertisements }) => bgpAdvertisements.length > 0), ({ address }) => address);
  for (const [address, sharers] of [...byAddress].toSorted(([a], [b]) => compareText(a, b))) maker.add(address, sharers);
  return maker.made();
}

/** A VIP, with the advertisements that are for it from this node. */
interface CarriedVip {
  readonly vip: RouteVip;
  readonly wishes: readonly VipWish[];
  readonly advertisements: readonly BGPAdvertisement[];
  /** Endpoints on this node. */
  readonly endpoints: number;
  readonly otherNodes: readonly OtherNode[];
}

/** A prefix that is being put together. */
interface Draft {
  readonly family: AddressFamily;
  readonly vips: Map<string, CarriedVip>;
  /** Peer → advertisements, oldest first, for each VIP again. */
  readonly byPeer: Map<string, Set<BGPAdvertisement>>;
}

class RouteMaker {
  readonly #context: RouteContext;
  readonly #node: Node | undefined;
  readonly #communities: ReadCommunities;
  /** Those that would announce more than a pool: without the pools they cannot be right for. */
  readonly #tooWide: ReadonlySet<BGPAdvertisement>;
  readonly #drafts = new Map<string, Draft>();
  readonly #problems = new Map<string, Problem>();

  constructor(context: RouteContext) {
    const { objects, options } = context;
    this.#context = context;
    this.#node = objects.get('Node', '', options.nodeName);
    this.#communities = createCommunityReader(objects.list('Community'));
    const pools = [...objects.list('IPAddressPool')];
    this.#tooWide = new Set(
      [...objects.list('BGPAdvertisement')].filter((advertisement) => judgeAggregation(advertisement, selectedPools(advertisement, pools)).length > 0),
    );
  }

  add(address: string, wishes: readonly VipWish[]): void {
    const parsed = parseIpAddress(address);
    const carried = parsed === null ? null : this.#carry(address, wishes);
    if (parsed === null || carried === null) return;
    for (const advertisement of carried.advertisements) {
      const draft = this.#draft(prefixOf(parsed, advertisement), parsed.family === 'IPv4' ? 'ipv4' : 'ipv6');
      draft.vips.set(address, carried);
      for (const peer of this.#peersOf(advertisement)) {
        const advertisements = draft.byPeer.get(peer) ?? new Set();
        draft.byPeer.set(peer, advertisements.add(advertisement));
      }
    }
  }

  made(): { readonly routes: BgpWanted['routes']; readonly problems: readonly Problem[] } {
    const drafts = [...this.#drafts].filter(([, { byPeer }]) => byPeer.size > 0).toSorted(([a], [b]) => compareText(a, b));
    return { routes: new Map(drafts.map(([prefix, draft]) => [prefix, this.#finish(prefix, draft)])), problems: [...this.#problems.values()] };
  }

  /** Null: nothing leads to it through this node. */
  #carry(address: string, wishes: readonly VipWish[]): CarriedVip | null {
    const { objects, options } = this.#context;
    const all = [...new Set(wishes.flatMap(({ bgpAdvertisements }) => bgpAdvertisements))].filter((advertisement) => !this.#tooWide.has(advertisement));
    const advertisements = all.filter((advertisement) => this.#node === undefined || selectsNode(advertisement, this.#node)).toSorted(compareAge);
    const local = localNodes(wishes, objects);
    if (advertisements.length === 0 || (local !== null && !local.has(options.nodeName))) return null;
    const endpoints = wishes.map(({ service, isPublished }) => (isPublished ? [options.nodeName] : endpointNodes(service, objects)));
    // As MetalLB: where nothing is ready behind an address, nobody is led to it.
    if (endpoints.every((nodes) => nodes.length === 0)) return null;
    const vip: RouteVip = {
      address,
      needsProxy: wishes.some(({ needsProxy }) => needsProxy),
      needsKernel: wishes.some(({ needsKernel }) => needsKernel),
      draining: this.#node !== undefined && !mayCarry(this.#node, objects, options),
      services: wishes.map(({ service: { metadata } }) => `${metadata.namespace}/${metadata.name}`).toSorted(compareText),
    };
    const here = endpoints.flat().filter((name) => name === options.nodeName).length;
    return { vip, wishes, advertisements, endpoints: here, otherNodes: this.#otherNodes(address, all, local) };
  }

  #otherNodes(address: string, advertisements: readonly BGPAdvertisement[], local: ReadonlySet<string> | null): readonly OtherNode[] {
    const { objects, options, peers } = this.#context;
    if ([...peers.wanted.values()].every(({ addPathSend }) => addPathSend === 0)) return [];
    const family = parseIpAddress(address)?.family;
    const nodes = [...objects.list('Node')].filter(
      (node) => advertisements.some((advertisement) => selectsNode(advertisement, node)) && mayCarry(node, objects, options),
    );
    const found = new Map(nodes.flatMap(({ metadata, internalIPs }): [string, string][] => {
      const own = internalIPs.map(parseIpAddress).find((one) => one?.family === family);
      return own === null || own === undefined ? [] : [[metadata.name, printIpAddress(own)]];
    }));
    if (this.#node === undefined) for (const peer of options.peers) if (parseIpAddress(peer.address)?.family === family) found.set(peer.name, peer.address);
    found.delete(options.nodeName);
    return [...found].filter(([name]) => local === null || local.has(name)).map(([node, nextHop]) => ({ node, nextHop })).toSorted((a, b) => compareText(a.node, b.node));
  }

  /** An advertisement names peers by their names alone; without any it is for all. */
  #peersOf({ peers: names }: BGPAdvertisement): readonly string[] {
    const { wanted, byName } = this.#context.peers;
    return names.length === 0 ? [...wanted.keys()] : names.flatMap((name) => byName.get(name) ?? []);
  }

  #draft(prefix: string, family: AddressFamily): Draft {
    const known = this.#drafts.get(prefix);
    if (known !== undefined) return known;
    const draft: Draft = { family, vips: new Map(), byPeer: new Map() };
    this.#drafts.set(prefix, draft);
    return draft;
  }

  #finish(prefix: string, { family, vips, byPeer }: Draft): WantedRoute {
    const carried = [...vips.values()];
    const announcements = new Map<string, RouteAnnouncement>();
    for (const [peer, advertisements] of [...byPeer].toSorted(([a], [b]) => compareText(a, b))) {
      const attributes = this.#attributes([...advertisements].toSorted(compareAge), carried);
      const key = JSON.stringify(attributes);
      announcements.set(key, { ...attributes, peers: [...(announcements.get(key)?.peers ?? []), peer] });
    }
    const others = new Map(carried.flatMap(({ otherNodes }) => otherNodes).map((other) => [other.node, other]));
    return {
      prefix,
      family,
      vips: carried.map(({ vip }) => vip),
      announcements: [...announcements.values()],
      otherNodes: [...others.values()].toSorted((a, b) => compareText(a.node, b.node)),
    };
  }

  /** Communities of all of them; of what can be said once only, the oldest that says it counts. */
  #attributes(advertisements: readonly BGPAdvertisement[], carried: readonly CarriedVip[]): Omit<RouteAnnouncement, 'peers'> {
    const { standard, large } = joinCommunities(advertisements.map(({ communities }) => this.#communities(communities)));
    const preferring = advertisements.filter(({ localPref }) => localPref !== null);
    const [first] = preferring;
    for (const other of preferring) if (first !== undefined && other.localPref !== first.localPref) this.#contradict(other, first, carried);
    const endpoints = carried.reduce((sum, vip) => sum + vip.endpoints, 0);
    return {
      localPref: first?.localPref ?? null,
      med: advertisements.find(({ med }) => med !== null)?.med ?? null,
      communities: standard,
      largeCommunities: large,
      asPathPrepend: advertisements.find(({ asPathPrepend }) => asPathPrepend > 0)?.asPathPrepend ?? 0,
      linkBandwidth: advertisements.some(({ linkBandwidth }) => linkBandwidth === 'endpoints') ? Math.max(1, endpoints) * OCTETS_PER_ENDPOINT : null,
    };
  }

  /** Those that meet by their serviceSelectors; the others are judged whether a Service is there or not. */
  #contradict(other: BGPAdvertisement, first: BGPAdvertisement, carried: readonly CarriedVip[]): void {
    if (other.serviceSelectors.length === 0 && first.serviceSelectors.length === 0) return;
    const service = carried[0]?.wishes[0]?.service;
    if (service === undefined) return;
    const rule = `must not be chosen by advertisements with different localPref: ${printRef(refOf(first))} has ${first.localPref}, ${printRef(refOf(other))} ${other.localPref}`;
    const effect = `it is announced with ${first.localPref}`;
    this.#problems.set(`${printRef(refOf(service))} ${printRef(refOf(other))}`, problemOf(service, { severity: 'warning', field: 'metadata.labels', rule, value: '', effect }));
  }
}

/** `192.0.2.0/24`: the network of that length that the address is in. */
function prefixOf({ family, value }: IpAddress, { aggregationLength, aggregationLengthV6 }: BGPAdvertisement): string {
  const length = family === 'IPv4' ? aggregationLength : aggregationLengthV6;
  const host = BigInt(ADDRESS_BITS[family] - length);
  return `${printIpAddress({ family, value: (value >> host) << host })}/${length}`;
}
