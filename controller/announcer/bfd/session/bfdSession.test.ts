import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BfdSettings } from '../bfdSettings.ts';
import type { BfdState } from '../bfdSpeaker.ts';
import type { ControlPacket } from '../controlPacket.ts';
import { createBfdSession, type BfdSession, type SessionEffect } from './bfdSession.ts';

const SETTINGS: BfdSettings = {
  receiveIntervalMs: 50, transmitIntervalMs: 50, detectMultiplier: 3, echoIntervalMs: null, echoReceiveIntervalMs: 50, passive: false, hops: { type: 'single' },
};
const MINE = 7;
const THEIRS = 9;

const start = (settings: Partial<BfdSettings> = {}, random = (): number => 0): BfdSession => {
  const session = createBfdSession({ settings: { ...SETTINGS, ...settings }, localDiscriminator: MINE, random, echoKey: Buffer.alloc(6, 5) }, 0);
  session.setEchoPath(true);
  return session;
};

const from = (state: BfdState, more: Partial<ControlPacket> = {}): ControlPacket => ({
  diagnostic: 0, state, poll: false, final: false, controlPlaneIndependent: false, authenticated: false, demand: false, detectMultiplier: 3,
  myDiscriminator: THEIRS, yourDiscriminator: MINE, desiredMinTxUs: 50_000, requiredMinRxUs: 50_000, requiredMinEchoRxUs: 0, ...more,
});

const sent = (effects: readonly SessionEffect[]): readonly ControlPacket[] => effects.flatMap((effect) => effect.type === 'send' ? [effect.packet] : []);
const words = (effects: readonly SessionEffect[]): readonly string[] =>
  effects.flatMap((effect) => effect.type === 'changed' ? [`${effect.state}/${effect.remoteState}: ${effect.why}`] : []);

/** Brings a session to a state, at `nowMs`; its first poll is answered. */
const bringTo = (session: BfdSession, state: BfdState, nowMs = 0): BfdSession => {
  if (state === 'Init' || state === 'Up') session.receive(from('Down'), nowMs);
  if (state === 'Up') {
    session.receive(from('Up'), nowMs);
    session.receive(from('Up', { final: true }), nowMs);
  }
  if (state === 'AdminDown') session.disable(nowMs);
  assert.equal(session.view().state, state);
  return session;
};

test('a packet makes of each state what the table of RFC 5880 section 6.8.6 says', () => {
  const table: Readonly<Record<Exclude<BfdState, 'AdminDown'>, Readonly<Record<BfdState, BfdState>>>> = {
    Down: { AdminDown: 'Down', Down: 'Init', Init: 'Up', Up: 'Down' },
    Init: { AdminDown: 'Down', Down: 'Init', Init: 'Up', Up: 'Up' },
    Up: { AdminDown: 'Down', Down: 'Down', Init: 'Up', Up: 'Up' },
  };
  for (const state of ['Down', 'Init', 'Up'] as const) {
    for (const received of ['AdminDown', 'Down', 'Init', 'Up'] as const) {
      const session = bringTo(start(), state);
      session.receive(from(received), 1);
      assert.equal(session.view().state, table[state][received], `${state} and ${received}`);
    }
  }
  const closed = bringTo(start(), 'AdminDown');
  for (const received of ['AdminDown', 'Down', 'Init', 'Up'] as const) assert.equal((closed.receive(from(received), 1), closed.view().state), 'AdminDown');
});

test('a handshake is told in words, and each change is sent at once', () => {
  const session = start();
  assert.deepEqual(sent(session.tick(0)).map(({ state, yourDiscriminator }) => [state, yourDiscriminator]), [['Down', 0]]);
  const first = session.receive(from('Down'), 10);
  assert.deepEqual(words(first), ['Init/Down: the peer says Down']);
  assert.deepEqual(sent(first).map(({ state, yourDiscriminator }) => [state, yourDiscriminator]), [['Init', THEIRS]]);
  const second = session.receive(from('Up'), 20);
  assert.deepEqual(words(second), ['Up/Up: the peer is up']);
  assert.deepEqual(sent(second).map(({ state }) => state), ['Up']);
  assert.deepEqual(words(session.receive(from('Down', { diagnostic: 1 }), 30)), ['Down/Down: the peer says Down: Control Detection Time Expired']);
  assert.equal(session.view().diagnostic, 'Neighbor Signaled Session Down');
  assert.equal(session.view().remoteDiagnostic, 'Control Detection Time Expired');
  assert.equal(session.view().downs, 1);
});

