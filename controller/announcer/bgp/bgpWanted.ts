import type { BfdSettings } from '../bfd/bfdSettings.ts';
import type { AddressFamily } from './codec/message.ts';

/** What this node's BGP speaker is to do: complete, plain data, made by translation for this node alone. */
export interface BgpWanted {
  /** By name, `namespace/name` of the BGPPeer. */
  readonly peers: ReadonlyMap<string, WantedPeer>;
  /** By prefix, canonical, such as `192.0.2.10/32`. */
  readonly routes: ReadonlyMap<string, WantedRoute>;
}

/** A router to speak to. Times in ms. */
export interface WantedPeer {
  /** `namespace/name` of the BGPPeer. */
  readonly name: string;
  /** Own AS in this session. */
  readonly localAsn: number;
  /** The peer's AS: a number, or whatever it says as long as it is our own (`internal`) or is not (`external`). */
  readonly remoteAsn: { readonly type: 'number'; readonly asn: number } | { readonly type: 'internal' | 'external' };
  /** An address, canonical, or an interface (unnumbered): the one router that is heard there by its link-local address. */
  readonly remote: { readonly type: 'address'; readonly address: string } | { readonly type: 'interface'; readonly interface: string };
  readonly port: number;
  /** Canonical; null: as the kernel routes. */
  readonly sourceAddress: string | null;
  /** Device of a VRF that sockets are bound to; null: none. */
  readonly vrf: string | null;
  /** BGP Identifier, dotted (RFC 6286). */
  readonly routerId: string;
  /** Who opens the connection. */
  readonly connect: 'active' | 'passive' | 'both';
  /** DelayOpenTime (RFC 4271 section 8.1.1); 0: OPEN is sent at once. */
  readonly delayOpenMs: number;
  /** Offered; 0: neither hold timer nor keepalives. */
  readonly holdTimeMs: number;
  readonly keepaliveTimeMs: number;
  /** Longest pause between two attempts to connect (ConnectRetryTime). */
  readonly connectTimeMs: number;
  readonly authentication: PeerAuthentication | null;
  /** Of packets sent: TTL or hop limit. */
  readonly ttl: number;
  /** Packets with less are not from this peer (GTSM, RFC 5082); null: not looked at. */
  readonly minimumTtl: number | null;
  /** Families whose routes are offered. */
  readonly families: readonly AddressFamily[];
  /** Enabled: the router keeps routes for `restartTimeMs` while this node's announcer restarts (RFC 4724, RFC 8538). */
  readonly gracefulRestart: { readonly restartTimeMs: number; /** RFC 9494; null: not offered. */ readonly longLivedStaleTimeMs: number | null } | null;
  /** At most this many paths of a prefix, one per node that carries it (RFC 7911); 0: only that by this node. */
  readonly addPathSend: number;
  /** Own role (RFC 9234); null: none is said. */
  readonly role: BgpRole | null;
  readonly bfd: BfdSettings | null;
  /** No session, and the peer is told this (RFC 9003); null: there is to be one. */
  readonly shutdown: string | null;
}

/** Roles of RFC 9234 section 3.1. */
export type BgpRole = 'provider' | 'route-server' | 'route-server-client' | 'customer' | 'peer';

/** Keys are never logged. Each character stands for one octet (ISO 8859-1): a Secret may have any. */
export type PeerAuthentication =
  /** RFC 2385. At most 80 octets. */
  | { readonly type: 'md5'; readonly password: string }
  /** RFC 5925; key identifiers 0 to 255. At most 80 octets. */
  | { readonly type: 'ao'; readonly keyId: number; readonly receiveKeyId: number; readonly algorithm: TcpAoAlgorithm; readonly key: string };

/** MACs of TCP-AO: those of RFC 5926, and one that Linux has besides. */
export type TcpAoAlgorithm = 'hmac-sha1-96' | 'aes-128-cmac-96' | 'hmac-sha256';

/** A prefix that is this node's to announce, as soon as one of its VIPs is of use here. */
export interface WantedRoute {
  /** Canonical. */
  readonly prefix: string;
  readonly family: AddressFamily;
  /** VIPs that it stands for: it is announced while one of them is of use here. Sorted, at least one. */
  readonly vips: readonly RouteVip[];
  /** To whom, and how. A peer is in one of them at most; empty: no VIP has endpoints that are `ready`. */
  readonly announcements: readonly RouteAnnouncement[];
  /** Other nodes that carry it, for peers with `addPathSend`; empty: none, or nobody asks. Sorted by name. */
  readonly otherNodes: readonly OtherNode[];
}

/** One VIP of a route on this node. */
export interface RouteVip {
  readonly address: string;
  readonly endpoints: VipEndpoints;
  /** It has ports that the proxy carries: of no use while that does not serve. */
  readonly needsProxy: boolean;
  /** It has ports that the kernel forwards: of no use before it does. */
  readonly needsKernel: boolean;
  /** This node is to be relieved of it: clients are led away first (RFC 8326), then it is withdrawn. */
  readonly draining: boolean;
  /** `namespace/name`, sorted. */
  readonly services: readonly string[];
}

/**
 * What clients find behind a VIP that they reach by this node: `ready` endpoints; `none` at all; or, with externalTrafficPolicy Local, less
 * than on others (`elsewhere`).
 */
export type VipEndpoints = 'ready' | 'none' | 'elsewhere';

/** Attributes of a route as one or more peers are to see them. */
export interface RouteAnnouncement {
  /** Names of peers, sorted. */
  readonly peers: readonly string[];
  /** Sent to peers of the own AS only (RFC 4271 section 5.1.5); null: 100. */
  readonly localPref: number | null;
  /** MULTI_EXIT_DISC; null: none. */
  readonly med: number | null;
  /** Four octets each, as one number; sorted. */
  readonly communities: readonly number[];
  /** RFC 8092: three numbers each; sorted. */
  readonly largeCommunities: readonly LargeCommunity[];
  /** How many times the own AS is put before the path more than it must be; not to peers of the own AS. */
  readonly asPathPrepend: number;
  /** Octets per second for the link bandwidth community (draft-ietf-idr-link-bandwidth); null: none. */
  readonly linkBandwidth: number | null;
}

export type LargeCommunity = readonly [globalAdministrator: number, localData1: number, localData2: number];

export interface OtherNode {
  readonly node: string;
  /** Of the route's family, canonical. */
  readonly nextHop: string;
}

/** Nothing to announce, nobody to speak to. */
export const NO_BGP: BgpWanted = { peers: new Map(), routes: new Map() };
