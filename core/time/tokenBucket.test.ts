import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fullBucket, isFull, takeToken, tokenWaitMs } from './tokenBucket.ts';

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

test('a bucket is full again once all that was taken has come back', () => {
  assert.equal(isFull(fullBucket(RATE, 0), RATE, 0), true);
  assert.equal(isFull({ tokens: 0, atMs: 0 }, RATE, 1_999), false);
  assert.equal(isFull({ tokens: 0, atMs: 0 }, RATE, 2_000), true);
});

test('who has waited as told finds a token, whatever fraction of a millisecond it began at', () => {
  const rate = { burst: 1, refillMs: 200 };
  let bucket = { tokens: 0.3, atMs: 1e9 + 1 / 3 };
  for (let count = 0; count < 1_000; count += 1) {
    const dueMs = bucket.atMs + tokenWaitMs(bucket, rate, bucket.atMs);
    const taken = takeToken(bucket, rate, dueMs);
    assert.ok(taken !== null && taken.tokens >= 0);
    bucket = { tokens: (count % 97) / 97, atMs: dueMs };
  }
});
