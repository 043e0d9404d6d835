import { inspect } from 'node:util';
import type { FuzzTarget } from './targets.ts';

/** What the command is run with. Each line that is written ends with a line feed. */
export interface FuzzEnvironment {
  readonly targets: ReadonlyMap<string, FuzzTarget>;
  readonly seed: number;
  readonly out: (line: string) => void;
  readonly error: (line: string) => void;
  /** ms, monotonic. */
  readonly nowMs: () => number;
  /** Memory that is taken, octets. */
  readonly residentBytes: () => number;
}

/** What is to be run, and for how long each. */
interface Order {
  readonly seconds: number;
  readonly names: readonly string[];
}

const DEFAULT_SECONDS = 60;
const RUNS_PER_LOOK = 1000;
/** A thousand inputs take half a second at most. */
const MAX_LOOK_MS = 10_000;
const MAX_GROWTH_BYTES = 512 * 1_048_576;
const MIB = 1_048_576;

/**
 * `[seconds] [target...]`: mutates inputs of each target for as long as told, all of them for a minute by default. Says the seed first;
 * with the same seed a target is given the same inputs, whatever runs beside it. Answers an exit code: 1 at the first finding, which is an
 * input that breaks a promise, or a thousand that take too long or too much memory; 2 for arguments that are wrong.
 */
export function runFuzz(words: readonly string[], environment: FuzzEnvironment): number {
  const { targets, seed, out, error } = environment;
  const order = readOrder(words, [...targets.keys()]);
  if (order === null) {
    error(`usage: fuzz [seconds] [target...]; targets: ${[...targets.keys()].join(', ')}\n`);
    return 2;
  }
  out(`GATEHOUSE_SEED=${seed}, ${order.seconds} s each: ${order.names.join(', ')}\n`);
  return order.names.every((name) => runTarget(name, order.seconds, environment)) ? 0 : 1;
}

function readOrder(words: readonly string[], known: readonly string[]): Order | null {
  const hasSeconds = words.length > 0 && !Number.isNaN(Number(words[0]));
  const seconds = hasSeconds ? Number(words[0]) : DEFAULT_SECONDS;
  const names = hasSeconds ? words.slice(1) : words;
  if (!(seconds > 0) || names.some((name) => !known.includes(name))) return null;
  return { seconds, names: names.length === 0 ? known : names };
}

/** False: there was a finding. */
function runTarget(name: string, seconds: number, { targets, seed, out, error, nowMs, residentBytes }: FuzzEnvironment): boolean {
  const startBytes = residentBytes();
  const endMs = nowMs() + seconds * 1000;
  let runs = 0;
  try {
    const run = targets.get(name)?.(seed);
    while (run !== undefined && nowMs() < endMs) {
      const lookMs = nowMs();
      for (const stop = runs + RUNS_PER_LOOK; runs < stop; runs += 1) run();
      if (nowMs() - lookMs > MAX_LOOK_MS) throw new Error(`the last ${RUNS_PER_LOOK} inputs took ${Math.round(nowMs() - lookMs)} ms`);
      const growthBytes = residentBytes() - startBytes;
      if (growthBytes > MAX_GROWTH_BYTES) throw new Error(`${Math.round(growthBytes / MIB)} MiB more memory are taken than before`);
    }
    out(`${name}: ${runs} inputs, nothing found, ${Math.round(residentBytes() / MIB)} MiB resident\n`);
    return true;
  } catch (caught) {
    error(`${name}: input ${runs} of GATEHOUSE_SEED=${seed}: ${inspect(caught)}\n`);
    return false;
  }
}
