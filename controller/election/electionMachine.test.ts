import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wakeAtMs } from './electionState.ts';
import { checkTimings, DEFAULT_TIMINGS } from './electionTimings.ts';
import { microTime } from './leaseRecord.ts';
import { ABSENT, DrivenCandidate, FAILED, found, record } from './testing/drivenCandidate.ts';

test('the first candidate makes the Lease and leads from its answer on, until ten seconds after its question', () => {
  const one = new DrivenCandidate();
  one.send({ type: 'start' });
  one.answerRead(ABSENT);
  assert.deepEqual(one.asked('write').precondition, { type: 'absent' });
  assert.deepEqual(one.asked('write').claim, {
    holder: 'one_1', leaseDurationSeconds: 15, transitions: 0, acquireTime: '2026-01-01T00:00:01.000000Z', renewTime: '2026-01-01T00:00:01.000000Z',
  });
  one.atMs += 4_000;
  one.written('1');
  assert.equal(one.leads, true);
  one.atMs += 5_999;
  assert.equal(one.leads, true);
  one.atMs += 1;
  assert.equal(one.leads, false, 'by the clock alone');
  one.send({ type: 'tick' });
  assert.deepEqual(one.changes, ['becomeLeader', 'lost: lapsed']);
});

test('a leader renews every two seconds without reading, on the version it wrote, and keeps when it began', () => {
  const one = new DrivenCandidate();
  const first = one.lead();
  one.atMs += 300;
  one.sleep();
  assert.equal(one.atMs, 3_000);
  const { claim, precondition } = one.asked('write');
  assert.deepEqual(precondition, { type: 'unchanged', record: first });
  assert.deepEqual([claim.acquireTime, claim.transitions], [first.acquireTime, 0]);
  assert.equal(claim.renewTime, '2026-01-01T00:00:03.000000Z');
  one.written('2');
  assert.deepEqual(one.changes, ['becomeLeader']);
});

test('a Lease of another is taken once it has looked the same for a whole lease, whatever times stand in it', () => {
  const one = new DrivenCandidate();
  one.send({ type: 'start' });
  one.answerRead(found({ renewTime: '1970-01-01T00:00:00.000000Z' }));
  while (one.atMs < 16_000) {
    // A change of labels makes a version, and no renewal.
    one.sleep();
    one.answerRead(found({ renewTime: '1970-01-01T00:00:00.000000Z', resourceVersion: String(one.atMs) }));
    assert.equal(one.leads, false);
  }
  assert.equal(one.atMs, 16_000, 'it looks at the very moment the lease ends');
  assert.deepEqual([one.asked('write').claim.transitions, one.asked('write').claim.holder], [4, 'one_1']);
  one.written('20000');
  assert.equal(one.leads, true);
});

test('a renewal seen within the lease starts the wait anew', () => {
  const one = new DrivenCandidate();
  one.send({ type: 'start' });
  one.answerRead(found());
  one.wait(14_000);
  one.answerRead(found({ renewTime: 'r2' }));
  one.wait(14_999);
  one.answerRead(found({ renewTime: 'r2' }));
  one.sleep();
  assert.equal(one.atMs, 30_000);
});

test('the longer lease counts: that of the record, where its holder runs with other times, but not for ever', () => {
  for (const [seconds, leaseMs] of [[60, 60_000], [1, 15_000], [null, 15_000], [1e9, 3_600_000]] as const) {
    const one = new DrivenCandidate();
    one.send({ type: 'start' });
    one.answerRead(found({ leaseDurationSeconds: seconds }));
    one.wait(leaseMs - 1);
    one.answerRead(found({ leaseDurationSeconds: seconds }));
    one.wait(1);
    one.answerRead(found({ leaseDurationSeconds: seconds }));
    assert.equal(one.asked('write').claim.holder, 'one_1', `${seconds}`);
  }
});

test('a released Lease is taken at once, and so is one that never had a holder', () => {
  for (const released of [{ holder: '', leaseDurationSeconds: 1 }, { holder: '', leaseDurationSeconds: null }]) {
    const one = new DrivenCandidate();
    one.send({ type: 'start' });
    one.answerRead(found(released));
    one.written('8');
    assert.equal(one.leads, true);
  }
});