test('nothing is sent more often than once a second while the session is not up, and 75 to 100 % of the interval once it is', () => {
  for (const [random, fraction] of [[0, 0.75], [0.5, 0.875], [1 - 1e-9, 1]] as const) {
    const session = start({}, () => random);
    assert.equal(session.dueMs(), Number.NEGATIVE_INFINITY);
    assert.equal(sent(session.tick(0))[0]?.desiredMinTxUs, 1_000_000);
    assert.ok(Math.abs((session.dueMs() ?? 0) - 1_000 * fraction) < 0.01);
    bringTo(session, 'Up', 100);
    assert.ok(Math.abs((session.dueMs() ?? 0) - (100 + 50 * fraction)) < 0.01);
  }
});

test('with a multiplier of 1 at most 90 % of the interval passes', () => {
  const session = bringTo(start({ detectMultiplier: 1 }, () => 1 - 1e-9), 'Up');
  assert.ok(Math.abs((session.dueMs() ?? 0) - 45) < 0.01);
});

test('the slower of what this side wants to send and the peer wants to receive is the interval', () => {
  const session = bringTo(start(), 'Up');
  session.receive(from('Up', { requiredMinRxUs: 400_000 }), 0);
  assert.equal(session.view().transmitIntervalMs, 400);
  session.receive(from('Up', { requiredMinRxUs: 10 }), 0);
  assert.equal(session.view().transmitIntervalMs, 50);
});

test('a peer that wants nothing gets nothing but finals', () => {
  const session = bringTo(start(), 'Up');
  session.receive(from('Up', { requiredMinRxUs: 0, desiredMinTxUs: 1_000_000 }), 0);
  assert.deepEqual(sent(session.tick(100)), []);
  assert.deepEqual(sent(session.receive(from('Up', { requiredMinRxUs: 0, poll: true }), 100)).map(({ final }) => final), [true]);
});

test('a peer in demand mode gets no periodic packets while both are up, but polls', () => {
  const session = bringTo(start(), 'Up');
  session.receive(from('Up', { demand: true, desiredMinTxUs: 10_000_000 }), 0);
  assert.deepEqual(sent(session.tick(1_000)), []);
  session.configure({ ...SETTINGS, transmitIntervalMs: 100 });
  assert.deepEqual(sent(session.tick(1_000)).map(({ poll }) => poll), [true]);
});

test('a passive session says nothing before it has heard something, and again after it has heard nothing for long', () => {
  const session = start({ passive: true });
  assert.equal(session.dueMs(), null);
  assert.deepEqual(session.tick(5_000), []);
  assert.deepEqual(sent(session.receive(from('Down'), 5_000)).map(({ state }) => state), ['Init']);
  const expired = session.tick(10_000);
  assert.deepEqual(words(expired), ['Down/Down: nothing was heard for 150 ms']);
  assert.deepEqual(sent(expired), []);
  assert.equal(session.dueMs(), null);
});

test('silence for the peer\'s multiplier times the slower interval ends a session, and what the peer has said is forgotten', () => {
  const session = bringTo(start(), 'Up', 1_000);
  session.receive(from('Up', { detectMultiplier: 5, desiredMinTxUs: 80_000 }), 1_000);
  assert.equal(session.view().detectionTimeMs, 400);
  assert.deepEqual(words(session.tick(1_399)), []);
  const expired = session.tick(1_400);
  assert.deepEqual(words(expired), ['Down/Down: nothing was heard for 400 ms']);
  assert.deepEqual(sent(expired).map(({ state, diagnostic, yourDiscriminator }) => [state, diagnostic, yourDiscriminator]), [['Down', 1, 0]]);
  assert.equal(session.view().diagnostic, 'Control Detection Time Expired');
  assert.equal(session.view().downs, 1);
});

test('a session that has never been up and hears nothing more is told of once', () => {
  const session = start();
  session.receive(from('AdminDown'), 0);
  assert.deepEqual(words(session.tick(150)), ['Down/Down: nothing was heard for 150 ms']);
  assert.deepEqual(words(session.tick(2_000)), []);
});

test('a poll is answered at once by a final, which does not count among periodic packets, and never has both bits', () => {
  const session = bringTo(start(), 'Up');
  const dueMs = session.dueMs();
  session.configure({ ...SETTINGS, detectMultiplier: 4, transmitIntervalMs: 60 });
  const answer = sent(session.receive(from('Up', { poll: true }), 10));
  assert.deepEqual(answer.map(({ poll, final, detectMultiplier }) => [poll, final, detectMultiplier]), [[false, true, 4]]);
  assert.equal(session.dueMs(), dueMs);
});

