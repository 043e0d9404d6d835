import type { BfdReport } from '../bfd/bfdSpeaker.ts';
import type { SessionError, MessageCounts, SessionState } from './session/sessionEvents.ts';
import type { AddressFamily } from './codec/message.ts';

/** What is true of BGP on this node: plain data, whole each time. */
export interface BgpReport {
  /** Sorted by name. */
  readonly peers: readonly BgpPeerReport[];
  /** Sorted by prefix. */
  readonly routes: readonly BgpRouteReport[];
  /** What is wrong with the speaker as a whole, each a sentence that says what to do. */
  readonly problems: readonly string[];
}

export interface BgpPeerReport {
  /** `namespace/name` of the BGPPeer. */
  readonly name: string;
  /** Address, or `address%interface`, or the interface alone while nobody is known there. */
  readonly remote: string;
  readonly port: number;
  readonly vrf: string | null;
  readonly state: SessionState;
  /** Wall clock, ms. */
  readonly sinceMs: number;
  readonly localAddress: string | null;
  readonly localAsn: number;
  /** As negotiated, or as configured; null: not known yet. */
  readonly remoteAsn: number | null;
  readonly routerId: string;
  readonly remoteRouterId: string | null;
  readonly remoteHostName: string;
  /** As negotiated; null: not (yet). */
  readonly holdTimeMs: number | null;
  readonly keepaliveTimeMs: number | null;
  /** What both sides have agreed on beyond RFC 4271, in words, sorted. */
  readonly capabilities: readonly string[];
  readonly families: readonly BgpFamilyReport[];
  readonly sent: MessageCounts;
  readonly received: MessageCounts;
  readonly prefixesReceived: number;
  /** How often it was Established. */
  readonly established: number;
  readonly lastError: SessionError | null;
  readonly retryInMs: number | null;
  readonly bfd: BfdReport | null;
}

export interface BgpFamilyReport {
  readonly family: AddressFamily;
  /** Paths that the peer has been sent. */
  readonly announced: number;
  /** Why none of this family can be announced; empty: they can. */
  readonly reason: string;
}

export interface BgpRouteReport {
  readonly prefix: string;
  readonly family: AddressFamily;
  /** Sorted, at least one. */
  readonly vips: readonly BgpVipReport[];
  readonly state: 'announced' | 'draining' | 'withdrawn';
  /** Why, in words for people. */
  readonly reason: string;
  readonly sinceMs: number;
  readonly paths: readonly BgpPathReport[];
}

/** One VIP that a route stands for. */
export interface BgpVipReport {
  readonly address: string;
  /** `namespace/name`, sorted. */
  readonly services: readonly string[];
  /** Why it is of no use here, in words for people: the route is not announced for its sake. Empty: nothing stands in its way. */
  readonly obstacle: string;
}

/** One path as one peer has been sent it. */
export interface BgpPathReport {
  readonly peer: string;
  readonly pathId: number;
  readonly nextHop: string;
  readonly asPath: readonly number[];
  readonly localPref: number | null;
  readonly med: number | null;
  /** `65535:0`, `large:1:2:3`, in words where well known (`graceful-shutdown`). */
  readonly communities: readonly string[];
  /** Octets per second. */
  readonly linkBandwidth: number | null;
  /** ONLY_TO_CUSTOMER (RFC 9234 section 5): the AS that says that the path is for customers alone; null: none does. */
  readonly onlyToCustomer: number | null;
}

/** Something that happened to a peer: for the log, Events and metrics. */
export interface BgpPeerEvent {
  readonly type: 'bgpPeer';
  readonly peer: string;
  readonly remote: string;
  readonly up: boolean;
  readonly reason: string;
  readonly atMs: number;
}

/** `namespace/name` of all Services that a route leads to, or of those with a VIP that is of use here; sorted. */
export function servicesOf({ vips }: Pick<BgpRouteReport, 'vips'>, which: 'all' | 'carried'): readonly string[] {
  const chosen = which === 'all' ? vips : vips.filter(({ obstacle }) => obstacle === '');
  const [only] = chosen;
  return only !== undefined && chosen.length === 1 ? only.services : [...new Set(chosen.flatMap(({ services }) => services))].toSorted();
}

export const NO_BGP_REPORT: BgpReport = { peers: [], routes: [], problems: [] };
