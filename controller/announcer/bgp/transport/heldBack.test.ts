import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONNECT_BURST } from './connectPace.ts';
import { createHeldBack } from './heldBack.ts';

test('one who connects without end is held back again and again, told of once, and others are not', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const clock = { nowMs: 0, now: () => clock.nowMs };
  const states: boolean[] = [];
  const heldBack = createHeldBack(clock, () => states.push(heldBack.has('net/fast')));
  const pass = (ms: number): void => {
    clock.nowMs += ms;
    t.mock.timers.tick(ms);
  };
  let told = 0;
  for (let round = 0; round < 10; round += 1) {
    for (let count = 0; count < CONNECT_BURST; count += 1) told += heldBack.connected('net/fast') ? 1 : 0;
    pass(500);
  }
  assert.equal(told, 1);
  assert.deepEqual(states, Array.from({ length: 20 }, (_, index) => index % 2 === 0));
  assert.equal(heldBack.connected('net/other'), false);
  assert.equal(heldBack.has('net/other'), false);
  pass(60_000);
  for (let count = 0; count < CONNECT_BURST; count += 1) told += heldBack.connected('net/fast') ? 1 : 0;
  assert.equal(told, 2, 'it has rested meanwhile');
  heldBack.keep(new Set(['net/other']));
  assert.equal(heldBack.has('net/fast'), false);
  heldBack.stop();
  pass(60_000);
  assert.equal(states.length, 21, 'nothing runs on');
});
