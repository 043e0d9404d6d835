import { OVERFLOW_LABEL, type MetricFamily } from '../../core/metrics/families.ts';

/** One line of an exposition before it is text. */
export interface Sample {
  /** Null: the family's own name. */
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Labels beside `labels`: the bound of a bucket. */
  readonly le: string | null;
  readonly value: number;
}

/** The total of one label set. */
export interface Series {
  readonly labelValues: readonly string[];
  /** label name → value; made once, the exposition is asked for often. */
  readonly labels: Readonly<Record<string, string>>;
  /** Counters and gauges: the value; histograms: the sum of observations. */
  value: number;
  /** Histograms: counts per bucket, not cumulative; else empty. */
  readonly buckets: number[];
}

const MAX_LABEL_CHARS = 256;

/** True when the values are what the family's labels ask for: the right number, all texts. */
export function areLabelValues(family: MetricFamily, values: unknown): values is readonly string[] {
  return (
    Array.isArray(values) &&
    values.length === family.labels.length &&
    values.every((value) => typeof value === 'string' && value.length <= MAX_LABEL_CHARS)
  );
}

/** Totals of one family by label set, bounded: label sets beyond the bound share one whose values are all `_other`. */
export class MergedFamily {
  readonly family: MetricFamily;
  readonly #maxSeries: number;
  /** label values as JSON → totals. */
  readonly #series = new Map<string, Series>();

  constructor(family: MetricFamily, maxSeries: number) {
    this.family = family;
    this.#maxSeries = maxSeries;
  }

  /** The totals of these labels, made when they are new. */
  at(labelValues: readonly string[]): Series {
    const key = JSON.stringify(labelValues);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const isFull = this.#series.size >= this.#maxSeries && labelValues.some((value) => value !== OVERFLOW_LABEL);
    if (isFull) return this.at(labelValues.map(() => OVERFLOW_LABEL));
    const series = this.#newSeries(labelValues);
    this.#series.set(key, series);
    return series;
  }

  /** Forgets the series for which `keep` says false. */
  retain(keep: (labels: Readonly<Record<string, string>>) => boolean): void {
    for (const [key, series] of this.#series) if (!keep(series.labels)) this.#series.delete(key);
  }

  clear(): void {
    this.#series.clear();
  }

  get size(): number {
    return this.#series.size;
  }

  /** Every series in the form of the exposition format; `name` replaces the family's. */
  *samples(name: string): Generator<Sample> {
    for (const series of this.#series.values()) {
      if (this.family.type === 'histogram') yield* histogramSamples(name, this.family.buckets, series);
      else yield { name: null, labels: series.labels, le: null, value: series.value };
    }
  }

  #newSeries(labelValues: readonly string[]): Series {
    const labels = Object.fromEntries(this.family.labels.map((label, index) => [label, labelValues[index] ?? '']));
    const buckets = this.family.type === 'histogram' ? this.family.buckets.map(() => 0).concat(0) : [];
    return { labelValues: [...labelValues], labels, value: 0, buckets };
  }
}

function* histogramSamples(name: string, bounds: readonly number[], series: Series): Generator<Sample> {
  let count = 0;
  for (const [index, inBucket] of series.buckets.entries()) {
    count += inBucket;
    const bound = bounds[index];
    yield { name: `${name}_bucket`, labels: series.labels, le: bound === undefined ? '+Inf' : String(bound), value: count };
  }
  yield { name: `${name}_sum`, labels: series.labels, le: null, value: series.value };
  yield { name: `${name}_count`, labels: series.labels, le: null, value: count };
}
