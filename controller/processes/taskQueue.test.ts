import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTaskQueue } from './taskQueue.ts';

test('a task starts when the one before it has ended, well or not, and each answers for itself', async () => {
  const inTurn = createTaskQueue();
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = inTurn(async () => {
    await gate.promise;
    seen.push('first');
    throw new Error('first has failed');
  });
  const second = inTurn(async () => {
    seen.push('second');
    return 2;
  });
  gate.resolve();
  await assert.rejects(first, /first has failed/);
  assert.equal(await second, 2);
  assert.deepEqual(seen, ['first', 'second']);
});
