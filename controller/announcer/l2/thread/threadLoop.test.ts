import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { L2Answer } from '../../parts.ts';
import type { L2Action, L2Machine } from '../l2Machine.ts';
import { createConfirmation, readConfirmation } from './confirmation.ts';
import type { FromL2Thread, ToL2Thread } from './threadMessages.ts';
import { ThreadLoop } from './threadLoop.ts';
import type { Wire } from './wire.ts';

const LINK = { index: 3, name: 'eth0', mac: '02:00:00:00:00:03' };
const ANSWER: L2Answer = { address: '192.0.2.10', interfaces: [LINK], mode: { type: 'owner' }, leaving: false };
const sendFrame = (octet: number): L2Action => ({ type: 'send', interfaceIndex: 3, frame: Uint8Array.of(octet), address: ANSWER.address });
const ANNOUNCEMENT = 100;
/** A frame that makes a conflict. */
const FOREIGN = 101;
const CONFLICT = { type: 'conflict', address: ANSWER.address, interface: 'eth0', mac: '02:00:00:00:00:66', defended: true } as const;

/** A loop whose machine answers every frame with itself, and announces on every new set of answers. */
function createBench() {
  const state = { nowMs: 1_000, wallMs: 1_000_000, isBroken: false, dueAtMs: null as number | null };
  const messages: ToL2Thread[] = [];
  const waiting: number[] = [];
  const sent: number[] = [];
  const calls: string[] = [];
  const reports: FromL2Thread[] = [];
  const timeouts: number[] = [];
  const confirmation = createConfirmation();
  let answers: readonly L2Answer[] = [];
  const machine: L2Machine = {
    setAnswers: (next) => {
      const isNew = answers.length === 0 && next.length > 0;
      answers = next;
      return isNew ? [sendFrame(ANNOUNCEMENT)] : [];
    },
    setOwnMacs: (macs) => { calls.push(`own ${macs.join(' ')}`); },
    linkUp: (index) => [sendFrame(index)],
    frame: (_, frame) => frame[0] === FOREIGN ? [CONFLICT] : answers.length > 0 ? [sendFrame(frame[0] ?? 0)] : [],
    tick: () => [{ type: 'takenOver', address: '192.0.2.10' }],
    nextTickMs: () => state.dueAtMs,
    counts: () => new Map(),
    ignored: () => new Map(),
    groups: () => [],
  };
  const wire: Wire = {
    setAnswers: (next) => { calls.push(`wire ${next.length}`); },
    updateGroups: () => { calls.push('groups'); },
    descriptors: () => [],
    receive: (_, __, take) => {
      while (waiting.length > 0) if (!take(3, Uint8Array.of(waiting.shift() ?? 0))) return;
    },
    send: (_, frame) => { sent.push(frame[0] ?? -1); },
    repair: () => {
      if (!state.isBroken) return [];
      state.isBroken = false;
      return [3];
    },
    isBroken: () => state.isBroken,
    close: () => {},
  };
  const clock = { nowMs: () => state.nowMs };
  const loop = new ThreadLoop({
    machine, wire, confirmation: readConfirmation(confirmation.shared, () => BigInt(state.nowMs) * 1_000_000n),
    nextMessage: () => messages.shift() ?? null,
    report: (message) => { reports.push(message); },
    wait: (_, timeoutMs) => {
      timeouts.push(timeoutMs);
      return new Set();
    },
    nowMs: clock.nowMs,
    wallMs: () => state.wallMs,
  });
  const post = (generation: number, next: readonly L2Answer[], afresh = false): void => {
    messages.push({ type: 'answers', generation, answers: next, afresh });
    confirmation.setGeneration(generation);
  };
  const confirm = (): void => { confirmation.confirm(BigInt(state.nowMs) * 1_000_000n); };
  return { state, messages, waiting, sent, calls, reports, timeouts, confirmation, loop, post, confirm };
}

test('answers are announced in the turn they come, over sockets that are open, and before frames are read', () => {
  const { loop, post, confirm, sent, calls, waiting } = createBench();
  confirm();
  post(1, [ANSWER]);
  waiting.push(1, 2);
  assert.equal(loop.turn(), true);
  assert.deepEqual(sent, [ANNOUNCEMENT, 1, 2]);
  assert.deepEqual(calls, ['wire 1', 'groups']);
});

test('nothing is sent without confirmation, and frames that come meanwhile are thrown away', () => {
  const { loop, post, confirm, sent, waiting, state } = createBench();
  confirm();
  post(1, [ANSWER]);
  loop.turn();
  state.nowMs += 400;
  waiting.push(1, 2, 3);
  loop.turn();
  assert.equal(waiting.length, 0);
  confirm();
  waiting.push(4);
  loop.turn();
  assert.deepEqual(sent, [ANNOUNCEMENT, 4]);
});

