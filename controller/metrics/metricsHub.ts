import { setImmediate as nextTurn } from 'node:timers/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { FAMILY_BY_NAME, OVERFLOW_LABEL, type MetricFamily } from '../../core/metrics/families.ts';
import { AnnouncerMetrics } from './announcerMetrics.ts';
import { BgpMetrics } from './bgpMetrics.ts';
import { ControllerMetrics } from './controllerMetrics.ts';
import { exposeFamily } from './exposeFamily.ts';
import { INGRESS_NGINX_NAMES } from './ingressNginxNames.ts';
import { areLabelValues, MergedFamily } from './mergedFamily.ts';
import type { CounterDelta, GaugeValue, HistogramDelta, MetricsDelta } from '../../core/metrics/delta.ts';

export interface MetricsHubOptions {
  /** Label sets kept per family; what is beyond is merged into one of `_other`. Default 100,000. */
  readonly maxSeriesPerFamily?: number;
  /** Also report under the names of ingress-nginx (`INGRESS_NGINX_NAMES`). */
  readonly ingressNginxNames?: boolean;
  /** Also report announcements under the names of MetalLB's speaker. */
  readonly metallbNames?: boolean;
}

const DEFAULT_MAX_SERIES = 100_000;
/** Threads that may have gauges at a time, and gauges of one: far above what a proxy has, against one gone wild. */
const MAX_WORKERS = 1024;
const MAX_GAUGES_PER_WORKER = 256;

/**
 * Totals of all workers of all proxy processes there have been, and the controller's own metrics, as Prometheus text.
 * Counters and histograms only grow, whatever restarts; gauges are those of the threads that live.
 *
 * A proxy parses what strangers send, so its reports are believed only as far as they fit the families: the rest is left
 * out and counted.
 */
export class MetricsHub {
  readonly controller: ControllerMetrics;
  readonly announcer: AnnouncerMetrics;
  readonly bgp: BgpMetrics;
  /** Where parts of the controller add families of their own. */
  readonly registry = new Registry();
  /** family name → totals. */
  readonly #families = new Map<string, MergedFamily>();
  /** worker → its current gauges. */
  readonly #gauges = new Map<string, readonly GaugeValue[]>();
  readonly #rejected: MergedFamily;
  #started = false;

  constructor(options: MetricsHubOptions = {}) {
    const maxSeries = options.maxSeriesPerFamily ?? DEFAULT_MAX_SERIES;
    this.controller = new ControllerMetrics(this.registry);
    this.announcer = new AnnouncerMetrics(this.registry, { metallbNames: options.metallbNames === true });
    this.bgp = new BgpMetrics(this.registry, { metallbNames: options.metallbNames === true, speakerAnnounced: this.announcer.speakerAnnounced });
    this.#rejected = new MergedFamily(REJECTED, 1);
    this.#rejected.at([]);
    this.#register(this.#rejected, REJECTED.name);
    for (const family of FAMILY_BY_NAME.values()) {
      const merged = new MergedFamily(family, maxSeries);
      this.#families.set(family.name, merged);
      this.#register(merged, family.name);
      const alias = INGRESS_NGINX_NAMES.get(family.name);
      if (alias !== undefined && options.ingressNginxNames === true) this.#register(merged, alias);
    }
  }

