import { inspect } from 'node:util';
import { seededRandom, testSeed } from '../../../core/testing/seededRandom.ts';
import { mutationRun } from './codec/testing/mutationRun.ts';

/**
 * Mutates BGP messages for as long as told: `node controller/announcer/bgp/fuzz.ts [seconds]`, one minute by default. Prints the seed
 * first, so that `GATEHOUSE_SEED=<seed>` repeats the run; ends with exit code 1 and the message at the first finding, one that takes too
 * long or too much memory included.
 */
const DEFAULT_SECONDS = 60;
const RUNS_PER_LOOK = 1000;
/** A thousand messages take a few dozen milliseconds. */
const MAX_LOOK_MS = 10_000;
const MAX_GROWTH_BYTES = 512 * 1_048_576;

const seconds = Number(process.argv[2] ?? DEFAULT_SECONDS);
if (!(seconds > 0)) {
  process.stderr.write('usage: fuzz [seconds]\n');
  process.exit(2);
}
const seed = testSeed();
process.stdout.write(`GATEHOUSE_SEED=${seed}, ${seconds} s\n`);
const random = seededRandom(seed);
const startBytes = process.memoryUsage.rss();
const endMs = performance.now() + seconds * 1000;
let runs = 0;
try {
  while (performance.now() < endMs) {
    const lookMs = performance.now();
    for (const stop = runs + RUNS_PER_LOOK; runs < stop; runs += 1) mutationRun(random);
    if (performance.now() - lookMs > MAX_LOOK_MS) throw new Error(`${RUNS_PER_LOOK} messages took ${Math.round(performance.now() - lookMs)} ms`);
    if (process.memoryUsage.rss() - startBytes > MAX_GROWTH_BYTES) throw new Error(`more than ${MAX_GROWTH_BYTES} octets of memory are taken`);
  }
  process.stdout.write(`${runs} messages, nothing found, ${Math.round(process.memoryUsage.rss() / 1_048_576)} MiB resident\n`);
} catch (error) {
  process.stderr.write(`message ${runs} of GATEHOUSE_SEED=${seed}: ${inspect(error)}\n`);
  process.exitCode = 1;
}
