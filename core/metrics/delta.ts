/** Metric families the proxy reports; their help texts and label names stand in core/metrics/families.ts. */
export interface CounterDelta {
  readonly family: string;
  /** Values in the order of the family's label names. */
  readonly labels: readonly string[];
  /** Increase since the last report. */
  readonly value: number;
}

/** A current value of one worker. Gauges of all workers are added up. */
export interface GaugeValue {
  readonly family: string;
  readonly labels: readonly string[];
  readonly value: number;
}

/** Observations since the last report; `buckets[i]` counts those at most the family's i-th bound, the last one the rest (not cumulative). */
export interface HistogramDelta {
  readonly family: string;
  readonly labels: readonly string[];
  readonly buckets: readonly number[];
  readonly sum: number;
}

/** What one worker has counted since its last report. Deltas, so that the controller's totals outlive workers and proxies. */
export interface MetricsDelta {
  /** Tells workers apart where gauges are concerned. */
  readonly worker: string;
  readonly counters: readonly CounterDelta[];
  readonly histograms: readonly HistogramDelta[];
  readonly gauges: readonly GaugeValue[];
}
