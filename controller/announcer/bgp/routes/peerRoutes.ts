import { hash32 } from '../../../../core/balance/hash32.ts';
import type { Link } from '../../parts.ts';
import type { RouteAnnouncement, WantedPeer, WantedRoute } from '../bgpWanted.ts';
import type { AddressFamily, PathAttributes } from '../codec/message.ts';
import type { Negotiated } from '../session/sessionEvents.ts';
import { nextHopOf, type NextHop } from './nextHops.ts';
import type { OutRoute, OutRouteKey, OutRoutes } from './outRoute.ts';
import type { RouteState } from './routeBook.ts';

/** What the routes of one peer are made from. */
export interface PeerRoutesInput {
  readonly routes: ReadonlyMap<string, WantedRoute>;
  /** By prefix. */
  readonly states: ReadonlyMap<string, RouteState>;
  readonly peer: WantedPeer;
  readonly negotiated: Negotiated;
  readonly links: readonly Link[];
  /** Own name, for Path Identifiers. */
  readonly nodeName: string;
  /** Nodes that are alive: paths by others are announced for these only. */
  readonly alive: ReadonlySet<string>;
}

/** What one peer is to be sent. */
export interface PeerRoutes {
  readonly routes: OutRoutes;
  /** Families of which nothing can be sent, and why in words. */
  readonly refusals: ReadonlyMap<AddressFamily, string>;
}

/** RFC 8326. */
const GRACEFUL_SHUTDOWN = 0xffff_0000;
/** RFC 4271 section 5.1.5 leaves the value open; this is what every router takes for the default. */
const DEFAULT_LOCAL_PREF = 100;
/** RFC 8326 section 4.2: for peers of the own AS. */
const LEAST_LOCAL_PREF = 0;
/** AS numbers of the link bandwidth community have two octets; beyond them AS_TRANS (RFC 6793). */
const MAX_ASN_16 = 65_535;
const AS_TRANS = 23_456;
const PATH_SEED = 7911;
const MAX_UINT32 = 2 ** 32 - 1;

/** Every path that this peer is to have now. */
export function peerRoutes(input: PeerRoutesInput): PeerRoutes {
  const { routes, states, peer, negotiated, links } = input;
  const hops = new Map(negotiated.families.map((family) => [family, nextHopOf(family, negotiated, links)]));
  const out = new Map<OutRouteKey, OutRoute>();
  for (const [prefix, route] of routes) {
    const state = states.get(prefix)?.state ?? 'withdrawn';
    const announcement = route.announcements.find(({ peers }) => peers.includes(peer.name));
    const hop = hops.get(route.family);
    if (state === 'withdrawn' || announcement === undefined || hop === undefined || !hop.ok) continue;
    const attributes = attributesOf(announcement, { hop, negotiated, isDraining: state === 'draining' });
    for (const path of pathsOf(route, attributes, input)) out.set(`${path.prefix} ${path.pathId}`, path);
  }
  return { routes: out, refusals: new Map([...hops].flatMap(([family, hop]) => (hop.ok ? [] : [[family, hop.reason] as const]))) };
}

interface Circumstances {
  readonly hop: Extract<NextHop, { readonly ok: true }>;
  readonly negotiated: Negotiated;
  readonly isDraining: boolean;
}

function attributesOf(announcement: RouteAnnouncement, { hop, negotiated, isDraining }: Circumstances): PathAttributes {
  const { internal, localAsn } = negotiated;
  const communities = isDraining ? [...new Set([...announcement.communities, GRACEFUL_SHUTDOWN])].toSorted((a, b) => a - b) : announcement.communities;
  return {
    origin: 'igp',
    asPath: internal ? [] : Array.from({ length: 1 + announcement.asPathPrepend }, () => localAsn),
    nextHop: hop.nextHop,
    linkLocalNextHop: hop.linkLocal,
    med: announcement.med,
    localPref: internal ? (isDraining ? LEAST_LOCAL_PREF : (announcement.localPref ?? DEFAULT_LOCAL_PREF)) : null,
    communities,
    largeCommunities: announcement.largeCommunities,
    linkBandwidth: announcement.linkBandwidth === null
      ? null
      : { asn: localAsn > MAX_ASN_16 ? AS_TRANS : localAsn, octetsPerSecond: announcement.linkBandwidth, transitive: !internal },
  };
}

/** The path by this node, and where the peer takes several those by others that carry it too. */
function pathsOf(route: WantedRoute, attributes: PathAttributes, input: PeerRoutesInput): readonly OutRoute[] {
  const { prefix, family } = route;
  if (!input.negotiated.addPathSend.includes(family)) return [{ prefix, family, pathId: 0, attributes }];
  const others = route.otherNodes.filter(({ node }) => input.alive.has(node)).slice(0, input.peer.addPathSend - 1);
  const identifiers = pathIdentifiers([input.nodeName, ...others.map(({ node }) => node)]);
  const own = { prefix, family, pathId: identifiers.get(input.nodeName) ?? 1, attributes };
  return [
    own,
    // How good another node's link is, only that node knows.
    ...others.map(({ node, nextHop }) => ({
      prefix, family, pathId: identifiers.get(node) ?? 1, attributes: { ...attributes, nextHop, linkLocalNextHop: null, linkBandwidth: null },
    })),
  ];
}

/** The same for a node whoever else there is, but for collisions, which the names' order settles. Never 0. */
function pathIdentifiers(names: readonly string[]): ReadonlyMap<string, number> {
  const taken = new Set<number>([0]);
  const identifiers = new Map<string, number>();
  for (const name of names.toSorted()) {
    let identifier = hash32(name, PATH_SEED);
    while (taken.has(identifier)) identifier = (identifier + 1) % (MAX_UINT32 + 1);
    taken.add(identifier);
    identifiers.set(name, identifier);
  }
  return identifiers;
}
