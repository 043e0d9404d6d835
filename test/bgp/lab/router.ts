import type { Namespace } from '../../netns/namespace.ts';

/** Whose BGP it is. */
export type RouterKind = 'bird' | 'frr' | 'gobgp' | 'exabgp';
export const ROUTER_KINDS = ['bird', 'frr', 'gobgp', 'exabgp'] as const satisfies readonly RouterKind[];

export type Family = 'ipv4' | 'ipv6';

/** One session, as the router is configured for it. */
export interface Neighbor {
  /** Of letters and digits. */
  readonly name: string;
  /** Address of the other side; for `unnumbered`, the interface where it is. */
  readonly remote: string;
  /** Own address. */
  readonly local: string;
  readonly remoteAsn: number;
  /** Own AS in this session; default: the router's. */
  readonly localAsn?: number;
  readonly families: readonly Family[];
  /** TCP MD5 (RFC 2385). */
  readonly password?: string;
  readonly multihop?: boolean;
  readonly gracefulRestart?: boolean;
  /** Paths are taken (RFC 7911). */
  readonly addPath?: boolean;
  /** Single hop. */
  readonly bfd?: boolean;
  /** GTSM (RFC 5082): TTL 255 is sent, and must be heard. */
  readonly ttlSecurity?: boolean;
  /** Never opens the connection itself. */
  readonly passive?: boolean;
  /** FRR alone. */
  readonly unnumbered?: boolean;
  /** Default 9. */
  readonly holdTimeS?: number;
  /** Own role (RFC 9234; BIRD, FRR): the other side must say its own. */
  readonly role?: 'customer';
  /** With `gracefulRestart`: routes are kept beyond the restart time, as the last resort (RFC 9494; all but ExaBGP). */
  readonly longLived?: boolean;
}

export interface RouterOptions {
  readonly asn: number;
  readonly routerId: string;
  readonly neighbors: readonly Neighbor[];
  /** Best paths go to the kernel, all that are equal (BIRD, FRR). */
  readonly multipath?: boolean;
  /** Default: that of `BFD`. */
  readonly bfdMultiplier?: number;
  /** Prefixes that it announces to everybody, with `ANNOUNCED`. */
  readonly announces?: readonly string[];
}

/** Attributes of what a router of the lab announces itself. */
export const ANNOUNCED = { med: 5, communities: ['64500:7'], largeCommunities: ['64500:1:2'] } as const;

/** Link bandwidth (draft-ietf-idr-link-bandwidth) as an extended community. */
export interface LinkBandwidth {
  /** Type 0x00 or 0x40; null: the router does not tell. */
  readonly transitive: boolean | null;
  readonly asn: number;
  readonly octetsPerSecond: number;
}

/** A path as the router's own table has it. */
export interface Route {
  readonly prefix: string;
  /** Sorted. */
  readonly nextHops: readonly string[];
  readonly asPath: readonly number[];
  readonly localPref: number | null;
  readonly med: number | null;
  /** `64500:7`, sorted. */
  readonly communities: readonly string[];
  /** `64500:1:2`, sorted. */
  readonly largeCommunities: readonly string[];
  /** Null: none. */
  readonly linkBandwidth: LinkBandwidth | null;
  /** ONLY_TO_CUSTOMER (RFC 9234); null: none. */
  readonly onlyToCustomer: number | null;
  /** Null: the router does not tell. */
  readonly pathId: number | null;
  /** Kept from a session that is gone (RFC 4724). */
  readonly stale: boolean;
}

/** A session as the router sees it. */
export interface Session {
  readonly up: boolean;
  /** Another text for each time that it was established. */
  readonly incarnation: string;
  /** Changes of routes that were heard in it, or UPDATE messages: as the router counts them. */
  readonly updates: number;
  /** Null: none, or it does not tell. */
  readonly bfdUp: boolean | null;
}

/** A router of another make, running in a namespace of the lab. */
export interface RouterPeer {
  readonly kind: RouterKind;
  readonly namespace: Namespace;
  readonly options: RouterOptions;
  /** What one neighbour has sent, sorted by prefix and path. */
  routes(neighbor: string): Promise<readonly Route[]>;
  session(neighbor: string): Promise<Session>;
  /** Sends ROUTE-REFRESH (RFC 2918). GoBGP never does: it keeps all that it has heard. */
  refresh?(neighbor: string, family: Family): Promise<void>;
  /** What it has logged, the end of it. */
  log(): string;
  /** SIGTERM; resolves when it is gone. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

/** What a module of a router is given. */
export interface RouterPlace {
  readonly namespace: Namespace;
  /** Exists, is empty, goes with the lab. */
  readonly folder: string;
}

/** By prefix, then by next hop. */
export function sortRoutes(routes: readonly Route[]): readonly Route[] {
  const key = ({ prefix, nextHops, pathId }: Route) => `${prefix} ${nextHops.join(' ')} ${pathId}`;
  return routes.toSorted((one, other) => (key(one) < key(other) ? -1 : 1));
}

/** A number that is a float of four octets (IEEE 754), as the link bandwidth community has it. */
export function floatOf(octets: number): number {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(octets);
  return buffer.readFloatBE();
}

export function neighborOf({ neighbors }: RouterOptions, name: string): Neighbor {
  const found = neighbors.find((each) => each.name === name);
  if (found === undefined) throw new Error(`the router has no neighbour ${name}`);
  return found;
}

export const DEFAULT_HOLD_S = 9;
/** How long routers keep what they have heard of a session that is gone. */
export const RESTART_TIME_S = 60;
/** The same with `longLived`, after what the other side has asked for. */
export const LONG_LIVED_S = 3_600;
/** BFD of the lab. */
export const BFD = { intervalMs: 50, multiplier: 3 } as const;
