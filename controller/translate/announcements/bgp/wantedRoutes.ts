import { printRef } from '../../../../core/ir/objectRef.ts';
import type { Problem } from '../../../../core/ir/problem.ts';
import { parseIpAddress, printIpAddress, type IpAddress } from '../../../../core/net/ipAddress.ts';
import type { BgpWanted, OtherNode, RouteAnnouncement, RouteVip, VipEndpoints, WantedRoute } from '../../../announcer/bgp/bgpWanted.ts';
import type { AddressFamily } from '../../../announcer/bgp/codec/message.ts';
import type { BGPAdvertisement } from '../../../model/advertisements.ts';
import { refOf, type Node } from '../../../model/objects.ts';
import type { ObjectIndex } from '../../../model/store.ts';
import { compareAge, compareText } from '../../ingressAge.ts';
import { problemOf } from '../../problemOf.ts';
import type { TranslateOptions } from '../../translation.ts';
import type { VipWish } from '../announceVips.ts';
import { endpointNodes, localNodes, mayCarry, selectsNode } from '../carryingNodes.ts';
import { isAdvertised, readAdvertisements, type Advertised } from './advertised.ts';
import { aggregateOf } from './aggregate.ts';
import { joinCommunities } from './communityValues.ts';
import type { OwnPeers } from './wantedPeers.ts';

/** Ours: what one endpoint counts for in the link bandwidth community, whose unit is octets per second; only proportions matter. */
const OCTETS_PER_ENDPOINT = 1_000_000;

/** What routes of one node are made from. */
export interface RouteContext {
  readonly objects: ObjectIndex;
  readonly options: Pick<TranslateOptions, 'nodeName' | 'peers' | 'cordonMovesVips'>;
  readonly peers: OwnPeers;
}

/**
 * Prefixes of VIPs that a BGPAdvertisement announces from this node, whether anything is ready behind them or not, and what of the
 * advertisements contradicts itself. Of VIPs whose advertisements announce nothing (`readAdvertisements`) there is none.
 */
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
  /** Endpoints on this node that clients are led to. */
  readonly endpoints: number;
  readonly otherNodes: readonly OtherNode[];
}

/** What peers hear of a prefix. */
interface Told {
  readonly announcements: readonly RouteAnnouncement[];
  /** Of advertisements that meet by their serviceSelectors; others are judged whether a Service is there or not. */
  readonly contradictions: readonly Contradiction[];
}

/** Two advertisements that are for the same prefix and peer, of which the first has the value that is sent. */
interface Contradiction {
  readonly counting: BGPAdvertisement;
  readonly other: BGPAdvertisement;
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
  readonly #advertised: ReadonlyMap<BGPAdvertisement, Advertised>;
  /** What many VIPs have in common is made once, and is one object: it is sent once, too. */
  readonly #told = new Map<string, Told>();
  readonly #otherNodeLists = new Map<string, readonly OtherNode[]>();
  #carrierList: readonly Carrier[] | null = null;
  readonly #drafts = new Map<string, Draft>();
  readonly #problems = new Map<string, Problem>();

  constructor(context: RouteContext) {
    const { objects, options } = context;
    this.#context = context;
    this.#node = objects.get('Node', '', options.nodeName);
    this.#advertised = readAdvertisements(objects);
  }

