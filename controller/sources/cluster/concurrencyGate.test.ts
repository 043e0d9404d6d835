import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConcurrencyGate } from './concurrencyGate.ts';

test('no more tasks than the limit run at once, in order, and a failed one gives its place on', async () => {
  const gate = createConcurrencyGate(2);
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  const task = (number: number) => async (): Promise<number> => {
    begun.push(number);
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    running -= 1;
    if (number === 1) throw new Error('one');
    return number;
  };
  const results = await Promise.allSettled([0, 1, 2, 3, 4].map((number) => gate(task(number))));
  assert.deepEqual(results.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
  assert.deepEqual([begun, most], [[0, 1, 2, 3, 4], 2]);
  assert.equal(await gate(task(5)), 5);
});
