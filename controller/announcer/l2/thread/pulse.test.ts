import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIRMED_FOR_MS, createConfirmation, readConfirmation, type ConfirmationReader } from './confirmation.ts';
import { createPulse, SETTLE_MS, type Beat, type Pulse } from './pulse.ts';

interface Watched {
  readonly pulse: Pulse;
  readonly reader: ConfirmationReader;
  /** Lets time pass, then beats. */
  readonly beatAfter: (ms: number) => Beat;
  readonly pass: (ms: number) => void;
}

function watch(): Watched {
  let nowNs = 5_000_000_000n;
  const confirmation = createConfirmation();
  const pulse = createPulse(confirmation, () => nowNs);
  const reader = readConfirmation(confirmation.shared, () => nowNs);
  const pass = (ms: number): void => { nowNs += BigInt(Math.round(ms * 1_000_000)); };
  return {
    pulse, reader, pass,
    beatAfter: (ms) => {
      pass(ms);
      return pulse.beat();
    },
  };
}

test('nothing is confirmed before the first beat', () => {
  const { reader, beatAfter } = watch();
  assert.equal(reader.holds(), false);
  assert.equal(beatAfter(10_000), 'steady');
  assert.equal(reader.holds(), true);
});

test('a beat confirms for 400 ms, and beats in time go on without end', () => {
  const { reader, beatAfter, pass } = watch();
  for (let count = 0; count < 100; count += 1) assert.equal(beatAfter(CONFIRMED_FOR_MS - 1), 'steady');
  pass(CONFIRMED_FOR_MS - 0.001);
  assert.equal(reader.holds(), true);
  pass(0.001);
  assert.equal(reader.holds(), false);
});

test('a late beat confirms nothing, and says so once', () => {
  const { pulse, reader, beatAfter } = watch();
  beatAfter(50);
  assert.equal(beatAfter(CONFIRMED_FOR_MS), 'lapsed');
  assert.equal(pulse.isSilent(), true);
  assert.equal(reader.holds(), false);
  assert.equal(beatAfter(50), 'silent');
  assert.equal(reader.holds(), false);
});

test('after half a second of regular beats it is settled, and the next beat confirms', () => {
  const { pulse, reader, beatAfter } = watch();
  beatAfter(50);
  beatAfter(1_000);
  for (let ms = 50; ms < SETTLE_MS; ms += 50) assert.equal(beatAfter(50), 'silent');
  assert.equal(beatAfter(50), 'settled');
  assert.equal(pulse.isSilent(), false);
  assert.equal(reader.holds(), false);
  assert.equal(beatAfter(0), 'steady');
  assert.equal(reader.holds(), true);
});

test('a second stop while silent begins the half second anew', () => {
  const { beatAfter } = watch();
  beatAfter(50);
  assert.equal(beatAfter(1_000), 'lapsed');
  for (let count = 0; count < 9; count += 1) assert.equal(beatAfter(50), 'silent');
  assert.equal(beatAfter(5_000), 'silent');
  for (let count = 0; count < 9; count += 1) assert.equal(beatAfter(50), 'silent');
  assert.equal(beatAfter(50), 'settled');
});

test('beats beside the regular ones neither lengthen nor shorten the silence', () => {
  const { beatAfter } = watch();
  beatAfter(50);
  assert.equal(beatAfter(1_000), 'lapsed');
  for (let ms = 1; ms < SETTLE_MS; ms += 1) assert.equal(beatAfter(1), 'silent');
  assert.equal(beatAfter(1), 'settled');
});

test('what is revoked stays so until the next beat, and is no lapse', () => {
  const confirmation = createConfirmation();
  const reader = readConfirmation(confirmation.shared, () => 1n);
  confirmation.confirm(0n);
  assert.equal(reader.holds(), true);
  confirmation.revoke();
  assert.equal(reader.holds(), false);
  assert.equal(confirmation.hasLapsed(10n ** 12n), false);
});

test('generation and turns are seen by the other side', () => {
  const confirmation = createConfirmation();
  const reader = readConfirmation(confirmation.shared);
  confirmation.setGeneration(7);
  assert.equal(reader.generation(), 7);
  reader.countTurn();
  reader.countTurn();
  assert.equal(confirmation.turns(), 2n);
});
