import type { IpFamily } from '../../../core/net/ipAddress.ts';
import type { L4Key } from '../../../core/ir/l4.ts';
import type { Right } from '../../election/electionState.ts';
import type { LeaseNews, LeaseWishes } from '../leases.ts';
import type { L2Answer, L2Interface, MemberState } from '../parts.ts';
import type { VipEvent, AnnouncerReport, FrameCounts, InterfaceReport, KernelReport, MemberReport } from '../report.ts';
import type { AnnouncerWanted, ForwardedPort } from '../wanted.ts';

/** When something happened: `monotonicMs` (CLOCK_MONOTONIC) is what is reckoned with, `wallMs` (since the epoch) what people are shown. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** This node's interfaces at one moment. */
export interface InterfaceView {
  /** Where a VIP of that family with this wish (`AnnouncedVip.interfaces`) is announced; empty: nowhere. */
  choose(wish: readonly string[], family: IpFamily): readonly L2Interface[];
  /** All of them, and why they are used for none of these wishes. */
  describe(wishes: readonly (readonly string[])[]): readonly InterfaceReport[];
}

/** What happens to the engine. */
export type EngineEvent =
  | { readonly type: 'wanted'; readonly generation: number; readonly wanted: AnnouncerWanted }
  /** `accused`: others have said, since the last such event, that this node is suspect or dead. */
  | {
      readonly type: 'membership';
      readonly alive: ReadonlyMap<string, MemberState>;
      readonly members: readonly MemberReport[];
      readonly accused: boolean;
      /** Why this node must own nothing though it lives: others do not count it. Absent or null: it may. */
      readonly doubt?: string | null;
      /** What is wrong between the nodes, in words. */
      readonly problems?: readonly string[];
    }
  /** All known nodes have answered, or had the time to. */
  | { readonly type: 'settled' }
  | { readonly type: 'interfaces'; readonly interfaces: InterfaceView }
  | { readonly type: 'proxy'; readonly serving: boolean }
  | { readonly type: 'leases'; readonly news: LeaseNews }
  | { readonly type: 'takenOver'; readonly address: string }
  /** `atMs`: wall clock. */
  | { readonly type: 'conflict'; readonly address: string; readonly interface: string; readonly mac: string; readonly defended: boolean; readonly atMs: number }
  /** This process was stopped or stuck: others may have taken over meanwhile, and the speaker is silent for half a second. */
  | { readonly type: 'lapsed' }
  /** The kernel was told the ports of this generation; what came of it. */
  | { readonly type: 'kernel'; readonly generation: number; readonly report: KernelReport }
  | { readonly type: 'counts'; readonly counts: ReadonlyMap<string, FrameCounts> }
  /** At least every 100 ms. */
  | { readonly type: 'tick' }
  | { readonly type: 'stop' };

/** What the engine wants done, in this order. */
export type EngineEffect =
  /** Comes before the answers that it is for. */
  | { readonly type: 'rights'; readonly rights: ReadonlyMap<string, Right> }
  | { readonly type: 'answers'; readonly answers: readonly L2Answer[] }
  /** To be answered by a `kernel` event of the same generation, also when it fails. */
  | { readonly type: 'ports'; readonly generation: number; readonly ports: ReadonlyMap<L4Key, ForwardedPort> }
  | { readonly type: 'nodes'; readonly nodes: ReadonlyMap<string, readonly string[]> }
  | { readonly type: 'memberState'; readonly state: MemberState }
  | { readonly type: 'event'; readonly event: VipEvent }
  | { readonly type: 'report'; readonly report: AnnouncerReport }
  /** Comes after the answers that follow from what is heeded. */
  | { readonly type: 'leaseWishes'; readonly wishes: LeaseWishes }
  /** Leave the membership: others take over. */
  | { readonly type: 'leave' }
  /** Nothing is answered any more: everything can end. Comes once. */
  | { readonly type: 'stopped' };
