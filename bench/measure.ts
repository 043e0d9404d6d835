import type { LoadResult } from './load/load.ts';
import { median, type RowResult } from './table.ts';

/** Something that a row measures: a server, or a way through the kernel. */
export interface Contender {
  readonly name: string;
  /** One run of the row's load against it. */
  run(seconds: number): Promise<LoadResult>;
}

/** How often and how long. */
export interface Effort {
  readonly rounds: number;
  readonly seconds: number;
}

const WARM_UP_SECONDS = 1;

/**
 * Ours comes first. Interleaved: every round runs every contender once, so that a slow minute of the machine slows all of them. A run
 * of each before that is not counted.
 */
export async function measure(contenders: readonly Contender[], { rounds, seconds }: Effort): Promise<readonly RowResult[]> {
  const measured = contenders.map((contender) => ({ contender, results: [] as LoadResult[] }));
  for (const { contender } of measured) await contender.run(WARM_UP_SECONDS);
  for (let round = 0; round < rounds; round += 1) {
    for (const { contender, results } of measured) results.push(await contender.run(seconds));
  }
  const ours = measured[0]?.results ?? [];
  return measured.map(({ contender, results }) => summary(contender.name, results, ours));
}

function summary(name: string, results: readonly LoadResult[], ours: readonly LoadResult[]): RowResult {
  const latencies = results.flatMap(({ p99Ms }) => (p99Ms === null ? [] : [p99Ms]));
  return {
    name,
    rate: median(results.map(({ rate }) => rate)),
    p99Ms: latencies.length === 0 ? null : median(latencies),
    errors: results.reduce((sum, { errors }) => sum + errors, 0),
    // Ratio of each round, then the median: absolute figures of different rounds do not compare.
    ratio: median(results.map(({ rate }, index) => (ours[index]?.rate ?? 0) / rate)),
  };
}
