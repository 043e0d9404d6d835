/** IPv4 (AFI 1) or IPv6 (AFI 2), unicast (SAFI 1). */
export type AddressFamily = 'ipv4' | 'ipv6';

/** A BGP message (RFC 4271 section 4). */
export type BgpMessage = OpenMessage | UpdateMessage | NotificationMessage | KeepaliveMessage | RouteRefreshMessage;

export interface OpenMessage {
  readonly type: 'open';
  /** The real AS number: that of the 4-octet capability (RFC 6793) where there is one, else My Autonomous System. */
  readonly asn: number;
  /** In seconds. */
  readonly holdTimeS: number;
  /** Dotted. */
  readonly routerId: string;
  readonly capabilities: readonly Capability[];
}

/** RFC 5492. */
export type Capability =
  /** RFC 4760. */
  | { readonly type: 'multiprotocol'; readonly family: AddressFamily }
  /** RFC 2918. */
  | { readonly type: 'routeRefresh' }
  /** RFC 7313. */
  | { readonly type: 'enhancedRouteRefresh' }
  /** RFC 6793. */
  | { readonly type: 'fourOctetAsn'; readonly asn: number }
  /** RFC 4724; `notification`: RFC 8538. */
  | {
      readonly type: 'gracefulRestart';
      readonly restarting: boolean;
      readonly notification: boolean;
      readonly restartTimeS: number;
      readonly families: readonly { readonly family: AddressFamily; readonly forwarding: boolean }[];
    }
  /** RFC 9494. */
  | {
      readonly type: 'longLivedGracefulRestart';
      readonly families: readonly { readonly family: AddressFamily; readonly forwarding: boolean; readonly staleTimeS: number }[];
    }
  /** RFC 7911. */
  | { readonly type: 'addPath'; readonly families: readonly { readonly family: AddressFamily; readonly send: boolean; readonly receive: boolean }[] }
  /** RFC 8654. */
  | { readonly type: 'extendedMessage' }
  /** RFC 8950: routes of `family` with next hops of `nextHop`. */
  | { readonly type: 'extendedNextHop'; readonly entries: readonly { readonly family: AddressFamily; readonly nextHop: AddressFamily }[] }
  /** draft-walton-bgp-hostname-capability. */
  | { readonly type: 'fqdn'; readonly hostName: string; readonly domainName: string }
  /** RFC 9234: value of section 4.1. */
  | { readonly type: 'role'; readonly role: number }
  /** One of another code, or of a family that is not spoken here; what it says is not looked at. */
  | { readonly type: 'other'; readonly code: number; readonly value: Uint8Array };

/** A prefix as NLRI (RFC 4271 section 4.3), with a Path Identifier where those were negotiated (RFC 7911). */
export interface Nlri {
  /** Null: without. */
  readonly pathId: number | null;
  /** Canonical network, such as `192.0.2.10/32`. */
  readonly prefix: string;
}

/** Attributes of paths as they are sent (RFC 4271 section 5). */
export interface PathAttributes {
  readonly origin: 'igp' | 'egp' | 'incomplete';
  /** One AS_SEQUENCE; empty: none. AS numbers of four octets. */
  readonly asPath: readonly number[];
  /** Next hop's address, canonical: for IPv6, a second may be link-local (RFC 2545). */
  readonly nextHop: string;
  readonly linkLocalNextHop: string | null;
  readonly med: number | null;
  readonly localPref: number | null;
  readonly communities: readonly number[];
  readonly largeCommunities: readonly (readonly [number, number, number])[];
  /** Link bandwidth (draft-ietf-idr-link-bandwidth): AS of two octets (or AS_TRANS), octets per second. */
  readonly linkBandwidth: { readonly asn: number; readonly octetsPerSecond: number; readonly transitive: boolean } | null;
  /** ONLY_TO_CUSTOMER (RFC 9234 section 5): an AS number; null: none. */
  readonly onlyToCustomer: number | null;
}

/** One UPDATE to send: of one family. `attributes` null: withdrawals only, or End-of-RIB (RFC 4724 section 2) where there are none. */
export interface UpdateMessage {
  readonly type: 'update';
  readonly family: AddressFamily;
  readonly withdrawn: readonly Nlri[];
  readonly attributes: PathAttributes | null;
  readonly announced: readonly Nlri[];
}

export interface NotificationMessage {
  readonly type: 'notification';
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
}

export interface KeepaliveMessage {
  readonly type: 'keepalive';
}

export interface RouteRefreshMessage {
  readonly type: 'routeRefresh';
  /** Null: of a family that is not spoken here. */
  readonly family: AddressFamily | null;
  /** RFC 7313: a plain request, or the beginning or end of one; `other`: a subtype to be ignored. */
  readonly subtype: 'request' | 'begin' | 'end' | 'other';
}

/** What both sides' capabilities say of how messages look. */
export interface CodecOptions {
  /** RFC 6793: AS numbers of four octets in AS_PATH. */
  readonly fourOctetAsn: boolean;
  /** RFC 8654: messages of up to 65,535 octets. */
  readonly extendedMessages: boolean;
  /** Families in which NLRI that we send carry a Path Identifier. */
  readonly addPathSend: readonly AddressFamily[];
  /** Families in which NLRI that we receive do. */
  readonly addPathReceive: readonly AddressFamily[];
  /** Families that were negotiated (RFC 4760); others are not spoken. */
  readonly families: readonly AddressFamily[];
  /** Of the peer's AS, which attributes may be in it depends on (RFC 7606). */
  readonly internal: boolean;
}

/** Before OPEN messages are exchanged. */
export const PLAIN_CODEC: CodecOptions = {
  fourOctetAsn: false, extendedMessages: false, addPathSend: [], addPathReceive: [], families: ['ipv4'], internal: false,
};

/**
 * What was received in an UPDATE: looked at for framing and for faults, then dropped, as Gatehouse takes in no routes. Counts, never
 * lists, so that a full table costs nothing.
 */
export interface ReceivedUpdate {
  readonly type: 'update';
  readonly announced: Readonly<Record<AddressFamily, number>>;
  readonly withdrawn: Readonly<Record<AddressFamily, number>>;
  /** End-of-RIB of this family; null: it is none. */
  readonly endOfRib: AddressFamily | null;
  /** RFC 7606: what was wrong and was put up with; at most a few, in words. */
  readonly faults: readonly { readonly outcome: 'treat-as-withdraw' | 'attribute-discard'; readonly text: string }[];
}

/** A message as it was received. */
export type ReceivedMessage = Exclude<BgpMessage, UpdateMessage> | ReceivedUpdate;

/** Why a session cannot go on: what to send in a NOTIFICATION (RFC 4271 section 6), and the same in words. */
export interface BgpFault {
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
  readonly text: string;
}
