/** What the others say of a member, in rising order: at one incarnation the later word wins (SWIM section 4.2). */
export const MEMBER_STATUSES = ['alive', 'suspect', 'dead', 'left'] as const;
export type MemberStatus = (typeof MEMBER_STATUSES)[number];

/** One member as somebody sees it: what gossip is made of. */
export interface MemberRecord {
  /** Printable ASCII, 1 to 253 octets. */
  readonly node: string;
  readonly status: MemberStatus;
  /** Names one run of its process: 16 hexadecimal digits. */
  readonly boot: string;
  /** Raised by the member itself, to refute what is said of it; 0 to 2^48 - 1. */
  readonly incarnation: number;
  /** Counts what it has told of itself within one boot; 0: nothing yet. 0 to 2^32 - 1. */
  readonly stateVersion: number;
  /** The state of that version, encoded, where it is small enough to come along; null: it is to be asked for. */
  readonly state: Uint8Array | null;
}

/** What a datagram is for. */
export type MessageBody =
  /** Whoever has this name answers with an acknowledgement. */
  | { readonly type: 'ping'; readonly sequence: number; readonly target: string }
  /** Ping that member for me, and pass its acknowledgement on. */
  | { readonly type: 'pingRequest'; readonly sequence: number; readonly target: string }
  /** `target` has answered the ping that had this number. */
  | { readonly type: 'ack'; readonly sequence: number; readonly target: string }
  /** Nothing but gossip. */
  | { readonly type: 'news' }
  /** Bit i of `missing`: part i is wanted. */
  | { readonly type: 'stateRequest'; readonly boot: string; readonly version: number; readonly missing: number }
  | { readonly type: 'statePart'; readonly version: number; readonly index: number; readonly count: number; readonly octets: Uint8Array };

/** One datagram, opened. */
export interface Message {
  /** Who sends it, by its own word: `alive` or `left`, without a state. */
  readonly sender: MemberRecord;
  readonly body: MessageBody;
  readonly news: readonly MemberRecord[];
}

/** Fits every path with IPv6's smallest MTU (RFC 8200 section 5), headers included. */
export const MAX_DATAGRAM_OCTETS = 1_200;
/** Of a node name: a DNS subdomain (RFC 1123). */
export const MAX_NAME_OCTETS = 253;
export const MAX_INCARNATION = 2 ** 48 - 1;
export const MAX_SEQUENCE = 2 ** 32 - 1;
/** Of a member's encoded state. */
export const MAX_STATE_OCTETS = 16_384;
/** States up to this come along with gossip; larger ones are asked for. */
export const SMALL_STATE_OCTETS = 512;
/** Of one part of a state: fits a datagram beside the longest name. */
export const PART_OCTETS = 832;
export const MAX_PARTS = Math.ceil(MAX_STATE_OCTETS / PART_OCTETS);

/** True for what can be a member's name on the wire. */
export function isMemberName(name: string): boolean {
  return name.length > 0 && name.length <= MAX_NAME_OCTETS && /^[\x21-\x7e]+$/.test(name);
}
