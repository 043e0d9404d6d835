import type { ElectionRules, ElectionState } from './electionState.ts';
import { RELEASED_LEASE_SECONDS, type LeaseRecord } from './leaseRecord.ts';

/** Longest lease of another that is waited for, seconds: a senseless number must not lock everybody out for ever. */
const MAX_FOREIGN_LEASE_SECONDS = 3600;

/** What a candidate may do with the Lease it has just read. */
export type LeaseJudgement =
  /** Another holds it until then, monotonic ms, as far as we know today. */
  | { readonly type: 'held'; readonly untilMs: number }
  /** Its holder has shown no life for a whole lease. */
  | { readonly type: 'expired' }
  /** It carries our name. */
  | { readonly type: 'ours' }
  /** Released, or never held. */
  | { readonly type: 'free' }
  /** It had a holder, and that one did not release it: deleted, or edited by hand. */
  | { readonly type: 'erased' };

/** Judges `state.observed`, null being an absent Lease. Only how long WE have seen the record counts, no time that stands in it. */
export function judgeLease(state: ElectionState, nowMs: number, rules: ElectionRules): LeaseJudgement {
  const { observed } = state;
  if (observed === null) return { type: state.hasSeenHolder ? 'erased' : 'free' };
  const { record, sinceMs } = observed;
  if (record.holder === rules.identity) return { type: 'ours' };
  if (record.holder === '') {
    const isFree = record.leaseDurationSeconds === RELEASED_LEASE_SECONDS || !state.hasSeenHolder;
    return { type: isFree ? 'free' : 'erased' };
  }
  const untilMs = sinceMs + leaseOf(record, rules);
  return nowMs < untilMs ? { type: 'held', untilMs } : { type: 'expired' };
}

/** The longer of both: the holder may run with other times than we do, as during an upgrade. */
function leaseOf(record: LeaseRecord, rules: ElectionRules): number {
  const seconds = Math.min(record.leaseDurationSeconds ?? 0, MAX_FOREIGN_LEASE_SECONDS);
  return Math.max(rules.timings.leaseDurationMs, seconds * 1000);
}
