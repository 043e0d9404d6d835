import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testSeed } from '../../core/testing/seededRandom.ts';
import { runFuzz, type FuzzEnvironment } from './runFuzz.ts';
import { TARGETS, type FuzzTarget } from './targets.ts';

const SEED = 42;
const INPUTS = 2_000;

/** What the command answers and says. */
interface Answer {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** With fine targets `a` and `b`; a second passes per look at the clock. */
function fuzz(words: readonly string[], changes: Partial<FuzzEnvironment> = {}): Answer {
  const said = { out: '', error: '' };
  let seconds = 0;
  const fine: FuzzTarget = () => () => {};
  const code = runFuzz(words, {
    targets: new Map([['a', fine], ['b', fine]]), seed: SEED, nowMs: () => (seconds += 1) * 1000, residentBytes: () => 0,
    out: (line) => { said.out += line; }, error: (line) => { said.error += line; }, ...changes,
  });
  return { code, ...said };
}

test('the seed is said first, then each target is run, all of them for a minute by default', () => {
  const { code, out } = fuzz([]);
  assert.equal(code, 0);
  assert.match(out, /^GATEHOUSE_SEED=42, 60 s each: a, b\na: \d+000 inputs, nothing found, 0 MiB resident\nb: /);
  assert.match(fuzz(['5', 'b', 'a']).out, /^GATEHOUSE_SEED=42, 5 s each: b, a\nb: .*\na: /);
  assert.match(fuzz(['b']).out, /^GATEHOUSE_SEED=42, 60 s each: b\nb: .*\n$/);
});

test('words that are neither seconds nor targets are refused', () => {
  for (const words of [['0'], ['-1'], ['c'], ['5', 'c'], ['a', '5'], ['']]) {
    const { code, out, error } = fuzz(words);
    assert.deepEqual([code, out, error], [2, '', 'usage: fuzz [seconds] [target...]; targets: a, b\n'], words.join(' '));
  }
});

test('the first finding is said with its input and ends it', () => {
  let runs = 0;
  const broken: FuzzTarget = (seed) => () => {
    runs += 1;
    if (runs === 1_501) throw new Error('message "x"', { cause: new Error(`a cause of ${seed}`) });
  };
  const { code, out, error } = fuzz(['60'], { targets: new Map([['broken', broken], ['never', () => assert.fail()]]) });
  assert.deepEqual([code, out], [1, 'GATEHOUSE_SEED=42, 60 s each: broken, never\n']);
  assert.match(error, /^broken: input 1500 of GATEHOUSE_SEED=42: Error: message "x"[^]*a cause of 42/);
});

test('inputs that take too long or too much memory are a finding', () => {
  let seconds = 0;
  const slow = fuzz(['60'], { nowMs: () => (seconds += 11) * 1000 });
  assert.match(slow.error, /^a: input 1000 of GATEHOUSE_SEED=42: Error: the last 1000 inputs took \d+ ms/);
  let mebibytes = 0;
  const large = fuzz(['60'], { residentBytes: () => (mebibytes += 300) * 1_048_576 });
  assert.match(large.error, /^a: input \d000 of GATEHOUSE_SEED=42: Error: \d+ MiB more memory are taken than before/);
  assert.deepEqual([slow.code, large.code], [1, 1]);
});

for (const [name, target] of TARGETS) {
  const seed = testSeed();
  test(`${INPUTS} inputs of the target ${name} break nothing (GATEHOUSE_SEED=${seed})`, () => {
    const run = target(seed);
    for (let input = 0; input < INPUTS; input += 1) run();
  });
}
