import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration } from './duration.ts';

test('Durations are read as Go writes and reads them', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['0', 0],
    ['0s', 0],
    ['90s', 90_000],
    ['1h30m0s', 5_400_000],
    ['1.5s', 1500],
    ['250ms', 250],
    ['1m1ms', 60_001],
    ['2µs', 0.002],
  ];
  for (const [text, timeMs] of cases) assert.equal(parseDuration(text), timeMs, text);
});

test('Anything else is no duration', () => {
  for (const text of ['', '90', 's', '-1s', '+1s', '1 s', '1d', '.5s', '1.s', '1s ', '1S', '1e3s', `${'1s'.repeat(17)}`]) {
    assert.equal(parseDuration(text), null, text);
  }
});
