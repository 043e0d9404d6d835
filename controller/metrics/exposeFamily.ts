import type { Metric } from 'prom-client';
import type { MetricFamily } from '../../core/metrics/families.ts';
import type { MergedFamily } from './mergedFamily.ts';

/** What prom-client's registry makes text of: all it asks of a metric. */
interface ExposedMetric {
  readonly name: string;
  get(): Promise<{
    readonly name: string;
    readonly help: string;
    readonly type: MetricFamily['type'];
    readonly values: readonly ExposedValue[];
  }>;
}

interface ExposedValue {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Made into text once and kept by prom-client as long as the object lives. */
  readonly sharedLabels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NO_LABELS: Readonly<Record<string, string>> = {};

/**
 * A merged family as a metric of a prom-client registry, under its own name or an alias. prom-client's own metrics cannot
 * take part: none can be given a total or whole buckets.
 */
export function exposeFamily(merged: MergedFamily, name: string): Metric {
  const { help, type } = merged.family;
  const values = (): ExposedValue[] => {
    const list: ExposedValue[] = [];
    for (const sample of merged.samples(name)) {
      const labels = sample.le === null ? NO_LABELS : { le: sample.le };
      list.push({ metricName: sample.name ?? name, labels, sharedLabels: sample.labels, value: sample.value });
    }
    return list;
  };
  const metric: ExposedMetric = { name, get: () => Promise.resolve({ name, help, type, values: values() }) };
  // The registry's types name prom-client's four classes; its code asks for no more than ExposedMetric has.
  return metric as unknown as Metric;
}
