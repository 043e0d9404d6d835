import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planTenders } from './socketTenders.ts';

test('a slot tends its own sockets while it starts for the first time, serves or drains', () => {
  assert.deepEqual(planTenders(['starting', 'serving', 'drained']), [0, 1, 2]);
});

test('the sockets of a dead worker go to the next one that serves, around the ring', () => {
  assert.deepEqual(planTenders(['serving', 'down', 'starting', 'serving']), [0, 3, 2, 3]);
  assert.deepEqual(planTenders(['serving', 'starting', 'down', 'down']), [0, 1, 0, 0]);
});

test('when nobody serves, connections wait for the replacement', () => {
  assert.deepEqual(planTenders(['down', 'down']), [0, 1]);
  assert.deepEqual(planTenders(['down']), [0]);
});
