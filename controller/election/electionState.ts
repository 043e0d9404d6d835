import type { ElectionTimings } from './electionTimings.ts';
import type { LeaseClaim, LeasePrecondition, LeaseRecord } from './leaseRecord.ts';

/** What one candidate is told once. */
export interface ElectionRules {
  /** Of this process alone, never used before. */
  readonly identity: string;
  readonly timings: ElectionTimings;
}

/** When something happens, by both clocks of this machine; `random` gives the jitter, 0 ≤ x < 1. */
export interface Moment {
  readonly monotonicMs: number;
  /** Since the epoch. */
  readonly wallMs: number;
  readonly random: number;
}

/** No answer that helps. */
export interface FailedResult {
  readonly type: 'failed';
  /** The API server asks for that much patience. */
  readonly retryAfterMs: number | null;
  /** There was no connection: whether it is back costs nobody anything to find out. */
  readonly unreachable?: boolean;
}

/** What a read came to. */
export type ReadResult =
  | { readonly type: 'found'; readonly record: LeaseRecord }
  | { readonly type: 'absent' }
  | FailedResult;

/** What a write came to. */
export type WriteResult =
  | { readonly type: 'written'; readonly record: LeaseRecord }
  /** The precondition did not hold. */
  | { readonly type: 'conflict' }
  /** It may have happened all the same. */
  | FailedResult;

export type ElectionEvent =
  | { readonly type: 'start' }
  /** Time has passed. */
  | { readonly type: 'tick' }
  | { readonly type: 'readResult'; readonly id: number; readonly result: ReadResult }
  | { readonly type: 'writeResult'; readonly id: number; readonly result: WriteResult }
  | { readonly type: 'stop' };

/** Why a leader leads no more. */
export type LossReason =
  /** Not renewed in time, by this process's own clocks. */
  | 'lapsed'
  /** Somebody else holds the Lease. */
  | 'taken'
  /** The Lease was deleted, or its holder erased, by somebody else. */
  | 'erased'
  | 'stopped';

export type ElectionAction =
  | { readonly type: 'read'; readonly id: number }
  | { readonly type: 'write'; readonly id: number; readonly claim: LeaseClaim; readonly precondition: LeasePrecondition }
  /** The request is given up; its answer will not be listened to. */
  | { readonly type: 'abandon'; readonly id: number }
  | { readonly type: 'becomeLeader' }
  | { readonly type: 'loseLeadership'; readonly reason: LossReason }
  | { readonly type: 'stopped'; readonly hasReleased: boolean };

/** The right to lead, by both clocks: it ends at whichever comes first, so that a machine that slept does not keep it. */
export interface Right {
  readonly untilMonotonicMs: number;
  readonly untilWallMs: number;
}

/** A request without an answer yet. */
export type PendingRequest =
  | { readonly type: 'read'; readonly id: number; readonly giveUpAtMs: number }
  | {
      readonly type: 'write';
      readonly id: number;
      readonly giveUpAtMs: number;
      readonly startedAt: Moment;
      /** Renewal from memory, without a read before: a conflict is followed by a read at once. */
      readonly isFast: boolean;
      /** Success gives the right to lead. False once the right has lapsed meanwhile, and for a release. */
      readonly grants: boolean;
    };

/** One candidate. Times without another word are monotonic, ms. */
export interface ElectionState {
  readonly phase: 'new' | 'running' | 'stopping' | 'stopped';
  /** The Lease as last seen or written, and since when it has looked so to us; null: not seen, or absent. */
  readonly observed: { readonly record: LeaseRecord; readonly sinceMs: number } | null;
  /** `observed` is what our own last write made, and nothing has put that in doubt: it may be renewed without a read. */
  readonly isCertain: boolean;
  /** A write has failed, and nobody has looked yet whether it happened all the same. */
  readonly hasUnknownWrite: boolean;
  /** A Lease with a holder has been seen: one that is missing later was taken away. */
  readonly hasSeenHolder: boolean;
  readonly right: Right | null;
  /**
   * The holder before was erased, and not by a release: it may still believe that it leads. Until then we may hold the Lease
   * but do not lead. Null: no such case.
   */
  readonly probationUntilMs: number | null;
  readonly pending: PendingRequest | null;
  readonly attemptStartedMs: number;
  /** Null while a request is pending, and before the start. */
  readonly nextAttemptMs: number | null;
  /** While stopping: when to give up, and how many writes are left for it. */
  readonly stopping: { readonly byMs: number; readonly writesLeft: number } | null;
  readonly lastId: number;
  /** The renewTime written last, microseconds since the epoch. */
  readonly lastRenewMicros: number;
}

/** A candidate that has not begun. */
export const NEW_ELECTION: ElectionState = {
  phase: 'new',
  observed: null,
  isCertain: false,
  hasUnknownWrite: false,
  hasSeenHolder: false,
  right: null,
  probationUntilMs: null,
  pending: null,
  attemptStartedMs: 0,
  nextAttemptMs: null,
  stopping: null,
  lastId: 0,
  lastRenewMicros: 0,
};

/** The right exists and has not run out. */
export function isRightful(right: Right | null, now: Pick<Moment, 'monotonicMs' | 'wallMs'>): boolean {
  return right !== null && now.monotonicMs < right.untilMonotonicMs && now.wallMs < right.untilWallMs;
}

/** When the machine wants to be told the time again, monotonic ms; null: only when something happens. */
export function wakeAtMs({ right, pending, nextAttemptMs, stopping }: ElectionState): number | null {
  const times = [right?.untilMonotonicMs, pending?.giveUpAtMs, nextAttemptMs, stopping?.byMs].filter((time) => typeof time === 'number');
  return times.length === 0 ? null : Math.min(...times);
}
