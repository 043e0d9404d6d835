import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'node:test';
import { createManualClock } from './manualClock.ts';
import { TurnClock } from './turnClock.ts';

test('time stands still within a turn of the event loop and moves with the next', async () => {
  const real = createManualClock();
  const clock = new TurnClock(real);
  const first = clock.now();
  real.advance(5);
  assert.equal(clock.now(), first);
  await nextTurn();
  assert.equal(clock.now(), first + 5);
});
