import {
  isRightful,
  type ElectionAction,
  type ElectionEvent,
  type ElectionRules,
  type ElectionState,
  type LossReason,
  type Moment,
  type PendingRequest,
  type ReadResult,
  type Right,
  type WriteResult,
} from './electionState.ts';
import { JITTER_FACTOR } from './electionTimings.ts';
import { judgeLease } from './judgeLease.ts';
import { isSameRecord, microTime, RELEASED_LEASE_SECONDS, type LeaseClaim, type LeaseRecord } from './leaseRecord.ts';

/** Writes that a release may take: it is a courtesy, and the lease runs out anyway. */
const RELEASE_TRIES = 3;

/** The state after an event, and what to do now, in this order. */
export interface ElectionStep {
  readonly state: ElectionState;
  readonly actions: readonly ElectionAction[];
}

/** Moment and rules of one step. */
interface Context {
  readonly now: Moment;
  readonly rules: ElectionRules;
}

/**
 * One candidate of an election, by client-go's rules and a few stricter ones (docs/decisions/0010). Pure: at most one request
 * is pending at a time, answers to any other are ignored, and the right to lead is looked at before anything else.
 */
export function stepElection(state: ElectionState, event: ElectionEvent, now: Moment, rules: ElectionRules): ElectionStep {
  const context: Context = { now, rules };
  const lapsed = state.right !== null && !isRightful(state.right, now) ? dropRight(state, 'lapsed') : stay(state);
  return chain(lapsed, (current) => handle(current, event, context));
}

function handle(state: ElectionState, event: ElectionEvent, context: Context): ElectionStep {
  switch (event.type) {
    case 'start':
      return state.phase === 'new' ? beginAttempt({ ...state, phase: 'running' }, context) : stay(state);
    case 'tick':
      return onTick(state, context);
    case 'readResult':
      return isAwaited(state, event) ? onRead({ ...state, pending: null }, event.result, context) : stay(state);
    case 'writeResult':
      return isAwaited(state, event) ? onWriteResult(state, event.result, context) : stay(state);
    case 'stop':
      return onStop(state, context);
  }
}

function isAwaited({ pending }: ElectionState, event: { readonly type: 'readResult' | 'writeResult'; readonly id: number }): boolean {
  return pending?.id === event.id && event.type === `${pending.type}Result`;
}

function onTick(state: ElectionState, context: Context): ElectionStep {
  const { monotonicMs } = context.now;
  if (state.stopping !== null && monotonicMs >= state.stopping.byMs) return finishStop(state, false);
  if (state.pending !== null && monotonicMs >= state.pending.giveUpAtMs) return giveUp(state, state.pending, context);
  return state.nextAttemptMs !== null && monotonicMs >= state.nextAttemptMs ? beginAttempt(state, context) : stay(state);
}

function giveUp(state: ElectionState, pending: PendingRequest, context: Context): ElectionStep {
  const abandoned: ElectionStep = { state: { ...state, pending: null }, actions: [{ type: 'abandon', id: pending.id }] };
  return chain(abandoned, (current) => onFailure(current, pending, { retryAfterMs: null }, context));
}

/** A leader renews what it wrote last without reading it first; everybody else looks before they write. */
function beginAttempt(state: ElectionState, context: Context): ElectionStep {
  const started = { ...state, attemptStartedMs: context.now.monotonicMs, nextAttemptMs: null };
  return isHolder(state, context.rules) && state.isCertain ? claim(started, { isFast: true }, context) : read(started, context);
}

function onRead(state: ElectionState, result: ReadResult, context: Context): ElectionStep {
  if (result.type === 'failed') return state.phase === 'stopping' ? finishStop(state, false) : endAttempt(state, result, context);
  const seen = observe(state, result.type === 'found' ? result.record : null, context);
  if (seen.phase === 'stopping') return release(seen, context);
  const judgement = judgeLease(seen, context.now.monotonicMs, context.rules);
  switch (judgement.type) {
    case 'ours':
      return claim(seen, {}, context);
    case 'free':
      return claim({ ...seen, probationUntilMs: null }, {}, context);
    case 'expired':
      return chain(dropRight(seen, 'taken'), (current) => claim({ ...current, probationUntilMs: null }, {}, context));
    case 'erased': {
      const probationUntilMs = context.now.monotonicMs + context.rules.timings.leaseDurationMs;
      return chain(dropRight(seen, 'erased'), (current) => claim({ ...current, probationUntilMs }, {}, context));
    }
    case 'held':
      return chain(dropRight(seen, 'taken'), (current) => {
        return endAttempt({ ...current, probationUntilMs: null }, { notAfterMs: judgement.untilMs }, context);
      });
  }
}

function onWriteResult(state: ElectionState, result: WriteResult, context: Context): ElectionStep {
  const { pending } = state;
  if (pending?.type !== 'write') return stay(state);
  const answered = { ...state, pending: null };
  if (result.type === 'failed') return onFailure(answered, pending, result, context);
  if (result.type === 'written') return onWritten(answered, pending, result.record, context);
  const unsure = { ...answered, isCertain: false };
  // What the version was is not what we thought: worth one look at once, but no race with whoever keeps changing it.
  return state.phase === 'stopping' || pending.isFast ? read(unsure, context) : endAttempt(unsure, {}, context);
}

