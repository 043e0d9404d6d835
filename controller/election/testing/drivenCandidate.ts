import assert from 'node:assert/strict';
import { stepElection } from '../electionMachine.ts';
import { isRightful, NEW_ELECTION, wakeAtMs, type ElectionAction, type ElectionEvent, type ElectionRules, type ReadResult, type WriteResult } from '../electionState.ts';
import { DEFAULT_TIMINGS } from '../electionTimings.ts';
import type { LeaseRecord } from '../leaseRecord.ts';

const RULES: ElectionRules = { identity: 'one_1', timings: DEFAULT_TIMINGS };
const WALL_MS = Date.parse('2026-01-01T00:00:00Z');

/** For tests: a candidate `one_1` whose time, requests and answers the test owns. */
export class DrivenCandidate {
  state = NEW_ELECTION;
  atMs = 1_000;
  /** Added to the wall clock. */
  wallStepMs = 0;
  readonly actions: ElectionAction[] = [];

  send(event: ElectionEvent): void {
    const step = stepElection(this.state, event, { monotonicMs: this.atMs, wallMs: this.#wallMs, random: 0.5 }, RULES);
    this.state = step.state;
    this.actions.push(...step.actions);
  }

  wait(ms: number): void {
    this.atMs += ms;
    this.send({ type: 'tick' });
  }

  /** Time goes on until the machine wants to be woken. */
  sleep(): void {
    const wake = wakeAtMs(this.state);
    assert.ok(wake !== null, 'nothing to wait for');
    this.wait(wake - this.atMs);
  }

  /** The last request, which must be of this type and without an answer. */
  asked<T extends 'read' | 'write'>(type: T): Extract<ElectionAction, { type: T }> {
    const action = this.actions.findLast((candidate) => candidate.type === 'read' || candidate.type === 'write');
    assert.equal(action?.type, type);
    assert.equal(this.state.pending?.id, action?.type === type ? action.id : null, `${type} has its answer already`);
    return action as Extract<ElectionAction, { type: T }>;
  }

  answerRead(result: ReadResult): void {
    this.send({ type: 'readResult', id: this.asked('read').id, result });
  }

  answerWrite(result: WriteResult): void {
    this.send({ type: 'writeResult', id: this.asked('write').id, result });
  }

  /** The write happens. */
  written(version: string, uid = 'u'): LeaseRecord {
    const stored = record({ ...this.asked('write').claim, resourceVersion: version, uid });
    this.answerWrite({ type: 'written', record: stored });
    return stored;
  }

  /** Leads, having made the Lease. */
  lead(): LeaseRecord {
    this.send({ type: 'start' });
    this.answerRead({ type: 'absent' });
    const stored = this.written('1');
    assert.equal(this.leads, true);
    return stored;
  }

  get leads(): boolean {
    return isRightful(this.state.right, { monotonicMs: this.atMs, wallMs: this.#wallMs });
  }

  get #wallMs(): number {
    return WALL_MS + this.atMs + this.wallStepMs;
  }

  /** Types of all actions but requests, with their reasons. */
  get changes(): readonly string[] {
    return this.actions.flatMap((action) => {
      if (action.type === 'loseLeadership') return [`lost: ${action.reason}`];
      return action.type === 'read' || action.type === 'write' ? [] : [action.type];
    });
  }
}

/** For tests: there is no Lease. */
export const ABSENT: ReadResult = { type: 'absent' };
/** For tests: the request failed, its outcome is unknown. */
export const FAILED = { type: 'failed', retryAfterMs: null } as const;

/** For tests: a Lease that `two_2` holds, and what is different about it. */
export function record(fields: Partial<LeaseRecord> = {}): LeaseRecord {
  return {
    uid: 'u', resourceVersion: '7', holder: 'two_2', leaseDurationSeconds: 15, acquireTime: 'a', renewTime: 'r', transitions: 3, source: {}, ...fields,
  };
}

/** For tests: that Lease, read. */
export function found(fields: Partial<LeaseRecord> = {}): ReadResult {
  return { type: 'found', record: record(fields) };
}