test('a record that names no identity is somebody\'s, until it has not changed for a lease', () => {
  const one = new DrivenCandidate();
  one.send({ type: 'start' });
  one.answerRead(found({ holder: null, leaseDurationSeconds: null, renewTime: '' }));
  assert.equal(one.state.pending, null);
  one.wait(15_000);
  one.answerRead(found({ holder: null, leaseDurationSeconds: null, renewTime: '' }));
  one.written('9');
  assert.equal(one.leads, true);
});

test('a leader whose renewal fails reads before it writes again, every two seconds, and leads until its deadline', () => {
  const one = new DrivenCandidate();
  one.lead();
  for (const atMs of [3_000, 5_000, 7_000, 9_000]) {
    one.sleep();
    assert.equal(one.atMs, atMs);
    if (one.state.pending?.type === 'write') one.answerWrite(FAILED);
    else one.answerRead(FAILED);
    assert.equal(one.leads, true);
  }
  one.sleep();
  assert.deepEqual([one.atMs, one.leads], [11_000, false]);
  assert.deepEqual(one.changes, ['becomeLeader', 'lost: lapsed']);
});

test('a request without an answer is given up, and its late answer is not listened to', () => {
  const one = new DrivenCandidate();
  one.lead();
  one.sleep();
  const { id, claim } = one.asked('write');
  one.wait(5_000);
  assert.deepEqual(one.actions.at(-1), { type: 'abandon', id });
  const before = one.state;
  one.send({ type: 'writeResult', id, result: { type: 'written', record: record({ ...claim, resourceVersion: '2' }) } });
  assert.equal(one.state, before);
  one.sleep();
  one.asked('read');
});

test('a renewal that succeeds after the right has lapsed gives nothing: it is read and written again', () => {
  const one = new DrivenCandidate();
  const first = one.lead();
  one.wait(9_000);
  one.wait(1_000);
  assert.equal(one.leads, false);
  const renewed = one.written('2');
  assert.equal(one.leads, false, 'the answer is in time for its own deadline, and too late for the right');
  one.answerRead({ type: 'found', record: renewed });
  assert.equal(one.leads, false);
  one.written('3');
  assert.equal(one.leads, true);
  assert.equal(renewed.acquireTime, first.acquireTime);
  assert.deepEqual(one.changes, ['becomeLeader', 'lost: lapsed', 'becomeLeader']);
});

test('a process that slept past its lease learns so before it reads any answer', () => {
  const one = new DrivenCandidate();
  one.lead();
  one.sleep();
  const { id, claim } = one.asked('write');
  one.atMs += 60_000;
  assert.equal(one.leads, false);
  one.send({ type: 'writeResult', id, result: { type: 'written', record: record({ ...claim, resourceVersion: '2' }) } });
  assert.equal(one.leads, false);
  one.answerRead(found({ holder: 'two_2', transitions: 1 }));
  assert.deepEqual(one.changes, ['becomeLeader', 'lost: lapsed']);
});

test('a machine that slept does not lead, though its monotonic clock stood still', () => {
  const one = new DrivenCandidate();
  one.lead();
  one.wallStepMs = 20_000;
  assert.equal(one.leads, false);
  one.send({ type: 'tick' });
  one.wallStepMs = 0;
  assert.equal(one.leads, false, 'nor when the wall clock goes back');
});

test('a wall clock set back costs nothing', () => {
  const one = new DrivenCandidate();
  one.lead();
  one.wallStepMs = -3_600_000;
  one.sleep();
  one.written('2');
  assert.deepEqual([one.leads, one.changes], [true, ['becomeLeader']]);
});

test('two renewals at the same wall clock time differ', () => {
  const one = new DrivenCandidate();
  const first = one.lead();
  one.wallStepMs = -2_000;
  one.sleep();
  assert.equal(first.renewTime, '2026-01-01T00:00:01.000000Z');
  assert.equal(one.asked('write').claim.renewTime, '2026-01-01T00:00:01.000001Z');
});

test('a conflict is looked at once, then not before the next try', () => {
  const one = new DrivenCandidate();
  one.lead();
  one.sleep();
  one.answerWrite({ type: 'conflict' });
  one.answerRead(found({ holder: 'one_1', resourceVersion: '5' }));
  assert.equal(one.leads, true, 'it is still ours: somebody changed a label');
  one.answerWrite({ type: 'conflict' });
  assert.equal(one.state.pending, null);
  assert.equal(one.state.nextAttemptMs, 5_000);
});