type PendingWrite = Extract<PendingRequest, { type: 'write' }>;

function onWritten(state: ElectionState, pending: PendingWrite, record: LeaseRecord, context: Context): ElectionStep {
  const { now, rules } = context;
  const observed = { record, sinceMs: now.monotonicMs };
  const known: ElectionState = { ...state, observed, isCertain: true, hasUnknownWrite: false, hasSeenHolder: true };
  if (state.phase === 'stopping') return record.holder === '' ? finishStop(known, true) : release(known, context);
  // Something between us and the store changed what we wrote.
  if (!isHolder(known, rules)) return chain(dropRight(known, 'taken'), (current) => endAttempt(current, {}, context));
  if (isOnProbation(known, now)) return endAttempt(known, {}, context);
  const right: Right = {
    untilMonotonicMs: pending.startedAt.monotonicMs + rules.timings.renewDeadlineMs,
    untilWallMs: pending.startedAt.wallMs + rules.timings.renewDeadlineMs,
  };
  // Too late an answer gives nothing: the Lease is looked at again, by a try that begins now.
  if (!pending.grants || !isRightful(right, now)) return beginAttempt({ ...known, observed: state.observed, isCertain: false }, context);
  const actions: ElectionAction[] = state.right === null ? [{ type: 'becomeLeader' }] : [];
  return chain({ state: { ...known, probationUntilMs: null, right }, actions }, (current) => endAttempt(current, {}, context));
}

/** A write that failed may have happened, so that what we remember is worth nothing until it is read again. */
function onFailure(state: ElectionState, pending: PendingRequest, failed: AttemptEnd, context: Context): ElectionStep {
  const unsure = pending.type === 'write' ? { ...state, isCertain: false, hasUnknownWrite: true } : state;
  if (state.phase !== 'stopping') return endAttempt(unsure, failed, context);
  return pending.type === 'write' ? read(unsure, context) : finishStop(unsure, false);
}

function onStop(state: ElectionState, context: Context): ElectionStep {
  if (state.phase === 'stopping' || state.phase === 'stopped') return stay(state);
  const byMs = context.now.monotonicMs + context.rules.timings.releaseTimeoutMs;
  return chain(dropRight(state, 'stopped'), (current) => {
    const stopping: ElectionState = { ...current, phase: 'stopping', nextAttemptMs: null, stopping: { byMs, writesLeft: RELEASE_TRIES } };
    // Its outcome decides what there is to release.
    if (current.pending?.type === 'write') return stay(stopping);
    const mayHold = isHolder(current, context.rules) || current.hasUnknownWrite;
    if (!mayHold) return finishStop(stopping, false);
    if (current.pending !== null) return stay(stopping);
    return current.isCertain ? release(stopping, context) : read(stopping, context);
  });
}

/** Says at once that the Lease is free, if it is ours to give: during probation nobody else must lead yet either. */
function release(state: ElectionState, context: Context): ElectionStep {
  const { observed, stopping } = state;
  const isOurs = observed !== null && isHolder(state, context.rules) && !isOnProbation(state, context.now);
  if (!isOurs || stopping === null || stopping.writesLeft === 0) return finishStop(state, false);
  const lastRenewMicros = nextRenewMicros(state, context.now);
  const now = microTime(lastRenewMicros);
  const { transitions } = observed.record;
  const released = { holder: '', leaseDurationSeconds: RELEASED_LEASE_SECONDS, acquireTime: now, renewTime: now, transitions };
  const counted = { ...state, lastRenewMicros, stopping: { ...stopping, writesLeft: stopping.writesLeft - 1 } };
  return write(counted, released, { grants: false }, context);
}

function finishStop(state: ElectionState, hasReleased: boolean): ElectionStep {
  const abandoned: ElectionAction[] = state.pending === null ? [] : [{ type: 'abandon', id: state.pending.id }];
  const stopped: ElectionState = { ...state, phase: 'stopped', pending: null, nextAttemptMs: null, stopping: null };
  return { state: stopped, actions: [...abandoned, { type: 'stopped', hasReleased }] };
}

function read(state: ElectionState, context: Context): ElectionStep {
  const id = state.lastId + 1;
  const giveUpAtMs = context.now.monotonicMs + context.rules.timings.requestTimeoutMs;
  return { state: { ...state, lastId: id, nextAttemptMs: null, pending: { type: 'read', id, giveUpAtMs } }, actions: [{ type: 'read', id }] };
}

/** Writes our name into the Lease: to take it, or to keep it. */
function claim(state: ElectionState, kind: { readonly isFast?: boolean }, context: Context): ElectionStep {
  const { identity, timings } = context.rules;
  const record = state.observed?.record ?? null;
  const lastRenewMicros = nextRenewMicros(state, context.now);
  const renewTime = microTime(lastRenewMicros);
  const isRenewal = record?.holder === identity;
  const wanted: LeaseClaim = {
    holder: identity,
    leaseDurationSeconds: Math.ceil(timings.leaseDurationMs / 1000),
    acquireTime: isRenewal && record.acquireTime !== '' ? record.acquireTime : renewTime,
    renewTime,
    transitions: record === null ? 0 : record.transitions + (isRenewal ? 0 : 1),
  };
  return write({ ...state, lastRenewMicros }, wanted, { grants: true, ...kind }, context);
}