test('whoever pretends to be the peer has it sent no more than a hundred packets a second, and the peer still gets its finals', () => {
  const session = start();
  session.tick(0);
  let answers = 0;
  for (let nowMs = 0; nowMs < 1_000; nowMs += 1) {
    for (const state of ['Down', 'AdminDown'] as const) answers += sent(session.receive(from(state, { poll: true, yourDiscriminator: 0 }), nowMs)).length;
  }
  assert.ok(answers > 20 && answers < 150, `${answers} packets for 2000`);
  assert.equal(sent(session.receive(from('AdminDown', { poll: true }), 1_011)).filter(({ final }) => final).length, 1);
});

test('once it is up, a session polls until the peer has heard of its faster timers', () => {
  const session = start();
  session.tick(0);
  session.receive(from('Down'), 0);
  assert.deepEqual(sent(session.receive(from('Up'), 0)).map(({ poll, desiredMinTxUs }) => [poll, desiredMinTxUs]), [[true, 50_000]]);
  assert.equal(sent(session.tick(40))[0]?.poll, true);
  assert.deepEqual(session.receive(from('Up', { final: true }), 50), []);
  assert.equal(sent(session.tick(90))[0]?.poll, false);
});

test('a slower transmission begins when the peer knows of it, a faster one at once', () => {
  const session = bringTo(start(), 'Up');
  session.configure({ ...SETTINGS, transmitIntervalMs: 500 });
  assert.equal(session.view().transmitIntervalMs, 50);
  assert.deepEqual(sent(session.tick(50)).map(({ poll, desiredMinTxUs }) => [poll, desiredMinTxUs]), [[true, 500_000]]);
  session.receive(from('Up', { final: true }), 60);
  assert.equal(session.view().transmitIntervalMs, 500);
  session.configure({ ...SETTINGS, transmitIntervalMs: 100 });
  assert.equal(session.view().transmitIntervalMs, 100);
  assert.equal(session.view().state, 'Up');
});

test('a shorter detection time begins when the peer knows of it, a longer one at once', () => {
  const session = bringTo(start(), 'Up');
  session.receive(from('Up', { desiredMinTxUs: 10_000 }), 0);
  session.configure({ ...SETTINGS, receiveIntervalMs: 20 });
  assert.equal(session.view().receiveIntervalMs, 50);
  session.receive(from('Up', { final: true, desiredMinTxUs: 10_000 }), 0);
  assert.equal(session.view().receiveIntervalMs, 20);
  session.configure({ ...SETTINGS, receiveIntervalMs: 300 });
  assert.equal(session.view().detectionTimeMs, 900);
});

test('what changes during a poll is told by another, with a packet between them that polls not', () => {
  const session = bringTo(start(), 'Up');
  session.configure({ ...SETTINGS, transmitIntervalMs: 500 });
  assert.equal(sent(session.tick(50))[0]?.poll, true);
  session.configure({ ...SETTINGS, transmitIntervalMs: 600 });
  session.receive(from('Up', { final: true }), 55);
  assert.equal(session.view().transmitIntervalMs, 50);
  assert.deepEqual([100, 150].map((nowMs) => sent(session.tick(nowMs))[0]?.poll), [false, true]);
  session.receive(from('Up', { final: true }), 155);
  assert.equal(session.view().transmitIntervalMs, 600);
});

test('a peer in demand mode hears of what changes during a poll, too', () => {
  const session = bringTo(start(), 'Up');
  session.receive(from('Up', { demand: true, desiredMinTxUs: 10_000_000 }), 0);
  session.configure({ ...SETTINGS, transmitIntervalMs: 500 });
  session.tick(50);
  session.configure({ ...SETTINGS, transmitIntervalMs: 600 });
  session.receive(from('Up', { demand: true, final: true, desiredMinTxUs: 10_000_000 }), 55);
  assert.deepEqual([1_000, 2_000].map((nowMs) => sent(session.tick(nowMs))[0]?.poll), [false, true]);
  session.receive(from('Up', { demand: true, final: true, desiredMinTxUs: 10_000_000 }), 2_005);
  assert.equal(session.view().transmitIntervalMs, 600);
  assert.deepEqual(sent(session.tick(5_000)), []);
});

test('a session that goes down is slow again, whatever it was polling for', () => {
  const session = bringTo(start(), 'Up');
  session.configure({ ...SETTINGS, transmitIntervalMs: 500 });
  const [packet] = sent(session.receive(from('Down'), 10));
  assert.deepEqual([packet?.poll, packet?.desiredMinTxUs], [false, 1_000_000]);
  assert.equal(session.view().transmitIntervalMs, 1_000);
});

