import { isDeepStrictEqual } from 'node:util';
import { hash32 } from '../../../../core/balance/hash32.ts';
import type { Link } from '../../parts.ts';
import type { OtherNode, RouteAnnouncement, WantedPeer, WantedRoute } from '../bgpWanted.ts';
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
/**
 * Own roles of those whose peers are customers, lateral peers or clients of a route server (RFC 9234 section 5): what the peer says of its
 * own role changes nothing in that.
 */
const MARKING_ROLES: ReadonlySet<WantedPeer['role']> = new Set<WantedPeer['role']>(['provider', 'peer', 'route-server']);
/** Ours: of attributes that no route has any more. */
const MAX_SPARE_ATTRIBUTES = 1_000;
const PATH_SEED = 7911;
const MAX_UINT32 = 2 ** 32 - 1;

/** Makes the routes of one peer, time and again. */
export type MakePeerRoutes = (input: PeerRoutesInput) => PeerRoutes;

/**
 * For one peer. What a change does not touch it answers with the same objects as before, so that a change of one route among thousands
 * costs next to nothing further on.
 */
export function createPeerRoutes(): MakePeerRoutes {
  let context: Context | null = null;
  let entries: ReadonlyMap<string, Entry> = new Map();
  let lastInput: PeerRoutesInput | null = null;
  let last: PeerRoutes = { routes: new Map(), refusals: new Map() };
  return (input) => {
    const hops = hopsOf(input);
    const isSame = context !== null && isSameContext(context, input, hops);
    if (isSame && input.routes === lastInput?.routes && input.states === lastInput.states) return last;
    lastInput = input;
    if (context === null || !isSame) context = { input, hops, attributes: new Map(), paths: new WeakMap() };
    const before = isSame ? entries : new Map<string, Entry>();
    entries = entriesOf(input, context, before);
    const isUnchanged = isSame && entries.size === before.size && [...entries].every(([prefix, entry]) => before.get(prefix) === entry);
    if (!isUnchanged) last = { routes: new Map([...entries.values()].flatMap(({ paths }) => paths)), refusals: refusalsOf(hops) };
    return last;
  };
}

/** Every path that this peer is to have now. */
export function peerRoutes(input: PeerRoutesInput): PeerRoutes {
  return createPeerRoutes()(input);
}

type NextHops = ReadonlyMap<AddressFamily, NextHop>;

/** What all routes of a peer depend on. */
interface Context {
  readonly input: Omit<PeerRoutesInput, 'routes' | 'states'>;
  readonly hops: NextHops;
  /** By what they are made from: many routes share them. */
  readonly attributes: Map<string, PathAttributes>;
  /** By the attributes of this node's own path and the list of other nodes: many routes share both. */
  readonly paths: WeakMap<PathAttributes, WeakMap<readonly OtherNode[], readonly SharedPath[]>>;
}

/** What paths of many prefixes have in common. */
type SharedPath = Pick<OutRoute, 'pathId' | 'attributes'>;

/** A prefix, and what became of it. */
interface Entry {
  readonly route: WantedRoute;
  readonly state: RouteState['state'];
  readonly paths: readonly (readonly [OutRouteKey, OutRoute])[];
}

function isSameContext({ input: before, hops: earlier }: Context, input: PeerRoutesInput, hops: NextHops): boolean {
  return before.negotiated === input.negotiated && before.peer === input.peer && before.alive === input.alive
    && before.nodeName === input.nodeName && isDeepStrictEqual(earlier, hops);
}

function entriesOf({ routes, states }: PeerRoutesInput, context: Context, before: ReadonlyMap<string, Entry>): ReadonlyMap<string, Entry> {
  if (context.attributes.size > MAX_SPARE_ATTRIBUTES + routes.size) context.attributes.clear();
  const entries = new Map<string, Entry>();
  for (const [prefix, route] of routes) {
    const state = states.get(prefix)?.state ?? 'withdrawn';
    if (state === 'withdrawn') continue;
    const known = before.get(prefix);
    entries.set(prefix, known?.route === route && known.state === state ? known : { route, state, paths: pathsOf(route, state, context) });
  }
  return entries;
}

