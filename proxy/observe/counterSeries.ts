import type { CounterDelta } from '../../core/metrics/delta.ts';

/** What one series has counted since it was last taken. */
export class CounterSeries {
  /** Added to directly: one field write on the hot path. */
  value = 0;
  readonly #family: string;
  readonly #labels: readonly string[];

  constructor(family: string, labels: readonly string[]) {
    this.#family = family;
    this.#labels = labels;
  }

  /** Appends the increase since the last time, if there was any, and starts again from nothing. */
  take(into: CounterDelta[]): void {
    if (this.value === 0) return;
    into.push({ family: this.#family, labels: this.#labels, value: this.value });
    this.value = 0;
  }
}

/** Counters of one family told apart by one closed label, the others being fixed. */
export class CounterSet<Label extends string> {
  readonly #family: string;
  readonly #fixed: readonly string[];
  /** label value → counter. */
  readonly #byLabel = new Map<Label, CounterSeries>();

  constructor(family: string, fixed: readonly string[] = []) {
    this.#family = family;
    this.#fixed = fixed;
  }

  add(label: Label, value = 1): void {
    let series = this.#byLabel.get(label);
    if (series === undefined) {
      series = new CounterSeries(this.#family, [...this.#fixed, label]);
      this.#byLabel.set(label, series);
    }
    series.value += value;
  }

  take(into: CounterDelta[]): void {
    for (const series of this.#byLabel.values()) series.take(into);
  }
}
