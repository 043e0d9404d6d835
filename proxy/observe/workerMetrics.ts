import { FAMILIES, OVERFLOW_LABEL } from '../../core/metrics/families.ts';
import { CounterSeries, CounterSet } from './counterSeries.ts';
import { RouteSeries, subjectLabels, type ReportLists } from './routeSeries.ts';
import type { GaugeValue, MetricsDelta } from '../../core/metrics/delta.ts';
import type { Clock } from '../../core/time/clock.ts';
import type { ProtocolErrorKind } from './answerReason.ts';
import type { ExchangeRecord } from './exchangeRecord.ts';
import type { RouteSubject } from './routeSubject.ts';
import type { ThreadUsage } from './threadWatch.ts';

/** Why a TLS handshake did not complete. */
export type HandshakeFailure =
  | 'clientClosed'
  | 'timeout'
  /** No common version, cipher or group, or octets that are no TLS. */
  | 'protocol';

type ClientProtocol = 'http' | 'https';

export interface WorkerMetricsOptions {
  /** Name of the thread in reports: `1`, `2`, …. */
  readonly worker: string;
  /** Request series (rule × method × status) kept at most; what is beyond is counted as `_other`. */
  readonly maxSeries?: number;
  /** A rule's series are forgotten after this time without a request. */
  readonly idleMs?: number;
}

const DEFAULT_MAX_SERIES = 50_000;
const DEFAULT_IDLE_MS = 3_600_000;
/** The sweep for idle series walks all of them: at most this often per idle time. */
const SWEEPS_PER_IDLE_TIME = 4;

/**
 * Counts what one worker thread does. Everything is cheap: a finished exchange costs a few map look-ups by object or
 * integer; a report costs in proportion to the rules that had traffic, not to those that exist.
 */
export class WorkerMetrics {
  readonly #worker: string;
  readonly #clock: Clock;
  readonly #maxSeries: number;
  readonly #idleMs: number;
  #seriesCount = 0;
  #lastSweepMs: number;
  /** subject → its series. Two subjects of the same text (a rule replaced by its like) share one. */
  #bySubject = new WeakMap<RouteSubject, RouteSeries>();
  /** label values as JSON → series. */
  readonly #byLabels = new Map<string, RouteSeries>();
  readonly #overflow: RouteSeries;
  #dirty: RouteSeries[] = [];

  /** Requests and tunnels open now; whoever opens and closes them keeps these true. */
  requestsInFlight = 0;
  tunnels = 0;
  readonly #connections: Record<ClientProtocol, number> = { http: 0, https: 0 };
  readonly #accepted = new CounterSet<ClientProtocol>(FAMILIES.acceptedConnections.name);
  readonly #refused = new CounterSeries(FAMILIES.refusedConnections.name, []);
  readonly #handshakes = new CounterSet<string>(FAMILIES.tlsHandshakes.name);
  readonly #handshakeFailures = new CounterSet<HandshakeFailure>(FAMILIES.tlsHandshakeFailures.name);
  readonly #protocolErrors = new CounterSet<ProtocolErrorKind>(FAMILIES.protocolErrors.name);
  readonly #logDropped = new CounterSeries(FAMILIES.accessLogDropped.name, []);
  /** namespace → Services with ejections. */
  readonly #ejections = new Map<string, CounterSet<string>>();

  constructor(options: WorkerMetricsOptions, dependencies: { readonly clock: Clock }) {
    this.#worker = options.worker;
    this.#maxSeries = options.maxSeries ?? DEFAULT_MAX_SERIES;
    this.#idleMs = options.idleMs ?? DEFAULT_IDLE_MS;
    this.#clock = dependencies.clock;
    this.#lastSweepMs = dependencies.clock.now();
    const overflowLabels = FAMILIES.requestDuration.labels.map(() => OVERFLOW_LABEL);
    this.#overflow = new RouteSeries(overflowLabels, { takeSeries: () => false });
  }

  /** Counts a finished exchange. */
  exchangeFinished(record: ExchangeRecord): void {
    const series = this.#bySubject.get(record.subject) ?? this.#resolve(record.subject);
    series.count(record);
    if (series.dirty) return;
    series.dirty = true;
    this.#dirty.push(series);
  }