test('AdminDown is said at once and again, and heard from the peer it is told', () => {
  const session = bringTo(start(), 'Up');
  assert.deepEqual(words(session.receive(from('AdminDown', { diagnostic: 7 }), 10)), ['Down/AdminDown: the peer says AdminDown: Administratively Down']);
  const other = bringTo(start(), 'Up');
  for (let count = 0; count < 2; count += 1) {
    assert.deepEqual(sent(other.disable(10)).map(({ state, diagnostic }) => [state, diagnostic]), [['AdminDown', 7]]);
  }
});

test('the peer\'s first words after its restart, to no discriminator, end the session and begin a new one', () => {
  const session = bringTo(start(), 'Up');
  const again = { yourDiscriminator: 0, myDiscriminator: 77 };
  session.receive(from('Down', again), 10);
  assert.equal(session.view().state, 'Down');
  const [packet] = sent(session.receive(from('Down', again), 20));
  assert.deepEqual([packet?.state, packet?.yourDiscriminator], ['Init', 77]);
});

test('a session that the peer begins anew, or takes down, has found no fault; one that it cannot hear has', () => {
  const faults = (state: BfdState, diagnostic: number): readonly boolean[] =>
    bringTo(start(), 'Up').receive(from(state, { diagnostic }), 1).flatMap((effect) => effect.type === 'changed' ? [!effect.withoutFault] : []);
  for (const diagnostic of [0, 3, 7]) assert.deepEqual(faults('Down', diagnostic), [false]);
  for (const diagnostic of [1, 2, 4, 5, 6, 8, 31]) assert.deepEqual(faults('Down', diagnostic), [true]);
  assert.deepEqual(faults('AdminDown', 1), [false]);
  const silent = bringTo(start(), 'Up').tick(10_000).flatMap((effect) => effect.type === 'changed' ? [effect.withoutFault] : []);
  assert.deepEqual(silent, [false]);
});

test('echo packets are sent while the session is up and the peer takes them, no more often than it can stand', () => {
  const session = start({ echoIntervalMs: 40 });
  session.receive(from('Down', { requiredMinEchoRxUs: 60_000 }), 0);
  assert.equal(session.view().echoIntervalMs, null);
  session.receive(from('Up', { requiredMinEchoRxUs: 60_000 }), 0);
  assert.equal(session.view().echoIntervalMs, 60);
  const payloads = (nowMs: number): readonly Buffer[] => session.tick(nowMs).flatMap((effect) => effect.type === 'echo' ? [effect.payload] : []);
  assert.equal(payloads(0).length, 1);
  assert.deepEqual(payloads(44), []);
  assert.equal(payloads(45).length, 1);
  session.receive(from('Up'), 50);
  assert.equal(session.view().echoIntervalMs, null);
  assert.deepEqual(payloads(100), []);
});

test('the peer is told how often it may send echo packets, over several hops what FRR says there', () => {
  const said = (settings: Partial<BfdSettings>): readonly number[] => sent(start(settings).tick(0)).map(({ requiredMinEchoRxUs }) => requiredMinEchoRxUs);
  assert.deepEqual(said({ echoReceiveIntervalMs: 82 }), [82_000]);
  assert.deepEqual(said({ echoReceiveIntervalMs: 82, hops: { type: 'multihop', minimumTtl: 250 } }), [50_000]);
});

test('echo packets that do not come back end the session, whatever the peer says; with those that do it lasts', () => {
  const up = (): BfdSession => {
    const session = start({ echoIntervalMs: 40 });
    for (const state of ['Down', 'Up'] as const) session.receive(from(state, { requiredMinEchoRxUs: 1 }), 0);
    return session;
  };
  const run = (session: BfdSession, returns: boolean): BfdState => {
    for (let nowMs = 0; nowMs < 1_000; nowMs += 10) {
      session.receive(from('Up', { requiredMinEchoRxUs: 1 }), nowMs);
      for (const effect of session.tick(nowMs)) if (effect.type === 'echo' && returns) assert.equal(session.receiveEcho(effect.payload, nowMs), true);
      if (session.view().state !== 'Up') return session.view().state;
    }
    return session.view().state;
  };
  assert.equal(run(up(), true), 'Up');
  const failed = up();
  assert.equal(run(failed, false), 'Down');
  assert.equal(failed.view().diagnostic, 'Echo Function Failed');
});

test('no echo packets are sent in a multihop session', () => {
  const session = start({ echoIntervalMs: 40, hops: { type: 'multihop', minimumTtl: 250 } });
  for (const state of ['Down', 'Up'] as const) session.receive(from(state, { requiredMinEchoRxUs: 1 }), 0);
  assert.equal(session.view().echoIntervalMs, null);
});
