import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LeaseNews } from '../../announcer/leases.ts';
import type { Right } from '../../election/electionState.ts';
import { createVipLeases } from './vipLeases.ts';

const VIP = '192.0.2.10';
const OTHER = '192.0.2.11';

/** Leases whose elections the test decides. */
function createBench() {
  const state = { nowMs: 1_000, answers: true, right: null as Right | null };
  const [news, done]: [LeaseNews[], string[]] = [[], []];
  const listeners: (() => void)[] = [];
  const leases = createVipLeases({
    clock: { now: () => state.nowMs },
    tell: (next) => { news.push(next); },
    probe: (address) => {
      done.push(`probe ${address}`);
      return Promise.resolve(state.answers);
    },
    elect: (address) => ({
      start: async () => { done.push(`start ${address}`); },
      stop: async () => { done.push(`stop ${address}`); },
      right: () => (state.right !== null && state.right.untilMonotonicMs > state.nowMs ? state.right : null),
      answeredMs: () => (state.answers ? state.nowMs : null),
      onChange: (listener) => {
        listeners.push(listener);
        return () => {};
      },
    }),
  });
  const renew = (): void => { state.right = { untilMonotonicMs: state.nowMs + 10_000, untilWallMs: 1.8e12 }; };
  const last = (): LeaseNews => news.at(-1) ?? { sequence: 0, reachable: false, rights: new Map() };
  const answer = (...wanted: readonly string[]): void => leases.heard({ heeded: last().sequence, wanted });
  return { state, news, done, leases, renew, last, answer, change: () => { for (const listener of listeners) listener(); } };
}

/** It holds the Lease of VIP, and its announcer knows. */
function holding() {
  const bench = createBench();
  bench.leases.allow(new Set([VIP]));
  bench.answer(VIP);
  bench.renew();
  bench.change();
  bench.answer(VIP);
  bench.done.splice(0);
  return bench;
}

test('a Lease is sought for what the announcer is to own, and for nothing that has none', () => {
  const { leases, done, answer, last, renew, change } = createBench();
  leases.look();
  assert.equal(last().sequence, 0, 'nobody is told of nothing');
  leases.allow(new Set([VIP]));
  assert.deepEqual(last(), { sequence: 1, reachable: true, rights: new Map() });
  answer(VIP, OTHER);
  assert.deepEqual(done, [`start ${VIP}`]);
  renew();
  change();
  assert.deepEqual([...last().rights.keys()], [VIP]);
});

test('it is given up only once the announcer has heeded that it must be silent', async () => {
  const { leases, done, answer, last } = holding();
  answer();
  assert.deepEqual(last().rights, new Map());
  assert.deepEqual(done, []);
  leases.heard({ heeded: last().sequence - 1, wanted: [] });
  assert.deepEqual(done, []);
  answer();
  assert.deepEqual(done, [`stop ${VIP}`]);
  await Promise.resolve();
  answer(VIP);
  assert.deepEqual(done, [`stop ${VIP}`, `start ${VIP}`]);
});

test('what an announcer has said before it knew of its right counts for nothing', () => {
  const { leases, last, renew, change, answer } = createBench();
  leases.allow(new Set([VIP]));
  answer(VIP);
  const before = last().sequence;
  renew();
  change();
  leases.heard({ heeded: before, wanted: [] });
  assert.deepEqual([...last().rights.keys()], [VIP]);
  answer();
  assert.deepEqual(last().rights, new Map());
});

test('an announcer that is stuck keeps its VIPs from nobody for longer than it was told that it has them', () => {
  const { leases, state, done, last, renew } = holding();
  const toldUntilMs = state.right?.untilMonotonicMs ?? 0;
  state.nowMs += 3_000;
  renew();
  leases.look();
  assert.deepEqual(last().rights, new Map(), 'its right is renewed no more');
  state.nowMs = toldUntilMs - 1;
  leases.look();
  assert.deepEqual(done, []);
  state.nowMs += 1;
  leases.look();
  assert.deepEqual(done, [`stop ${VIP}`]);
});

test('without an API server nothing is given up, and it is asked again and again whether it is back', async () => {
  const { leases, state, done, last, answer } = holding();
  state.answers = false;
  for (let second = 0; second < 9; second += 1) {
    state.nowMs += 1_000;
    // An announcer leaves it to others as soon as it hears of that.
    answer(...(last().reachable ? [VIP] : []));
    leases.look();
    await Promise.resolve();
  }
  assert.equal(last().reachable, false);
  assert.deepEqual(done, [`probe ${VIP}`, `probe ${VIP}`, `probe ${VIP}`]);
  state.answers = true;
  leases.look();
  assert.equal(last().reachable, true);
});

test('stopping releases all, and nothing is told any more', async () => {
  const { leases, done, news, answer } = holding();
  const before = news.length;
  await leases.stop();
  assert.deepEqual(done, [`stop ${VIP}`]);
  answer();
  leases.look();
  assert.equal(news.length, before);
});
