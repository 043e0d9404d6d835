import { test } from 'node:test';
import { randomFrom } from '../../../core/testing/random.ts';
import { testSeed } from '../../../core/testing/seededRandom.ts';
import { mutationRun } from './fixture/mutationRun.ts';

const MUTATIONS = 100_000;

test(`${MUTATIONS} mutated messages are read the same however they are split, and never throw or loop`, (context) => {
  const seed = testSeed();
  context.diagnostic(`GATEHOUSE_SEED=${seed}`);
  const random = randomFrom(seed);
  for (let run = 0; run < MUTATIONS; run += 1) {
    try {
      mutationRun(random);
    } catch (error) {
      throw new Error(`mutation ${run} of GATEHOUSE_SEED=${seed}`, { cause: error });
    }
  }
});