  add(address: string, wishes: readonly VipWish[]): void {
    const parsed = parseIpAddress(address);
    const carried = parsed === null ? null : this.#carry(address, parsed, wishes);
    if (parsed === null || carried === null) return;
    for (const advertisement of carried.advertisements) {
      const draft = this.#draft(aggregateOf(parsed, advertisement, this.#advertised.get(advertisement)?.ranges ?? []).prefix, parsed.family === 'IPv4' ? 'ipv4' : 'ipv6');
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

  /** Null: no advertisement announces it from this node. */
  #carry(address: string, parsed: IpAddress, wishes: readonly VipWish[]): CarriedVip | null {
    const { objects, options } = this.#context;
    const { family } = parsed;
    const all = [...new Set(wishes.flatMap(({ bgpAdvertisements }) => bgpAdvertisements))]
      .filter((advertisement) => isAdvertised(parsed, this.#advertised.get(advertisement)));
    const advertisements = all.filter((advertisement) => this.#node === undefined || selectsNode(advertisement, this.#node)).toSorted(compareAge);
    if (advertisements.length === 0) return null;
    const local = localNodes(wishes, objects, family);
    const nodes = wishes.flatMap(({ service, isPublished }) => (isPublished ? [options.nodeName] : endpointNodes(service, objects, family)));
    const endpoints = endpointsBehind(nodes, local, options.nodeName);
    const vip: RouteVip = {
      address, endpoints,
      needsProxy: wishes.some(({ needsProxy }) => needsProxy),
      needsKernel: wishes.some(({ needsKernel }) => needsKernel),
      draining: this.#node !== undefined && !mayCarry(this.#node, objects, options),
      services: wishes.map(({ service: { metadata } }) => `${metadata.namespace}/${metadata.name}`).toSorted(compareText),
    };
    // What this node does not announce tells of no endpoints, nor of other nodes.
    if (endpoints !== 'ready') return { vip, wishes, advertisements, endpoints: 0, otherNodes: [] };
    const here = nodes.filter((name) => name === options.nodeName).length;
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

  #finish(prefix: string, { family, byPeer, ...draft }: Draft): WantedRoute {
    const carried = [...draft.vips.values()];
    const vips = carried.map(({ vip }) => vip);
    if (vips.every(({ endpoints }) => endpoints !== 'ready')) return { prefix, family, vips, announcements: [], otherNodes: [] };
    const lists = [...new Set(carried.map(({ otherNodes }) => otherNodes))];
    return { prefix, family, vips, announcements: this.#announcementsOf(byPeer, carried), otherNodes: joinOtherNodes(lists) };
  }

  /** What is the same for many VIPs is worked out once; contradictions are told to the Service of each. */
  #announcementsOf(byPeer: Draft['byPeer'], carried: readonly CarriedVip[]): readonly RouteAnnouncement[] {
    const peers = [...byPeer].toSorted(([a], [b]) => compareText(a, b));
    const endpoints = carried.reduce((sum, vip) => sum + vip.endpoints, 0);
    const weighs = peers.some(([, advertisements]) => [...advertisements].some(({ linkBandwidth }) => linkBandwidth === 'endpoints'));
    const key = `${weighs ? endpoints : ''} ${peers.map(([peer, advertisements]) => `${peer}=${[...advertisements].map(nameOf).toSorted().join()}`).join(' ')}`;
    const told = this.#told.get(key) ?? this.#tell(peers, endpoints);
    this.#told.set(key, told);
    for (const contradiction of told.contradictions) this.#report(contradiction, carried);
    return told.announcements;
  }

  #tell(peers: readonly (readonly [string, ReadonlySet<BGPAdvertisement>])[], endpoints: number): Told {
    const announcements = new Map<string, RouteAnnouncement>();
    const contradictions: Contradiction[] = [];
    for (const [peer, advertisements] of peers) {
      const sorted = [...advertisements].toSorted(compareAge);
      contradictions.push(...contradictionsOf(sorted));
      const attributes = this.#attributes(sorted, endpoints);
      const text = JSON.stringify(attributes);
      announcements.set(text, { ...attributes, peers: [...(announcements.get(text)?.peers ?? []), peer] });
    }
    return { announcements: [...announcements.values()], contradictions };
  }

  /** Communities of all of them; of what can be said once only, the oldest that says it counts. */
  #attributes(advertisements: readonly BGPAdvertisement[], endpoints: number): Omit<RouteAnnouncement, 'peers'> {
    const { standard, large } = joinCommunities(advertisements.flatMap((advertisement) => this.#advertised.get(advertisement)?.communities ?? []));
    return {
      localPref: advertisements.find(hasLocalPref)?.localPref ?? null,
      med: advertisements.find(({ med }) => med !== null)?.med ?? null,
      communities: standard,
      largeCommunities: large,
      asPathPrepend: advertisements.find(({ asPathPrepend }) => asPathPrepend > 0)?.asPathPrepend ?? 0,
      linkBandwidth: advertisements.some(({ linkBandwidth }) => linkBandwidth === 'endpoints') ? Math.max(1, endpoints) * OCTETS_PER_ENDPOINT : null,
    };
  }

  #report({ counting, other }: Contradiction, carried: readonly CarriedVip[]): void {
    const service = carried[0]?.wishes[0]?.service;
    if (service === undefined) return;
    const [one, two] = [counting, other].map((advertisement) => printRef(refOf(advertisement)));
    const rule = `must not be chosen by advertisements with different localPref: ${one} has ${counting.localPref}, ${two} ${other.localPref ?? 'none'}`;
    const effect = `it is announced with ${counting.localPref}`;
    this.#problems.set(`${printRef(refOf(service))} ${two}`, problemOf(service, { severity: 'warning', field: 'metadata.labels', rule, value: '', effect }));
  }
}

/** They come oldest first: the oldest that has a value counts against all that have another or none. */
function contradictionsOf(advertisements: readonly BGPAdvertisement[]): readonly Contradiction[] {
  const counting = advertisements.find(hasLocalPref);
  if (counting === undefined) return [];
  return advertisements
    .filter(({ localPref, serviceSelectors }) => localPref !== counting.localPref && serviceSelectors.length + counting.serviceSelectors.length > 0)
    .map((other) => ({ counting, other }));
}

function hasLocalPref({ localPref }: BGPAdvertisement): boolean {
  return localPref !== null;
}

/**
 * By the nodes of all endpoints, and those that localNodes answers. As MetalLB: where nothing is ready behind an address, nobody is led to
 * it.
 */
function endpointsBehind(nodes: readonly string[], local: ReadonlySet<string> | null, nodeName: string): VipEndpoints {
  if (nodes.length === 0) return 'none';
  return local === null || local.has(nodeName) ? 'ready' : 'elsewhere';
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