  connectionOpened(protocol: ClientProtocol): void {
    this.#connections[protocol] += 1;
    this.#accepted.add(protocol);
  }

  connectionClosed(protocol: ClientProtocol): void {
    this.#connections[protocol] -= 1;
  }

  connectionRefused(): void {
    this.#refused.value += 1;
  }

  /** `version` as `tls.TLSSocket.getProtocol()` names it. */
  handshakeCompleted(version: string | null): void {
    this.#handshakes.add(version === 'TLSv1.3' || version === 'TLSv1.2' ? version : OVERFLOW_LABEL);
  }

  handshakeFailed(reason: HandshakeFailure): void {
    this.#handshakeFailures.add(reason);
  }

  protocolError(kind: ProtocolErrorKind): void {
    this.#protocolErrors.add(kind);
  }

  endpointEjected(cluster: { readonly namespace: string; readonly service: string }): void {
    let services = this.#ejections.get(cluster.namespace);
    if (services === undefined) {
      services = new CounterSet(FAMILIES.ejections.name, [cluster.namespace]);
      this.#ejections.set(cluster.namespace, services);
    }
    services.add(cluster.service);
  }

  accessLogDropped(lines: number): void {
    this.#logDropped.value += lines;
  }

  /** What was counted since the last time, and the gauges as they stand; counting starts again from nothing. */
  take(usage: ThreadUsage | null = null): MetricsDelta {
    const lists: ReportLists = { counters: [], histograms: [] };
    const nowMs = this.#clock.now();
    for (const series of this.#dirty) {
      series.take(lists);
      series.lastUsedMs = nowMs;
    }
    this.#dirty = [];
    this.#sweep(nowMs);
    this.#takeOwn(lists);
    return { worker: this.#worker, ...lists, gauges: this.#gauges(usage) };
  }

  #takeOwn({ counters }: ReportLists): void {
    for (const set of [this.#accepted, this.#handshakes, this.#handshakeFailures, this.#protocolErrors]) {
      set.take(counters);
    }
    for (const series of [this.#refused, this.#logDropped]) series.take(counters);
    for (const services of this.#ejections.values()) services.take(counters);
    // Ejections are rare: keeping nothing between reports bounds the names for free.
    this.#ejections.clear();
  }

  #gauges(usage: ThreadUsage | null): readonly GaugeValue[] {
    const gauges: GaugeValue[] = [
      { family: FAMILIES.requestsInFlight.name, labels: [], value: this.requestsInFlight },
      { family: FAMILIES.tunnels.name, labels: [], value: this.tunnels },
      { family: FAMILIES.clientConnections.name, labels: ['http'], value: this.#connections.http },
      { family: FAMILIES.clientConnections.name, labels: ['https'], value: this.#connections.https },
    ];
    return usage === null ? gauges : [...gauges, ...usage.gauges(this.#worker)];
  }

  #resolve(subject: RouteSubject): RouteSeries {
    const labels = subjectLabels(subject);
    const key = JSON.stringify(labels);
    let series = this.#byLabels.get(key);
    if (series === undefined) {
      series = this.#takeSeries() ? new RouteSeries(labels, { takeSeries: () => this.#takeSeries() }) : this.#overflow;
      if (series !== this.#overflow) this.#byLabels.set(key, series);
    }
    this.#bySubject.set(subject, series);
    return series;
  }

  #takeSeries(): boolean {
    if (this.#seriesCount >= this.#maxSeries) return false;
    this.#seriesCount += 1;
    return true;
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#lastSweepMs < this.#idleMs / SWEEPS_PER_IDLE_TIME) return;
    this.#lastSweepMs = nowMs;
    const before = this.#byLabels.size;
    for (const [key, series] of this.#byLabels) {
      if (nowMs - series.lastUsedMs < this.#idleMs) continue;
      this.#byLabels.delete(key);
      this.#seriesCount -= series.budgetTaken;
    }
    // Subjects may still know dropped series, or the overflow although there is room now: all are resolved once more.
    if (this.#byLabels.size < before) this.#bySubject = new WeakMap();
  }
}