  /** Begins to watch the controller's own process (`gatehouse_controller_process_*`, `gatehouse_controller_nodejs_*`). */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    collectDefaultMetrics({ register: this.registry, prefix: 'gatehouse_controller_' });
  }

  /** Adds what a worker has counted. Never throws: entries that fit no family are counted as rejected. */
  add(delta: MetricsDelta): void {
    for (const counter of this.#entries(delta.counters)) this.#addCounter(counter);
    for (const histogram of this.#entries(delta.histograms)) this.#addHistogram(histogram);
    if (typeof delta.worker === 'string') this.#setGauges(delta);
  }

  /** The proxy is gone with all its workers: their gauges with them, what they counted stays. */
  forgetWorkers(): void {
    this.#gauges.clear();
  }

  /** Forgets the series of Ingresses that no longer exist. `exists` is asked with namespace and name. */
  retainIngresses(exists: (namespace: string, name: string) => boolean): void {
    for (const merged of this.#families.values()) {
      const hasIngress = merged.family.labels.includes('ingress');
      if (hasIngress) merged.retain((labels) => isKept(labels, exists));
    }
  }

  /** All metrics in Prometheus text format 0.0.4. */
  async text(): Promise<string> {
    this.#sumGauges();
    const families: string[] = [];
    for (const { name } of this.registry.getMetricsAsArray()) {
      families.push(await this.registry.getSingleMetricAsString(name));
      // Thousands of Ingresses make tens of megabytes: one family a turn, so that the controller stays responsive.
      await nextTurn();
    }
    return `${families.join('\n')}\n`;
  }

  /** Value of the Content-Type field for `text`. */
  get contentType(): string {
    return this.registry.contentType;
  }

  #addCounter(delta: CounterDelta): void {
    const merged = this.#familyOf(delta, 'counter');
    if (merged === null || !isCount(delta.value)) return this.#reject();
    merged.at(delta.labels).value += delta.value;
  }

  #addHistogram(delta: HistogramDelta): void {
    const merged = this.#familyOf(delta, 'histogram');
    if (merged === null || !isCount(delta.sum) || !Array.isArray(delta.buckets)) return this.#reject();
    const fits = delta.buckets.length === bucketCount(merged.family) && delta.buckets.every(isCount);
    if (!fits) return this.#reject();
    const total = merged.at(delta.labels);
    for (const [index, count] of delta.buckets.entries()) total.buckets[index] = (total.buckets[index] ?? 0) + count;
    total.value += delta.sum;
  }

  #setGauges({ worker, gauges }: MetricsDelta): void {
    if (!this.#gauges.has(worker) && this.#gauges.size >= MAX_WORKERS) return this.#reject();
    const valid: GaugeValue[] = [];
    for (const gauge of this.#entries(gauges)) {
      const isValid = this.#familyOf(gauge, 'gauge') !== null && Number.isFinite(gauge.value);
      if (isValid && valid.length < MAX_GAUGES_PER_WORKER) valid.push(gauge);
      else this.#reject();
    }
    this.#gauges.set(worker, valid);
  }

  #familyOf(entry: CounterDelta | HistogramDelta | GaugeValue, type: MetricFamily['type']): MergedFamily | null {
    const merged = this.#families.get(entry.family);
    if (merged === undefined || merged.family.type !== type) return null;
    return areLabelValues(merged.family, entry.labels) ? merged : null;
  }

  /** Members that are objects of a list that should be one. */
  #entries<Entry>(list: readonly Entry[]): readonly Entry[] {
    const entries = Array.isArray(list) ? list.filter((entry) => typeof entry === 'object' && entry !== null) : [];
    if (entries.length !== list?.length) this.#reject();
    return entries;
  }

  #sumGauges(): void {
    for (const merged of this.#families.values()) if (merged.family.type === 'gauge') merged.clear();
    for (const gauges of this.#gauges.values()) {
      for (const { family, labels, value } of gauges) {
        const series = this.#families.get(family)?.at(labels);
        if (series !== undefined) series.value += value;
      }
    }
  }

  #reject(): void {
    this.#rejected.at([]).value += 1;
  }

  #register(merged: MergedFamily, name: string): void {
    this.registry.registerMetric(exposeFamily(merged, name));
  }
}

const REJECTED = {
  name: 'gatehouse_controller_metrics_rejected_total',
  help: 'Entries of worker reports that fit no metric family and were left out.',
  type: 'counter',
  labels: [],
} as const satisfies MetricFamily;

function isKept(
  labels: Readonly<Record<string, string>>,
  exists: (namespace: string, name: string) => boolean,
): boolean {
  const { namespace = '', ingress = '' } = labels;
  return ingress === '' || ingress === OVERFLOW_LABEL || exists(namespace, ingress);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function bucketCount(family: MetricFamily): number {
  return family.type === 'histogram' ? family.buckets.length + 1 : 0;
}
