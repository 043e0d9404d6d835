import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KubeError, type KubeErrorCode } from '../cluster/kubeApi.ts';
import { planRetry } from './retryPolicy.ts';

function plan(code: KubeErrorCode, { failures = 1, retryAfterMs = null as number | null, random = 0.5 } = {}): ReturnType<typeof planRetry> {
  return planRetry(new KubeError(code, 'x', { retryAfterMs }), { ofObject: failures, ofServer: failures }, random);
}

test('each failure has its consequence', () => {
  const table: readonly (readonly [KubeErrorCode, ReturnType<typeof planRetry>])[] = [
    ['notFound', null],
    ['unreachable', { againInMs: 500, pauseAll: true }],
    ['unauthorized', { againInMs: 500, pauseAll: true }],
    ['tooManyRequests', { againInMs: 500, pauseAll: true }],
    ['timeout', { againInMs: 500, pauseAll: false }],
    ['server', { againInMs: 500, pauseAll: false }],
    ['gone', { againInMs: 500, pauseAll: false }],
    ['conflict', { againInMs: 2_000, pauseAll: false }],
    ['forbidden', { againInMs: 300_000, pauseAll: false }],
    ['invalid', { againInMs: 300_000, pauseAll: false }],
  ];
  for (const [code, expected] of table) assert.deepEqual(plan(code), expected, code);
});

test('waits double up to a bound', () => {
  assert.deepEqual([1, 2, 3, 20].map((failures) => plan('server', { failures })?.againInMs), [500, 1_000, 2_000, 60_000]);
  assert.deepEqual([1, 2, 3, 2_000].map((failures) => plan('unreachable', { failures })?.againInMs), [500, 1_000, 2_000, 15_000]);
});

test('Retry-After is the least, whatever chance says, and bounded', () => {
  for (const random of [0, 0.5, 0.999]) assert.ok((plan('tooManyRequests', { retryAfterMs: 7_000, random })?.againInMs ?? 0) >= 7_000);
  assert.ok((plan('server', { retryAfterMs: 1e12 })?.againInMs ?? 0) < 400_000);
});

test('chance spreads what failed at once', () => {
  assert.ok((plan('server', { failures: 5, random: 0 })?.againInMs ?? 0) < (plan('server', { failures: 5, random: 1 })?.againInMs ?? 0));
});
