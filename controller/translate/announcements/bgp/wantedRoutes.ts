import { printRef } from '../../../../core/ir/objectRef.ts';
import type { Problem } from '../../../../core/ir/problem.ts';
import { ADDRESS_BITS, parseIpAddress, printIpAddress, type IpAddress, type IpFamily } from '../../../../core/net/ipAddress.ts';
import { parseIpRange, type IpRange } from '../../../../core/net/ipRange.ts';
import type { BgpWanted, OtherNode, RouteAnnouncement, RouteVip, WantedRoute } from '../../../announcer/bgp/bgpWanted.ts';
import type { AddressFamily } from '../../../announcer/bgp/codec/message.ts';
import { refOf, type BGPAdvertisement, type IPAddressPool, type Node } from '../../../model/objects.ts';
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

/** A Node that load balancers need not leave alone, with its own addresses. */
interface Carrier {
  readonly node: Node;
  readonly addresses: readonly { readonly family: IpAddress['family']; readonly text: string }[];
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
  /** What an advertisement may announce: the ranges of its pools. */
  readonly #ranges: ReadonlyMap<BGPAdvertisement, readonly IpRange[]>;
  /** What many VIPs have in common is made once, and is one object: it is sent once, too. */
  readonly #announcements = new Map<string, readonly RouteAnnouncement[]>();
  readonly #otherNodeLists = new Map<string, readonly OtherNode[]>();
  #carrierList: readonly Carrier[] | null = null;
  readonly #drafts = new Map<string, Draft>();
  readonly #problems = new Map<string, Problem>();

  constructor(context: RouteContext) {
    const { objects, options } = context;
    this.#context = context;
    this.#node = objects.get('Node', '', options.nodeName);
    this.#communities = createCommunityReader(objects.list('Community'));
    const pools = [...objects.list('IPAddressPool')];
    const advertisements = [...objects.list('BGPAdvertisement')];
    this.#tooWide = new Set(advertisements.filter((advertisement) => judgeAggregation(advertisement, selectedPools(advertisement, pools)).length > 0));
    this.#ranges = new Map(advertisements.map((advertisement) => [advertisement, selectedPools(advertisement, pools).flatMap(rangesOf)]));
  }

  add(address: string, wishes: readonly VipWish[]): void {
    const parsed = parseIpAddress(address);
    const carried = parsed === null ? null : this.#carry({ address, family: parsed.family }, wishes);
    if (parsed === null || carried === null) return;
    for (const advertisement of carried.advertisements) {
      const draft = this.#draft(prefixOf(parsed, advertisement, this.#ranges.get(advertisement) ?? []), parsed.family === 'IPv4' ? 'ipv4' : 'ipv6');
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
  #carry({ address, family }: { readonly address: string; readonly family: IpFamily }, wishes: readonly VipWish[]): CarriedVip | null {
    const { objects, options } = this.#context;
    const all = [...new Set(wishes.flatMap(({ bgpAdvertisements }) => bgpAdvertisements))].filter((advertisement) => !this.#tooWide.has(advertisement));
    const advertisements = all.filter((advertisement) => this.#node === undefined || selectsNode(advertisement, this.#node)).toSorted(compareAge);
    const local = localNodes(wishes, objects, family);
    if (advertisements.length === 0 || (local !== null && !local.has(options.nodeName))) return null;
    const endpoints = wishes.map(({ service, isPublished }) => (isPublished ? [options.nodeName] : endpointNodes(service, objects, family)));
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
    const { options, peers } = this.#context;
    if ([...peers.wanted.values()].every(({ addPathSend }) => addPathSend === 0)) return [];
    const family = parseIpAddress(address)?.family;
    const key = `${family} ${advertisements.map(nameOf).join()} ${local === null ? '*' : [...local].toSorted(compareText).join()}`;
    const known = this.#otherNodeLists.get(key);
    if (known !== undefined) return known;
    const nodes = this.#carriers().filter(({ node }) => advertisements.some((advertisement) => selectsNode(advertisement, node)));
    const found = new Map(nodes.flatMap(({ node, addresses }): [string, string][] => {
      const own = addresses.find((one) => one.family === family);
      return own === undefined ? [] : [[node.metadata.name, own.text]];
    }));
    if (this.#node === undefined) for (const peer of options.peers) if (parseIpAddress(peer.address)?.family === family) found.set(peer.name, peer.address);
    found.delete(options.nodeName);
    const list = [...found].filter(([name]) => local === null || local.has(name)).map(([node, nextHop]) => ({ node, nextHop }));
    const sorted = list.toSorted((a, b) => compareText(a.node, b.node));
    this.#otherNodeLists.set(key, sorted);
    return sorted;
  }

  /** Looked for once: there may be thousands of VIPs. */
  #carriers(): readonly Carrier[] {
    const { objects, options } = this.#context;
    this.#carrierList ??= [...objects.list('Node')].filter((node) => mayCarry(node, objects, options)).map((node) => ({
      node,
      addresses: node.internalIPs.flatMap((text) => {
        const address = parseIpAddress(text);
        return address === null ? [] : [{ family: address.family, text: printIpAddress(address) }];
      }),
    }));
    return this.#carrierList;
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
    const lists = [...new Set(carried.map(({ otherNodes }) => otherNodes))];
    return {
      prefix, family, vips: carried.map(({ vip }) => vip), announcements: this.#announcementsOf(byPeer, carried), otherNodes: joinOtherNodes(lists),
    };
  }

