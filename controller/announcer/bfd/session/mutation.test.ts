import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFrom } from '../../../../core/testing/random.ts';
import { testSeed } from '../../../../core/testing/seededRandom.ts';
import { fuzzedSessions, mutationRun } from '../testing/mutationRun.ts';

const RUNS = 50_000;

const seed = testSeed();
test(`${RUNS} mutated packets are read or refused, and no session does more for them than it must (GATEHOUSE_SEED=${seed})`, () => {
  const random = randomFrom(seed);
  const fuzzed = fuzzedSessions(random);
  const wereUp = new Set<string>();
  for (let run = 0; run < RUNS; run += 1) {
    mutationRun(fuzzed, random);
    for (const [name, { state }] of fuzzed.heard) if (state === 'Up') wereUp.add(name);
  }
  assert.equal(wereUp.size, 4, `those that were up: ${[...wereUp].join()}`);
});