test('answers of another generation are void at once, whatever is confirmed', () => {
  const { loop, post, confirm, confirmation, sent, waiting } = createBench();
  confirm();
  post(1, [ANSWER]);
  loop.turn();
  confirmation.setGeneration(2);
  waiting.push(1);
  loop.turn();
  assert.deepEqual(sent, [ANNOUNCEMENT]);
});

test('new answers that come while frames are read apply to the very next frame, and what is left of the turn is put off', () => {
  const { loop, post, confirm, sent, waiting, messages } = createBench();
  confirm();
  post(1, [ANSWER]);
  loop.turn();
  const shift = waiting.shift.bind(waiting);
  waiting.push(1, 2, 3);
  let reads = 0;
  waiting.shift = () => {
    reads += 1;
    if (reads === 2) post(2, []);
    return shift();
  };
  loop.turn();
  assert.deepEqual(sent, [ANNOUNCEMENT, 1]);
  assert.equal(messages.length, 0);
  assert.deepEqual([...waiting], [3]);
});

test('answers that come afresh are announced again, though they are the same', () => {
  const { loop, post, confirm, sent } = createBench();
  confirm();
  post(1, [ANSWER]);
  loop.turn();
  post(2, [ANSWER]);
  loop.turn();
  assert.deepEqual(sent, [ANNOUNCEMENT]);
  post(3, [ANSWER], true);
  loop.turn();
  assert.deepEqual(sent, [ANNOUNCEMENT, ANNOUNCEMENT]);
});

test('a conflict is told with the time at which it was found', () => {
  const { loop, post, confirm, waiting, reports, state } = createBench();
  confirm();
  post(1, [ANSWER]);
  waiting.push(FOREIGN);
  loop.turn();
  const { type: _, ...seen } = CONFLICT;
  assert.deepEqual(reports, [{ type: 'conflict', seen: { ...seen, atMs: state.wallMs } }]);
});

test('it waits no longer than until something is due, sooner where something is broken, and not for ticks it may not take', () => {
  const { loop, post, confirm, state, timeouts, reports } = createBench();
  confirm();
  post(1, [ANSWER]);
  loop.turn();
  state.dueAtMs = state.nowMs + 30.2;
  loop.turn();
  assert.equal(timeouts.at(-1), 31);
  assert.equal(reports.length, 0);
  state.nowMs += 31;
  loop.turn();
  assert.equal(timeouts.at(-1), 0);
  assert.deepEqual(reports, [{ type: 'takenOver', address: '192.0.2.10' }]);
  state.nowMs += 1_000;
  loop.turn();
  assert.equal(timeouts.at(-1), 200);
  assert.equal(reports.length, 1);
  state.isBroken = true;
  loop.turn();
  assert.equal(timeouts.at(-1), 100);
});

test('an interface that works again, or has come up, is announced on', () => {
  const { loop, post, confirm, state, sent, messages, calls } = createBench();
  confirm();
  post(1, [ANSWER]);
  loop.turn();
  state.isBroken = true;
  loop.turn();
  messages.push({ type: 'links', macs: ['02:00:00:00:00:03'], up: [4] });
  loop.turn();
  assert.deepEqual(sent, [ANNOUNCEMENT, 3, 4]);
  assert.equal(calls.at(-1), 'own 02:00:00:00:00:03');
});

test('an answer that needs a right is spoken for until that ends by either clock, whatever the main thread confirms', () => {
  const { loop, post, confirm, sent, waiting, messages, state } = createBench();
  const ask = (frame: number): void => {
    confirm();
    waiting.push(frame);
    loop.turn();
  };
  confirm();
  post(1, [{ ...ANSWER, leased: true }]);
  loop.turn();
  assert.deepEqual(sent, [], 'there is no right yet');
  const until = { untilMonotonicMs: state.nowMs + 100, untilWallMs: state.wallMs + 100 };
  messages.push({ type: 'rights', rights: new Map([[ANSWER.address, until]]) });
  ask(1);
  state.nowMs += 99;
  ask(2);
  state.nowMs += 1;
  ask(3);
  messages.push({ type: 'rights', rights: new Map([[ANSWER.address, { ...until, untilMonotonicMs: state.nowMs + 100 }]]) });
  ask(4);
  state.wallMs += 100;
  ask(5);
  post(2, [ANSWER]);
  ask(6);
  assert.deepEqual(sent, [1, 2, 4, 6]);
});

test('stop ends the loop, with what came after it left undone', () => {
  const { loop, post, confirm, sent, messages } = createBench();
  confirm();
  messages.push({ type: 'stop' });
  post(1, [ANSWER]);
  assert.equal(loop.turn(), false);
  assert.deepEqual(sent, []);
});
