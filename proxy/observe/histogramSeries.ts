import type { HistogramDelta } from '../../core/metrics/delta.ts';

/** What a histogram series needs of its family. */
export interface HistogramFamily {
  readonly name: string;
  readonly buckets: readonly number[];
}

/** Observations of one series since it was last taken. */
export class HistogramSeries {
  readonly #family: HistogramFamily;
  readonly #labels: readonly string[];
  /** One more than there are bounds: the last one counts what is above them all. */
  readonly #counts: Uint32Array;
  #sum = 0;
  #empty = true;

  constructor(family: HistogramFamily, labels: readonly string[]) {
    this.#family = family;
    this.#labels = labels;
    this.#counts = new Uint32Array(family.buckets.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#family.buckets;
    let index = 0;
    // Most values fall into the first buckets, where walking beats bisecting.
    while (index < bounds.length && value > (bounds[index] as number)) index += 1;
    this.#counts[index] = (this.#counts[index] as number) + 1;
    this.#sum += value;
    this.#empty = false;
  }

  /** Appends what was observed since the last time, if anything, and starts again from nothing. */
  take(into: HistogramDelta[]): void {
    if (this.#empty) return;
    into.push({ family: this.#family.name, labels: this.#labels, buckets: Array.from(this.#counts), sum: this.#sum });
    this.#counts.fill(0);
    this.#sum = 0;
    this.#empty = true;
  }
}
