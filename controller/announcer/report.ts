import type { BgpPeerEvent } from './bgp/bgpReport.ts';

/** What is true on this node, as its announcer sees it: plain data, whole each time. */
export interface AnnouncerReport {
  /** Of the last wanted state that is carried out, in the kernel too, or was tried to be: `kernel` says so. 0: none is yet. */
  readonly generation: number;
  readonly vips: readonly VipReport[];
  readonly members: readonly MemberReport[];
  readonly kernel: KernelReport;
  readonly interfaces: readonly InterfaceReport[];
  /** What is wrong between the nodes, each a sentence: another key, another machine of this name. Absent: nothing. */
  readonly problems?: readonly string[];
}

export interface VipReport {
  readonly address: string;
  /** Who answers for it as far as this node knows; null: nobody can. With `perClient` sharing, all that share are in `sharers`. */
  readonly owner: string | null;
  readonly sharers: readonly string[];
  /** Names of this node's interfaces that answer; empty where it does not own the VIP. */
  readonly interfaces: readonly string[];
  /** Why that owner, or why nobody, in words for people. */
  readonly reason: string;
  /** Since when (wall clock, ms) the owner is that; null: nobody. */
  readonly sinceMs: number | null;
  /** Who else claims the address on the wire, `interface mac`; empty: nobody. */
  readonly conflicts: readonly string[];
  readonly frames: FrameCounts;
}

/** Frames about one VIP since the announcer started. */
export interface FrameCounts {
  readonly requestsReceived: number;
  readonly repliesSent: number;
  readonly gratuitousSent: number;
  readonly conflictsSeen: number;
}

export interface MemberReport {
  readonly node: string;
  readonly address: string;
  readonly state: 'alive' | 'suspect' | 'dead' | 'left';
  /** Since when, wall clock, ms. */
  readonly sinceMs: number;
  /** It has told that its proxy serves. */
  readonly serving: boolean;
}

export interface KernelReport {
  /** The table is as wanted. */
  readonly programmed: boolean;
  readonly ports: number;
  /** What is wrong or missing, each a sentence that says what to do: sysctls, missing modules, a failed transaction. */
  readonly problems: readonly string[];
}

export interface InterfaceReport {
  readonly name: string;
  readonly mac: string;
  readonly up: boolean;
  /** Why it is not used; empty: it is. */
  readonly unused: string;
}

/** Something that happened: for the log, Events and metrics. */
export type AnnouncerEvent = VipEvent | BgpPeerEvent;

/** Something that happened to a VIP. */
export type VipEvent =
  | { readonly type: 'moved'; readonly address: string; readonly from: string | null; readonly to: string | null; readonly reason: string; readonly atMs: number }
  | { readonly type: 'conflict'; readonly address: string; readonly interface: string; readonly mac: string; readonly defended: boolean; readonly atMs: number };
