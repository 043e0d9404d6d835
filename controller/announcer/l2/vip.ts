import type { AddressTable } from './addressTable.ts';
import type { Asker, Askers } from './askers.ts';
import type { PacedQueue } from './pacedQueue.ts';
import type { Sharing } from './sharing.ts';

/** Where a VIP stands on one interface. */
export type Phase =
  /** Nobody had it before: whether another station has it is being asked. Silent. */
  | 'probing'
  /** Another station has it: silent until it is asked again. */
  | 'held'
  /** Ours: announced and answered. */
  | 'owning'
  /** Another node takes it over: answered, no longer announced. */
  | 'leaving'
  /** Another node has taken it over, or it is wanted here no longer. Silent. */
  | 'takenOver';

/** Frames about one VIP, counted up. */
export interface Counts {
  requestsReceived: number;
  repliesSent: number;
  gratuitousSent: number;
  conflictsSeen: number;
}

/** What is known of an address whether or not it is answered for at present. */
export interface VipMemory {
  readonly counts: Counts;
  /** When a conflict was last reported, by interface index. Who falls silent for a moment, or gives the VIP away, is no other host after that. */
  readonly reportedMs: Map<number, number>;
}

/** An address that this node answers for. */
export interface Vip {
  /** No other VIP ever had it. */
  readonly number: number;
  readonly address: string;
  /** Four or sixteen. */
  readonly octets: Uint8Array;
  readonly counts: Counts;
  /** Of its memory. */
  readonly reportedMs: Map<number, number>;
  /** By interface index. */
  readonly links: Map<number, VipLink>;
  share: Share | null;
  /** Of the answer it has (`L2Answer.announcement`). */
  announcement: number;
  /** It was `leaving`, and the new owner has been heard. */
  isTakenOver: boolean;
  /** When duplicate address detection for it was last heard. */
  detectedMs: number;
  /** When it was last announced again because a member has come back, whose claims to it are no conflicts for a moment. */
  calledMs: number;
}

/** `perClient` sharing of a VIP. */
export interface Share {
  readonly self: string;
  readonly nodes: readonly string[];
  readonly sharing: Sharing;
  readonly askers: Askers;
}

/** A VIP on one interface. */
export interface VipLink {
  readonly vip: Vip;
  readonly link: L2Link;
  phase: Phase;
  /** Number of the row of announcements or probes that is valid: older rows end. */
  row: number;
  /** Since when it has been `owning`, if it is. */
  ownedMs: number;
  /** How often probing has found another station. */
  timesHeld: number;
  /** Who else used the address last, until that is settled. */
  suspect: Uint8Array | null;
  /** Since when there is one. */
  suspectedMs: number;
  /** When somebody else last used it while it was ours. */
  usedMs: number;
  /** When it was last announced. */
  announcedMs: number;
  /** An interface of this node on the same network, which speaks in its place as long as it has the VIP too; null: there is none. */
  twin: L2Link | null;
}

/** An interface that VIPs are answered on. */
export interface L2Link {
  readonly index: number;
  readonly name: string;
  readonly mac: Uint8Array;
  readonly queue: PacedQueue<Work>;
  vips: AddressTable<VipLink>;
}

/** What is to be done for a VIP on an interface at some time. */
export type Work =
  /** One round of the burst of a take-over, or a repetition. */
  | { readonly type: 'announce'; readonly on: VipLink; readonly row: number; readonly round: number }
  | { readonly type: 'probe'; readonly on: VipLink; readonly row: number; readonly round: number }
  /** A conflict has lasted: report it, defend the address. */
  | { readonly type: 'settle'; readonly on: VipLink }
  /** Tell clients, from `next` on, that this node answers them. */
  | { readonly type: 'repoint'; readonly on: VipLink; readonly clients: readonly Asker[]; readonly next: number; readonly round: number };
