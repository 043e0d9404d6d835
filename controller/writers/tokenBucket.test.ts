import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fullBucket, takeToken, tokenWaitMs } from './tokenBucket.ts';

const RATE = { burst: 2, refillMs: 1_000 };

test('a bucket gives its burst at once and then one token each interval', () => {
  const first = takeToken(fullBucket(RATE, 0), RATE, 0);
  assert.ok(first !== null);
  const second = takeToken(first, RATE, 0);
  assert.ok(second !== null);
  assert.equal(takeToken(second, RATE, 999), null);
  assert.equal(tokenWaitMs(second, RATE, 400), 600);
  assert.notEqual(takeToken(second, RATE, 1_000), null);
});

test('a bucket never holds more than its burst, and a clock that stands still fills nothing', () => {
  const bucket = { tokens: 0, atMs: 0 };
  assert.deepEqual(takeToken(bucket, RATE, 1e9), { tokens: 1, atMs: 1e9 });
  assert.equal(takeToken(bucket, RATE, -5), null);
});
