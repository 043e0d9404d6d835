import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planRestart, RESTART_POLICY } from './restartBackoff.ts';

/** Plays a crash loop against a faked clock: each life lasts `livedMs`; answers the times of the starts. */
function playCrashes(lives: readonly number[]): number[] {
  let nowMs = 0;
  let endsInRow = 0;
  const starts = [0];
  for (const livedMs of lives) {
    const plan = planRestart(endsInRow, livedMs);
    nowMs += livedMs + plan.delayMs;
    endsInRow = plan.endsInRow;
    starts.push(nowMs);
  }
  return starts;
}

test('the first crash restarts at once, a crash loop doubles its wait up to the cap', () => {
  assert.deepEqual(playCrashes(Array<number>(9).fill(0)), [0, 0, 100, 300, 700, 1500, 3100, 6300, 11300, 16300]);
});

test('a process that lived long enough restarts at once, however often it crashed before', () => {
  assert.deepEqual(playCrashes([0, 0, 0, RESTART_POLICY.stableMs, 0]), [0, 0, 100, 300, 10_300, 10_400]);
});

test('thousands of crashes in a row never wait longer than the cap', () => {
  assert.equal(planRestart(5000, 0).delayMs, RESTART_POLICY.maxDelayMs);
});
