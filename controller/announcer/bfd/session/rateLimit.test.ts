import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateLimit } from './rateLimit.ts';

test('a burst is granted, then one per interval, and after a pause a burst again', () => {
  const limit = new RateLimit({ burst: 3, intervalMs: 10 });
  const taken = (nowMs: number): number => {
    for (let count = 0; ; count += 1) if (!limit.take(nowMs)) return count;
  };
  assert.equal(taken(1_000), 3);
  assert.equal(limit.dueMs(), 1_010);
  assert.equal(taken(1_009.9), 0);
  assert.equal(taken(1_025), 2);
  assert.equal(limit.dueMs(), 1_030, 'what is left of an interval is not lost');
  assert.equal(taken(9_000), 3);
});
