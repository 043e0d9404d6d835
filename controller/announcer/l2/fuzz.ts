import { seededRandom, testSeed } from '../../../core/testing/seededRandom.ts';
import { fuzzedMachine, mutationRun } from './testing/mutationRun.ts';

/**
 * Mutates ARP and NDP frames for as long as told: `node controller/announcer/l2/fuzz.ts [seconds]`, one minute by default.
 * Prints the seed first, so that `GATEHOUSE_SEED=<seed>` repeats the run; ends with exit code 1 and the frame at the first
 * finding.
 */
const DEFAULT_SECONDS = 60;
const RUNS_PER_LOOK = 1000;

const seconds = Number(process.argv[2] ?? DEFAULT_SECONDS);
if (!(seconds > 0)) {
  process.stderr.write('usage: fuzz [seconds]\n');
  process.exit(2);
}
const seed = testSeed();
process.stdout.write(`GATEHOUSE_SEED=${seed}, ${seconds} s\n`);
const random = seededRandom(seed);
const fuzzed = fuzzedMachine();
const endMs = performance.now() + seconds * 1000;
let runs = 0;
try {
  while (performance.now() < endMs) {
    for (const stop = runs + RUNS_PER_LOOK; runs < stop; runs += 1) mutationRun(fuzzed, random);
  }
  process.stdout.write(`${runs} mutations, nothing found, ${Math.round(process.memoryUsage().rss / 1_048_576)} MiB resident\n`);
} catch (error) {
  process.stderr.write(`mutation ${runs} of GATEHOUSE_SEED=${seed}: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
}