test('a leader that sees another holder leads no more, at once', () => {
  const one = new DrivenCandidate();
  one.lead();
  one.sleep();
  one.answerWrite({ type: 'conflict' });
  one.answerRead(found());
  assert.equal(one.leads, false);
  assert.deepEqual(one.changes, ['becomeLeader', 'lost: taken']);
});

test('a write that comes back with another name in it gives nothing', () => {
  const one = new DrivenCandidate();
  one.send({ type: 'start' });
  one.answerRead(ABSENT);
  one.answerWrite({ type: 'written', record: record() });
  assert.equal(one.leads, false);
});

for (const [how, erased] of [['deleted', ABSENT], ['without its holder', found({ holder: '', resourceVersion: '8' })]] as const) {
  test(`a Lease found ${how} is kept from others at once, and led with only after a lease: its holder may not know yet`, () => {
    const one = new DrivenCandidate();
    one.send({ type: 'start' });
    one.answerRead(found());
    one.sleep();
    one.answerRead(erased);
    const atMs = one.atMs;
    let version = 8;
    while (one.atMs < atMs + 15_000) {
      version += 1;
      one.written(String(version), 'u2');
      assert.equal(one.leads, false);
      one.sleep();
    }
    one.written('99', 'u2');
    assert.equal(one.leads, true);
  });

  test(`a leader that finds its Lease ${how} leads no more, and again after a lease`, () => {
    const one = new DrivenCandidate();
    one.lead();
    one.sleep();
    one.answerWrite({ type: 'conflict' });
    one.answerRead(erased);
    assert.deepEqual(one.changes, ['becomeLeader', 'lost: erased']);
    const untilMs = one.atMs + 15_000;
    one.written('10', 'u2');
    while (!one.leads) {
      one.sleep();
      one.written(String(one.atMs), 'u2');
    }
    assert.ok(one.atMs >= untilMs);
  });
}

test('whoever took an erased Lease does not release it before the lease has passed', () => {
  const one = new DrivenCandidate();
  one.send({ type: 'start' });
  one.answerRead(found());
  one.sleep();
  one.answerRead(ABSENT);
  one.written('9', 'u2');
  one.send({ type: 'stop' });
  assert.deepEqual(one.actions.at(-1), { type: 'stopped', hasReleased: false });
});

test('a creation that turns out later to have happened begins with a wait: somebody may have led in between', () => {
  for (const outcome of ['failed', 'late'] as const) {
    const one = new DrivenCandidate();
    one.send({ type: 'start' });
    one.answerRead(ABSENT);
    const { claim } = one.asked('write');
    if (outcome === 'failed') {
      one.answerWrite(FAILED);
      one.sleep();
    } else {
      // The process stood still meanwhile.
      one.atMs += 10_000;
      one.written('1');
      assert.equal(one.leads, false);
    }
    one.answerRead({ type: 'found', record: record({ ...claim, resourceVersion: '1' }) });
    const atMs = one.atMs;
    one.written('2');
    assert.equal(one.leads, false);
    while (one.atMs < atMs + 15_000) {
      one.sleep();
      one.written(String(one.atMs));
    }
    assert.equal(one.leads, true);
  }
});

test('a takeover whose answer was lost is finished by a read and a write', () => {
  const one = new DrivenCandidate();
  one.send({ type: 'start' });
  one.answerRead(found({ holder: '', leaseDurationSeconds: 1 }));
  const { claim } = one.asked('write');
  one.answerWrite(FAILED);
  assert.equal(one.leads, false);
  one.sleep();
  one.answerRead({ type: 'found', record: record({ ...claim, resourceVersion: '8' }) });
  assert.equal(one.asked('write').claim.transitions, claim.transitions, 'it has not changed hands again');
  one.written('9');
  assert.equal(one.leads, true);
});