type WriteKind = { readonly grants: boolean; readonly isFast?: boolean };

function write(state: ElectionState, wanted: LeaseClaim, kind: WriteKind, context: Context): ElectionStep {
  const id = state.lastId + 1;
  const giveUpAtMs = context.now.monotonicMs + context.rules.timings.requestTimeoutMs;
  const { grants, isFast = false } = kind;
  const pending: PendingRequest = { type: 'write', id, giveUpAtMs, startedAt: context.now, grants, isFast };
  const precondition = state.observed === null ? { type: 'absent' } as const : { type: 'unchanged', record: state.observed.record } as const;
  return {
    state: { ...state, lastId: id, nextAttemptMs: null, pending },
    actions: [{ type: 'write', id, claim: wanted, precondition }],
  };
}

/**
 * The time of the next write, always later than that of the last one: a wall clock that stands still, or is set back, must not make
 * two renewals look the same to those who watch for a change.
 */
function nextRenewMicros(state: ElectionState, now: Moment): number {
  return Math.max(Math.floor(now.wallMs * 1000), state.lastRenewMicros + 1);
}

/** How an attempt ended: the patience the API server asked for, and a time at which the next one is worth while. */
interface AttemptEnd {
  readonly retryAfterMs?: number | null;
  readonly unreachable?: boolean;
  readonly notAfterMs?: number;
}

/** Without a connection a try is one SYN; what waits for a leader should not wait for its turn as well when the API server is back. */
const UNREACHABLE_PERIOD_MS = 500;

/** Who holds the Lease tries again a renew period after its last try began, everybody else a jittered retry period from now. */
function endAttempt(state: ElectionState, { retryAfterMs, unreachable, notAfterMs }: AttemptEnd, context: Context): ElectionStep {
  const { now, rules } = context;
  const { renewDeadlineMs } = rules.timings;
  const longestMs = unreachable === true ? UNREACHABLE_PERIOD_MS : Number.POSITIVE_INFINITY;
  const retryPeriodMs = Math.min(rules.timings.retryPeriodMs, longestMs);
  const jitteredMs = now.monotonicMs + retryPeriodMs * (1 + (JITTER_FACTOR - 1) * now.random);
  const regularMs = isHolder(state, rules) ? state.attemptStartedMs + Math.min(rules.timings.renewPeriodMs, longestMs) : Math.min(jitteredMs, notAfterMs ?? jitteredMs);
  const askedMs = now.monotonicMs + Math.min(retryAfterMs ?? 0, renewDeadlineMs / 2);
  return stay({ ...state, nextAttemptMs: Math.max(regularMs, askedMs, now.monotonicMs) });
}

/**
 * What a read has shown. Our own name in an object that we did not know: a creation of ours has happened after all, nobody knows
 * how late, and somebody else may have led in between and lost the Lease. So it begins with a probation.
 */
function observe(state: ElectionState, record: LeaseRecord | null, { now, rules }: Context): ElectionState {
  const looked = { ...state, hasUnknownWrite: false };
  if (record === null) return { ...looked, observed: null, isCertain: false };
  const known = state.observed;
  const isRepeated = known !== null && isSameRecord(known.record, record);
  const observed = { record, sinceMs: isRepeated ? known.sinceMs : now.monotonicMs };
  const hasSeenHolder = state.hasSeenHolder || record.holder !== '';
  const isSurprise = record.holder === rules.identity && known?.record.uid !== record.uid;
  const probationUntilMs = isSurprise ? now.monotonicMs + rules.timings.leaseDurationMs : state.probationUntilMs;
  return { ...looked, observed, hasSeenHolder, probationUntilMs };
}

/** A right that ended does not come back by an answer that was under way: that write grants nothing any more. */
function dropRight(state: ElectionState, reason: LossReason): ElectionStep {
  if (state.right === null) return stay(state);
  const pending = state.pending?.type === 'write' ? { ...state.pending, grants: false } : state.pending;
  const isCertain = reason === 'stopped' && state.isCertain;
  return { state: { ...state, right: null, isCertain, pending }, actions: [{ type: 'loseLeadership', reason }] };
}

function isHolder({ observed }: ElectionState, { identity }: ElectionRules): boolean {
  return observed?.record.holder === identity;
}

function isOnProbation({ probationUntilMs }: ElectionState, now: Moment): boolean {
  return probationUntilMs !== null && now.monotonicMs < probationUntilMs;
}

function stay(state: ElectionState): ElectionStep {
  return { state, actions: [] };
}

function chain(first: ElectionStep, next: (state: ElectionState) => ElectionStep): ElectionStep {
  const { state, actions } = next(first.state);
  return { state, actions: [...first.actions, ...actions] };
}
