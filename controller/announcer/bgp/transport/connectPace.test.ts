import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONNECT_BURST, CONNECTS_PER_S, createConnectPace } from './connectPace.ts';

function pace() {
  const clock = { nowMs: 1_000, now: () => clock.nowMs };
  return { clock, pace: createConnectPace(clock) };
}

test('a burst is taken, then whoever goes on is held back until one more may come', () => {
  const { clock, pace: own } = pace();
  for (let count = 1; count < CONNECT_BURST; count += 1) assert.equal(own.connected(), null);
  const holdMs = own.connected();
  assert.equal(holdMs, 1_000 / CONNECTS_PER_S);
  clock.nowMs += holdMs;
  assert.equal(own.connected(), 1_000 / CONNECTS_PER_S, 'each that comes then is the only one');
});

test('who connects as often as the rate allows is never held back, and has rested in the end', () => {
  const { clock, pace: own } = pace();
  for (let count = 0; count < 10 * CONNECT_BURST; count += 1) {
    assert.equal(own.connected(), null);
    clock.nowMs += 1_000 / CONNECTS_PER_S;
  }
  assert.equal(own.isRested(), true);
});
