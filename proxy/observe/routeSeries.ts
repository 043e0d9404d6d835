import { FAMILIES, OVERFLOW_LABEL } from '../../core/metrics/families.ts';
import { CounterSeries, CounterSet } from './counterSeries.ts';
import { HistogramSeries } from './histogramSeries.ts';
import { methodLabel, methodNumber } from './methodLabel.ts';
import type { CounterDelta, HistogramDelta } from '../../core/metrics/delta.ts';
import type { LocalAnswer } from './answerReason.ts';
import type { ExchangeRecord, UpstreamTry } from './exchangeRecord.ts';
import type { RouteSubject } from './routeSubject.ts';

/** Bounds the number of series: asked before one is made. */
export interface SeriesBudget {
  /** False: no more, count into the overflow series. */
  takeSeries(): boolean;
}

/** Lists that a report is made of. */
export interface ReportLists {
  readonly counters: CounterDelta[];
  readonly histograms: HistogramDelta[];
}

const MAX_LABEL_CHARS = 256;
/** Above any status, so that method number and status make one key. */
const METHOD_STEP = 1000;
const OVERFLOW_KEY = -1;

/** All series of one subject. Everything is found by small integers or held in fields: no text is made per request. */
export class RouteSeries {
  /** Something was counted since the last report. */
  dirty = false;
  /** Clock reading of the last report that had something, ms. */
  lastUsedMs = 0;
  readonly #labels: readonly string[];
  readonly #budget: SeriesBudget;
  /** method number × 1000 + status → counter. */
  readonly #requests = new Map<number, CounterSeries>();
  readonly #duration: HistogramSeries;
  readonly #responseDuration: HistogramSeries;
  readonly #connectDuration: HistogramSeries;
  readonly #tries: CounterSeries;
  readonly #retries: CounterSeries;
  readonly #failures: CounterSet<NonNullable<UpstreamTry['error']>>;
  readonly #requestBytes: CounterSeries;
  readonly #responseBytes: CounterSeries;
  readonly #localAnswers: CounterSet<LocalAnswer>;

  constructor(labels: readonly string[], budget: SeriesBudget) {
    const ingressLabels = labels.slice(0, 2);
    this.#labels = labels;
    this.#budget = budget;
    this.#duration = new HistogramSeries(FAMILIES.requestDuration, labels);
    this.#responseDuration = new HistogramSeries(FAMILIES.upstreamResponseDuration, labels);
    this.#connectDuration = new HistogramSeries(FAMILIES.upstreamConnectDuration, labels);
    this.#tries = new CounterSeries(FAMILIES.upstreamTries.name, labels);
    this.#retries = new CounterSeries(FAMILIES.upstreamRetries.name, labels);
    this.#failures = new CounterSet(FAMILIES.upstreamFailures.name, labels);
    this.#requestBytes = new CounterSeries(FAMILIES.requestBytes.name, ingressLabels);
    this.#responseBytes = new CounterSeries(FAMILIES.responseBytes.name, ingressLabels);
    this.#localAnswers = new CounterSet(FAMILIES.localResponses.name, ingressLabels);
  }

  count(record: ExchangeRecord): void {
    this.#requestSeries(record.method, record.status).value += 1;
    this.#requestBytes.value += record.requestLength;
    this.#responseBytes.value += record.bytesSent;
    // A tunnel lasts as long as its users like: its duration says nothing about speed.
    const isTunnel = record.status === 101;
    if (!isTunnel) this.#duration.observe(record.requestTimeMs / 1000);
    if (record.answeredBy !== 'upstream') this.#localAnswers.add(record.answeredBy);
    const tries = record.tries;
    if (tries.length === 0) return;
    this.#tries.value += tries.length;
    this.#retries.value += tries.length - 1;
    for (const attempt of tries) this.#countTry(attempt, isTunnel);
  }

  take(into: ReportLists): void {
    for (const series of this.#requests.values()) series.take(into.counters);
    for (const series of [this.#tries, this.#retries, this.#requestBytes, this.#responseBytes]) series.take(into.counters);
    this.#failures.take(into.counters);
    this.#localAnswers.take(into.counters);
    for (const series of [this.#duration, this.#responseDuration, this.#connectDuration]) series.take(into.histograms);
    this.dirty = false;
  }

  /** What the budget gets back when these series are dropped: one for the subject, and those asked for. */
  get budgetTaken(): number {
    return 1 + this.#requests.size - (this.#requests.has(OVERFLOW_KEY) ? 1 : 0);
  }

  #countTry(attempt: UpstreamTry, isTunnel: boolean): void {
    if (attempt.error !== null) this.#failures.add(attempt.error);
    else if (attempt.responseTimeMs !== null && !isTunnel) {
      this.#responseDuration.observe(attempt.responseTimeMs / 1000);
    }
    if (attempt.connectMs !== null && attempt.connectMs > 0) this.#connectDuration.observe(attempt.connectMs / 1000);
  }

  #requestSeries(method: string, status: number): CounterSeries {
    const key = methodNumber(method) * METHOD_STEP + status;
    return this.#requests.get(key) ?? this.#newRequestSeries(key, status);
  }

  #newRequestSeries(key: number, status: number): CounterSeries {
    // Statuses come from backends; what RFC 9110 section 15 does not call a status is not told apart.
    const isStatus = Number.isInteger(status) && status >= 100 && status <= 599;
    const fits = isStatus && this.#budget.takeSeries();
    if (!fits) return this.#overflowSeries();
    const labels = [...this.#labels, methodLabel(Math.floor(key / METHOD_STEP)), String(status)];
    const series = new CounterSeries(FAMILIES.requests.name, labels);
    this.#requests.set(key, series);
    return series;
  }

  #overflowSeries(): CounterSeries {
    let series = this.#requests.get(OVERFLOW_KEY);
    if (series === undefined) {
      series = new CounterSeries(FAMILIES.requests.name, [...this.#labels, OVERFLOW_LABEL, OVERFLOW_LABEL]);
      this.#requests.set(OVERFLOW_KEY, series);
    }
    return series;
  }
}

/** Label values of a subject, cut to a bounded length. */
export function subjectLabels(subject: RouteSubject): readonly string[] {
  return [subject.namespace, subject.ingress, subject.service, subject.canary, subject.host, subject.path].map((value) =>
    value.length <= MAX_LABEL_CHARS ? value : value.slice(0, MAX_LABEL_CHARS),
  );
}
