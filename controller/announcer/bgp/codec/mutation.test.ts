import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, testSeed } from '../../../../core/testing/seededRandom.ts';
import { decodeMessage } from './codec.ts';
import { CORPUS, OPTIONS } from './testing/messageCorpus.ts';
import { mutationRun } from './testing/mutationRun.ts';
import { rawMessage } from './testing/rawMessage.ts';

const RUNS = 100_000;

test('Every message cut off anywhere, its length mended, is read or refused', () => {
  for (const message of CORPUS) {
    for (let end = 19; end < message.length; end += 1) {
      const cut = rawMessage(message[18] ?? 0, [...message.subarray(19, end)]);
      for (const options of OPTIONS) assert.equal(typeof decodeMessage(cut, options).ok, 'boolean');
    }
  }
});

const seed = testSeed();
test(`${RUNS} mutated messages are read or refused as declared (GATEHOUSE_SEED=${seed})`, () => {
  const random = seededRandom(seed);
  for (let run = 0; run < RUNS; run += 1) mutationRun(random);
});
