import type { KubeErrorCode } from '../cluster/kubeApi.ts';

/** What became of a request that writes: done, or why not. */
export type WriteOutcome = 'written' | KubeErrorCode;

/** Counts since the start, for metrics. */
export interface WriterCounts {
  /** Requests that write statuses and objects, Events excepted. */
  readonly writes: readonly { readonly kind: string; readonly outcome: WriteOutcome; readonly count: number }[];
  /** Events that were written, also those that only counted up an earlier one; and those given up, by why. */
  readonly events: readonly { readonly reason: string; readonly outcome: 'written' | 'dropped'; readonly count: number }[];
}

/** Counts by two labels of closed sets of values. */
export class PairCounter<First extends string, Second extends string> {
  readonly #counts = new Map<string, { readonly first: First; readonly second: Second; count: number }>();

  add(first: First, second: Second): void {
    const key = `${first} ${second}`;
    const entry = this.#counts.get(key);
    if (entry === undefined) this.#counts.set(key, { first, second, count: 1 });
    else entry.count += 1;
  }

  /** In the order in which the pairs came up first. */
  list(): { readonly first: First; readonly second: Second; readonly count: number }[] {
    return [...this.#counts.values()].map((entry) => ({ ...entry }));
  }
}