  /** Those that contradict each other are looked at for every Service, which is told of it. */
  #announcementsOf(byPeer: Draft['byPeer'], carried: readonly CarriedVip[]): readonly RouteAnnouncement[] {
    const peers = [...byPeer].toSorted(([a], [b]) => compareText(a, b));
    const endpoints = carried.reduce((sum, vip) => sum + vip.endpoints, 0);
    const weighs = peers.some(([, advertisements]) => [...advertisements].some(({ linkBandwidth }) => linkBandwidth === 'endpoints'));
    const key = `${weighs ? endpoints : ''} ${peers.map(([peer, advertisements]) => `${peer}=${[...advertisements].map(nameOf).toSorted().join()}`).join(' ')}`;
    const known = this.#announcements.get(key);
    if (known !== undefined) return known;
    const announcements = new Map<string, RouteAnnouncement>();
    let isContradicted = false;
    for (const [peer, advertisements] of peers) {
      const sorted = [...advertisements].toSorted(compareAge);
      isContradicted ||= new Set(sorted.flatMap(({ localPref }) => localPref ?? [])).size > 1;
      const attributes = this.#attributes(sorted, carried, endpoints);
      const text = JSON.stringify(attributes);
      announcements.set(text, { ...attributes, peers: [...(announcements.get(text)?.peers ?? []), peer] });
    }
    const made = [...announcements.values()];
    if (!isContradicted) this.#announcements.set(key, made);
    return made;
  }

  /** Communities of all of them; of what can be said once only, the oldest that says it counts. */
  #attributes(advertisements: readonly BGPAdvertisement[], carried: readonly CarriedVip[], endpoints: number): Omit<RouteAnnouncement, 'peers'> {
    const { standard, large } = joinCommunities(advertisements.map(({ communities }) => this.#communities(communities)));
    const preferring = advertisements.filter(({ localPref }) => localPref !== null);
    const [first] = preferring;
    for (const other of preferring) if (first !== undefined && other.localPref !== first.localPref) this.#contradict(other, first, carried);
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

/** `192.0.2.0/24`: the network of the length asked for that the address is in, or as much of it as has no address of anybody else. */
function prefixOf({ family, value }: IpAddress, { aggregationLength, aggregationLengthV6 }: BGPAdvertisement, ranges: readonly IpRange[]): string {
  const bits = ADDRESS_BITS[family];
  const networkOf = (length: number): bigint => (value >> BigInt(bits - length)) << BigInt(bits - length);
  const isOurs = (length: number): boolean => {
    const [first, last] = [networkOf(length), networkOf(length) + (1n << BigInt(bits - length)) - 1n];
    return ranges.some((range) => range.family === family && range.first <= first && last <= range.last);
  };
  let length = family === 'IPv4' ? aggregationLength : aggregationLengthV6;
  while (length < bits && !isOurs(length)) length += 1;
  return `${printIpAddress({ family, value: networkOf(length) })}/${length}`;
}

function rangesOf({ addresses }: IPAddressPool): readonly IpRange[] {
  return addresses.flatMap((text) => {
    const parsed = parseIpRange(text);
    return parsed.ok ? [parsed.range] : [];
  });
}

function nameOf({ metadata }: BGPAdvertisement): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Each node once, sorted; the list itself where there is but one. */
function joinOtherNodes(lists: readonly (readonly OtherNode[])[]): readonly OtherNode[] {
  const [only] = lists;
  if (only !== undefined && lists.length === 1) return only;
  const others = new Map(lists.flat().map((other) => [other.node, other]));
  return [...others.values()].toSorted((a, b) => compareText(a.node, b.node));
}
