import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, testSeed } from '../../../../core/testing/seededRandom.ts';
import type { BfdSettings } from '../bfdSettings.ts';
import { decodeControlPacket, encodeControlPacket } from '../controlPacket.ts';
import { createBfdSession, type BfdSession, type SessionEffect } from './bfdSession.ts';

const SETTINGS: BfdSettings = {
  receiveIntervalMs: 50, transmitIntervalMs: 50, detectMultiplier: 3, echoIntervalMs: null, echoReceiveIntervalMs: 50, passive: false, hops: { type: 'single' },
};

/** Two sessions on a wire that loses and delays, on a clock of their own that goes by the millisecond. */
function createPair(seed: number, settings: readonly [BfdSettings, BfdSettings] = [SETTINGS, SETTINGS]) {
  const random = seededRandom(seed);
  const sides = settings.map((one, index) => createBfdSession({ settings: one, localDiscriminator: 11 + index, random, echoKey: null }, 0)) as [BfdSession, BfdSession];
  const packets: { readonly to: 0 | 1; readonly atMs: number; readonly octets: Buffer }[] = [];
  const wire = { loss: 0, delayMs: 2, nowMs: 0 };
  const lastMs: [number, number] = [0, 0];
  const perform = (from: 0 | 1, effects: readonly SessionEffect[]): void => {
    for (const effect of effects) {
      if (effect.type !== 'send' || random() < wire.loss) continue;
      // None overtakes another: what is said first is heard first.
      lastMs[from] = Math.max(lastMs[from], wire.nowMs + Math.ceil(random() * wire.delayMs));
      packets.push({ to: from === 0 ? 1 : 0, atMs: lastMs[from], octets: encodeControlPacket(effect.packet) });
    }
  };
  const deliver = (): void => {
    const due = packets.filter(({ atMs }) => atMs <= wire.nowMs);
    packets.splice(0, packets.length, ...packets.filter(({ atMs }) => atMs > wire.nowMs));
    for (const { to, octets } of due) receive(to, octets);
  };
  const receive = (to: 0 | 1, octets: Buffer): void => {
    const decoded = decodeControlPacket(octets);
    assert.equal(decoded.type, 'packet');
    if (decoded.type === 'packet') perform(to, sides[to].receive(decoded.packet, wire.nowMs));
  };
  const run = (ms: number, until: () => boolean = () => false): boolean => {
    for (const endMs = wire.nowMs + ms; wire.nowMs < endMs; wire.nowMs += 1) {
      deliver();
      for (const side of [0, 1] as const) perform(side, sides[side].tick(wire.nowMs));
      if (until()) return true;
    }
    return false;
  };
  const states = (): string => sides.map((side) => side.view().state).join(' ');
  return { sides, wire, run, states };
}

test('two sessions come up whatever is lost, as long as something arrives, and stay up at 3 x 50 ms when nothing is', () => {
  const seed = testSeed();
  for (let run = 0; run < 30; run += 1) {
    const pair = createPair(seed + run);
    pair.wire.loss = run / 60;
    assert.ok(pair.run(120_000, () => pair.states() === 'Up Up'), `seed ${seed}, run ${run}: ${pair.states()}`);
    pair.wire.loss = 0;
    pair.run(5_000);
    const downs = pair.sides.map((side) => side.view().downs);
    assert.ok(pair.run(5_000, () => pair.states() === 'Up Up'), `seed ${seed}, run ${run}`);
    pair.run(60_000);
    assert.equal(pair.states(), 'Up Up', `seed ${seed}, run ${run}`);
    assert.deepEqual(pair.sides.map((side) => side.view().downs), downs, `seed ${seed}, run ${run}`);
    for (const side of pair.sides) assert.equal(side.view().detectionTimeMs, 150);
  }
});

test('a cut is seen by both sides within the detection time and the longest delay', () => {
  const seed = testSeed();
  for (let run = 0; run < 30; run += 1) {
    const pair = createPair(seed + run);
    pair.run(10_000, () => pair.states() === 'Up Up');
    pair.run(1_000 + run);
    pair.wire.loss = 1;
    assert.ok(pair.run(150 + 3, () => pair.states() === 'Down Down'), `seed ${seed}, run ${run}: ${pair.states()}`);
    pair.wire.loss = 0;
    assert.ok(pair.run(5_000, () => pair.states() === 'Up Up'), `seed ${seed}, run ${run}`);
  }
});

test('settings that change again and again never end a session, and are agreed on in the end', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const pair = createPair(seed);
  pair.run(10_000, () => pair.states() === 'Up Up');
  pair.run(1_000);
  const draw = (): BfdSettings => ({
    ...SETTINGS, receiveIntervalMs: 10 + Math.floor(random() * 400), transmitIntervalMs: 10 + Math.floor(random() * 400),
    detectMultiplier: 3 + Math.floor(random() * 5),
  });
  let last: [BfdSettings, BfdSettings] = [SETTINGS, SETTINGS];
  for (let change = 0; change < 200; change += 1) {
    last = [draw(), draw()];
    for (const [index, side] of pair.sides.entries()) side.configure(last[index] ?? SETTINGS);
    pair.run(Math.floor(random() * 600));
  }
  pair.run(10_000);
  assert.deepEqual(pair.sides.map((side) => side.view().downs), [0, 0], `seed ${seed}`);
  const [left, right] = last;
  assert.equal(pair.sides[0].view().transmitIntervalMs, Math.max(left.transmitIntervalMs, right.receiveIntervalMs), `seed ${seed}`);
  assert.equal(pair.sides[0].view().receiveIntervalMs, Math.max(left.receiveIntervalMs, right.transmitIntervalMs), `seed ${seed}`);
  assert.equal(pair.sides[1].view().detectionTimeMs, left.detectMultiplier * Math.max(right.receiveIntervalMs, left.transmitIntervalMs), `seed ${seed}`);
});

test('a passive session waits for an active one; two passive ones say nothing', () => {
  const one = createPair(1, [{ ...SETTINGS, passive: true }, SETTINGS]);
  assert.ok(one.run(10_000, () => one.states() === 'Up Up'));
  const two = createPair(1, [{ ...SETTINGS, passive: true }, { ...SETTINGS, passive: true }]);
  two.run(10_000);
  assert.deepEqual(two.sides.map((side) => side.view().sent), [0, 0]);
});
