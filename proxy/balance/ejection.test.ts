import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  healthShare,
  isEjected,
  newHealth,
  noteConnectFailure,
  noteConnectSuccess,
  RETURN_MS,
  type Health,
} from './ejection.ts';

/** Fails at `nowMs` until ejected; gives the length of the ejection. */
function eject(health: Health, nowMs: number): number {
  while (!noteConnectFailure(health, nowMs)) assert.ok(health.failures < 3);
  return health.ejectedUntilMs - nowMs;
}

test('two connect failures in a row do nothing, the third ejects for five seconds', () => {
  const health = newHealth();
  assert.equal(noteConnectFailure(health, 0), false);
  assert.equal(noteConnectFailure(health, 1), false);
  assert.equal(healthShare(health, 1), 1);
  assert.equal(noteConnectFailure(health, 2), true);
  assert.equal(isEjected(health, 5_001), true);
  assert.equal(isEjected(health, 5_002), false);
});

test('a success between failures begins the count anew', () => {
  const health = newHealth();
  for (let round = 0; round < 10; round += 1) {
    assert.equal(noteConnectFailure(health, round), false);
    assert.equal(noteConnectFailure(health, round), false);
    noteConnectSuccess(health, round);
  }
});

test('ejections double from five seconds up to sixty while no success comes', () => {
  const health = newHealth();
  const lengths: number[] = [];
  let nowMs = 0;
  for (let round = 0; round < 7; round += 1) {
    lengths.push(eject(health, nowMs));
    nowMs = health.ejectedUntilMs;
  }
  assert.deepEqual(lengths, [5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
});

test('after an ejection one failure is enough to eject again', () => {
  const health = newHealth();
  eject(health, 0);
  assert.equal(noteConnectFailure(health, 5_000), true);
});

test('a hundred connects failing together are one ejection', () => {
  const health = newHealth();
  for (let failure = 0; failure < 100; failure += 1) noteConnectFailure(health, 10);
  assert.equal(health.ejectedUntilMs, 5_010);
});

test('the share grows from a tenth to the whole over ten seconds', () => {
  const health = newHealth();
  eject(health, 0);
  assert.equal(healthShare(health, 4_999), 0);
  assert.equal(healthShare(health, 5_000), 0.1);
  assert.equal(healthShare(health, 10_000), 0.55);
  assert.equal(healthShare(health, 15_000), 1);
});

test('a success while ejected ends the ejection and begins the return', () => {
  const health = newHealth();
  eject(health, 0);
  assert.equal(noteConnectSuccess(health, 1_000), true);
  assert.equal(healthShare(health, 1_000), 0.1);
});

test('an ejection soon after a return is a longer one, after a whole good return it is the first again', () => {
  const health = newHealth();
  eject(health, 0);
  noteConnectSuccess(health, 6_000);
  assert.equal(eject(health, 7_000), 10_000);
  const returnedMs = health.ejectedUntilMs + RETURN_MS;
  noteConnectSuccess(health, returnedMs);
  assert.equal(eject(health, returnedMs + 1), 5_000);
});