test('who stops leads no more at once and leaves an empty Lease of one second', () => {
  const one = new DrivenCandidate();
  const first = one.lead();
  one.wait(500);
  one.send({ type: 'stop' });
  assert.equal(one.leads, false);
  assert.deepEqual(one.asked('write').precondition, { type: 'unchanged', record: first });
  const { holder, leaseDurationSeconds, transitions } = one.asked('write').claim;
  assert.deepEqual([holder, leaseDurationSeconds, transitions], ['', 1, 0]);
  one.written('2');
  assert.deepEqual(one.changes, ['becomeLeader', 'lost: stopped', 'stopped']);
  assert.equal(wakeAtMs(one.state), null);
});

test('who stops while a write is under way learns its outcome first, and releases what it brought', () => {
  for (const result of ['written', 'failed', 'conflict'] as const) {
    const one = new DrivenCandidate();
    one.lead();
    one.sleep();
    const { claim } = one.asked('write');
    one.send({ type: 'stop' });
    one.send({ type: 'stop' });
    if (result === 'written') one.written('2');
    else {
      one.answerWrite(result === 'failed' ? FAILED : { type: 'conflict' });
      one.answerRead({ type: 'found', record: record({ ...claim, resourceVersion: '2' }) });
    }
    assert.equal(one.asked('write').claim.holder, '');
    one.written('3');
    assert.deepEqual(one.actions.at(-1), { type: 'stopped', hasReleased: true });
  }
});

test('who stops gives up after three conflicts, after three seconds, and where others hold the Lease', () => {
  const stubborn = new DrivenCandidate();
  stubborn.lead();
  stubborn.send({ type: 'stop' });
  for (let tries = 0; tries < 3; tries += 1) {
    stubborn.answerWrite({ type: 'conflict' });
    stubborn.answerRead(found({ holder: 'one_1', resourceVersion: `${tries}` }));
  }
  assert.deepEqual(stubborn.actions.at(-1), { type: 'stopped', hasReleased: false });

  const silent = new DrivenCandidate();
  silent.lead();
  silent.send({ type: 'stop' });
  silent.wait(3_000);
  assert.deepEqual(silent.actions.slice(-2).map(({ type }) => type), ['abandon', 'stopped']);

  const other = new DrivenCandidate();
  other.send({ type: 'start' });
  other.answerRead(found());
  other.send({ type: 'stop' });
  assert.deepEqual(other.actions.at(-1), { type: 'stopped', hasReleased: false });
});

test('the API server is given the time it asks for, half the deadline at most', () => {
  const one = new DrivenCandidate();
  one.lead();
  one.sleep();
  one.answerWrite({ type: 'failed', retryAfterMs: 3_000 });
  assert.equal(one.state.nextAttemptMs, one.atMs + 3_000);
  one.sleep();
  one.answerRead({ type: 'failed', retryAfterMs: 600_000 });
  assert.equal(one.state.nextAttemptMs, one.atMs + 5_000);
});

test('while there is no connection it is tried again after a quarter of the period, by who leads and by who does not', () => {
  const failed = { type: 'failed', retryAfterMs: null, unreachable: true } as const;
  const leader = new DrivenCandidate();
  leader.lead();
  leader.sleep();
  const startedMs = leader.atMs;
  leader.answerWrite(failed);
  assert.equal(leader.state.nextAttemptMs, startedMs + 500);
  const other = new DrivenCandidate();
  other.send({ type: 'start' });
  other.answerRead(failed);
  assert.ok((other.state.nextAttemptMs ?? 0) - other.atMs >= 500 && (other.state.nextAttemptMs ?? 0) - other.atMs <= 600);
});

test('a MicroTime has six digits after the point', () => {
  assert.equal(microTime(1_767_323_045_000_006), '2026-01-02T03:04:05.000006Z');
  assert.equal(microTime(1_767_323_045_999_999), '2026-01-02T03:04:05.999999Z');
});

test('times that cannot work together are refused', () => {
  assert.doesNotThrow(() => checkTimings(DEFAULT_TIMINGS));
  for (const wrong of [{ leaseDurationMs: 10_000 }, { renewDeadlineMs: 2_400 }, { retryPeriodMs: 0 }, { retryPeriodMs: Number.NaN }, { requestTimeoutMs: 0 }]) {
    assert.throws(() => checkTimings({ ...DEFAULT_TIMINGS, ...wrong }), RangeError);
  }
});
