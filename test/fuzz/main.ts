import { testSeed } from '../../core/testing/seededRandom.ts';
import { runFuzz } from './runFuzz.ts';
import { TARGETS } from './targets.ts';

/** `npm run fuzz -- [seconds] [target...]`; `GATEHOUSE_SEED=<seed> npm run fuzz` repeats a run. */
process.exitCode = runFuzz(process.argv.slice(2), {
  targets: TARGETS,
  seed: testSeed(),
  out: (line) => process.stdout.write(line),
  error: (line) => process.stderr.write(line),
  nowMs: () => performance.now(),
  residentBytes: () => process.memoryUsage.rss(),
});