/** Interfaces with the same MAC address, as VLANs have, have the same link-local address: an unnumbered peer's is known by its name. */
function hopsOf({ negotiated, links, peer: { remote } }: PeerRoutesInput): NextHops {
  const own = remote.type === 'interface' ? links.filter(({ name }) => name === remote.interface) : links;
  return new Map(negotiated.families.map((family) => [family, nextHopOf(family, negotiated, own)]));
}

function refusalsOf(hops: NextHops): PeerRoutes['refusals'] {
  return new Map([...hops].flatMap(([family, hop]) => (hop.ok ? [] : [[family, hop.reason] as const])));
}

/** The path by this node, and where the peer takes several those by others that carry it too. */
function pathsOf(route: WantedRoute, state: RouteState['state'], context: Context): Entry['paths'] {
  const { prefix, family } = route;
  const { input, hops } = context;
  const announcement = route.announcements.find(({ peers }) => peers.includes(input.peer.name));
  const hop = hops.get(family);
  if (announcement === undefined || hop === undefined || !hop.ok) return [];
  const shared = `${announcementKey(announcement)} ${family} ${state}`;
  const attributes = remember(context, shared, () => attributesOf(announcement, { hop, input, isDraining: state === 'draining' }));
  const isAlone = !input.negotiated.addPathSend.includes(family);
  const paths = isAlone ? [{ pathId: 0, attributes }] : severalPaths(route.otherNodes, { shared, attributes }, context);
  return paths.map((path) => [`${prefix} ${path.pathId}`, { prefix, family, ...path }]);
}

/** That by this node, with what others of the same attributes share, and those by other nodes. */
function severalPaths(
  otherNodes: readonly OtherNode[],
  { shared, attributes }: { readonly shared: string; readonly attributes: PathAttributes },
  context: Context,
): readonly SharedPath[] {
  const byList = context.paths.get(attributes) ?? new WeakMap<readonly OtherNode[], readonly SharedPath[]>();
  context.paths.set(attributes, byList);
  const known = byList.get(otherNodes);
  if (known !== undefined) return known;
  const { alive, nodeName, peer } = context.input;
  const others = otherNodes.filter(({ node }) => alive.has(node)).slice(0, peer.addPathSend - 1);
  const identifiers = pathIdentifiers([nodeName, ...others.map(({ node }) => node)]);
  const made = [
    { pathId: identifiers.get(nodeName) ?? 1, attributes },
    // How good another node's link is, only that node knows.
    ...others.map(({ node, nextHop }) => {
      const make = (): PathAttributes => ({ ...attributes, nextHop, linkLocalNextHop: null, linkBandwidth: null });
      return { pathId: identifiers.get(node) ?? 1, attributes: remember(context, `${shared} ${nextHop}`, make) };
    }),
  ];
  byList.set(otherNodes, made);
  return made;
}

function remember({ attributes }: Context, key: string, make: () => PathAttributes): PathAttributes {
  const known = attributes.get(key);
  if (known !== undefined) return known;
  const made = make();
  attributes.set(key, made);
  return made;
}

const announcementKeys = new WeakMap<RouteAnnouncement, string>();

/** Equal for announcements of equal attributes; each is written out once, whoever asks. */
function announcementKey(announcement: RouteAnnouncement): string {
  const known = announcementKeys.get(announcement);
  if (known !== undefined) return known;
  const key = JSON.stringify({ ...announcement, peers: null });
  announcementKeys.set(announcement, key);
  return key;
}

interface Circumstances {
  readonly hop: Extract<NextHop, { readonly ok: true }>;
  readonly input: Context['input'];
  readonly isDraining: boolean;
}

function attributesOf(announcement: RouteAnnouncement, { hop, input, isDraining }: Circumstances): PathAttributes {
  const { internal, localAsn } = input.negotiated;
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
    onlyToCustomer: !internal && MARKING_ROLES.has(input.peer.role) ? localAsn : null,
  };
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
