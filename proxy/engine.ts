import type { EndpointView, Explanation, ExplainRequest } from '../core/ipc/views.ts';
import type { Certificate, CertificateKey } from '../core/ir/certificate.ts';
import { applyMapDelta } from '../core/ir/delta.ts';
import type { SnapshotDelta } from '../core/ir/snapshot.ts';
import type { Settings } from '../core/ir/settings.ts';
import { ClusterTable } from './balance/clusterTable.ts';
import { explain, type ExplainTables } from './explain.ts';
import type { TunnelBridge } from './forward/tunnelBridge.ts';
import { createCachedLookup } from './http/cachedLookup.ts';
import { ForwardedFields } from './http/forwardedFields.ts';
import type { FrontConnection } from './http/frontConnection.ts';
import type { Rejection, ServerConnectionContext } from './http/h1/serverConnection.ts';
import { H2ServerConnection } from './http/h2/serverConnection.ts';
import { createUpstreams, type Upstreams } from './http/upstreams.ts';
import { L4Engine } from './l4/l4Engine.ts';
import { Deadlines } from './limits/deadlines.ts';
import { Listeners } from './listeners.ts';
import { AccessLog } from './observe/accessLog.ts';
import { protocolErrorKind } from './observe/answerReason.ts';
import { emptyDraft, type ExchangeRecord } from './observe/exchangeRecord.ts';
import { L4Metrics } from './observe/l4Metrics.ts';
import { ThreadWatch } from './observe/threadWatch.ts';
import { WorkerMetrics } from './observe/workerMetrics.ts';
import type { WorkerEngine, WorkerEngineOptions } from './process/workerEngine.ts';
import type { WorkerReport, WorkerSocket } from './process/workerMessages.ts';
import { RequestHandler } from './requestHandler.ts';
import { RouteTable } from './route/routeTable.ts';
import { compileRoute } from './routeState.ts';

/** How late a deadline may be. */
const SWEEP_MS = 200;
/** How late an access log line may be. */
const LOG_FLUSH_MS = 200;
const MAX_TLS_SERVERS = 10_000;
/** Between two log lines about the same kind of bad connections. */
const QUIET_MS = 10_000;
/** What a backend may send as a head; more is an invalid response (502). Twice what nginx's default buffer takes. */
const RESPONSE_LIMITS = { requestLineBytes: 8192, fieldLineBytes: 16_384, headerBytes: 65_536, headerCount: 256 };

/** The data plane of one worker: tables from the snapshot, listeners, the way of every request. */
export class Engine implements WorkerEngine {
  readonly #options: WorkerEngineOptions;
  readonly #deadlines: Deadlines;
  readonly #routes = new RouteTable(compileRoute);
  readonly #clusters: ClusterTable;
  readonly #tables: ExplainTables;
  readonly #listeners: Listeners;
  readonly #upstream: Upstreams;
  readonly #certificates = new Map<CertificateKey, Certificate>();
  readonly #l4: L4Engine;
  readonly #l4Metrics = new L4Metrics();
  readonly #metrics: WorkerMetrics;
  readonly #watch = new ThreadWatch();
  readonly #accessLog: AccessLog;
  readonly #handler: RequestHandler;
  readonly #logTimer: NodeJS.Timeout;
  readonly #lookup = createCachedLookup();
  #settings: Settings | null = null;
  #forwardedFields = new ForwardedFields({ trustedCidrs: [], appendForwardedFor: false });
  #draining = false;
  #proxyHeaderQuietUntilMs = 0;
  readonly #onFault = (fault: unknown): void => {
    this.#options.logger.error('a fault of Gatehouse, please report it: the request that met it is lost', { error: fault });
  };
  #onQuiet: (() => void) | null = null;
  #drained: Promise<{ readonly cutConnections: number }> | null = null;

  constructor(options: WorkerEngineOptions) {
    const { clock } = options;
    this.#options = options;
    this.#deadlines = new Deadlines(clock);
    this.#deadlines.start(SWEEP_MS);
    this.#watch.start();
    this.#clusters = new ClusterTable({ clock, random: Math.random });
    this.#metrics = new WorkerMetrics({ worker: options.worker }, { clock });
    this.#accessLog = new AccessLog(
      { format: options.accessLogFormat },
      { budget: options.logBudget, send: options.sendLog, onDropped: (lines) => this.#metrics.accessLogDropped(lines) },
    );
    this.#logTimer = setInterval(() => this.#accessLog.flush(), LOG_FLUSH_MS).unref();
    this.#listeners = this.#createListeners();
    this.#l4 = this.#createL4();
    this.#tables = {
      routes: this.#routes,
      clusters: this.#clusters,
      covers: (certificate, host) => this.#listeners.covers(certificate, host),
      random: Math.random,
    };
    this.#upstream = createUpstreams({
      clock,
      deadlines: this.#deadlines,
      keepAlive: () => this.#current.upstreamKeepAlive,
      responseLimits: RESPONSE_LIMITS,
      lookup: this.#lookup,
      certificate: (key) => this.#certificates.get(key),
      onFault: this.#onFault,
    });
    this.#handler = new RequestHandler({
      clock,
      deadlines: this.#deadlines,
      tables: this.#tables,
      forwardedFields: () => this.#forwardedFields,
      upstream: this.#upstream,
      onFault: this.#onFault,
      onStart: () => (this.#metrics.requestsInFlight += 1),
      onRecord: (record, logged) => this.#record(record, logged),
      onEjected: (cluster) => this.#metrics.endpointEjected(cluster),
      onTunnel: () => (this.#metrics.tunnels += 1),
      onTunnelEnd: (_bridge: TunnelBridge) => (this.#metrics.tunnels -= 1),
    });
  }

  apply(delta: SnapshotDelta): void {
    if (delta.settings !== null) this.#applySettings(delta.settings);
    for (const endpoint of this.#clusters.apply(delta.clusters)) this.#upstream.retire(endpoint);
    applyMapDelta(this.#certificates, delta.certificates);
    this.#listeners.applyCertificates(delta.certificates, delta.serverNames);
    this.#l4.apply(delta.l4Listeners, delta.passthrough);
    this.#routes.apply(delta.virtualHosts);
  }

  listen(socket: WorkerSocket): Promise<void> {
    const isHttp = socket.protocol === 'http' || socket.protocol === 'https';
    return isHttp ? this.#listeners.listen(socket) : this.#l4.listen(socket);
  }

  unlisten(descriptor: number): void {
    this.#listeners.unlisten(descriptor);
    this.#l4.unlisten(descriptor);
  }

  explain(request: ExplainRequest): Explanation {
    return explain(request, this.#tables, this.#forwardedFields);
  }

  collect(withEndpoints: boolean): WorkerReport {
    const endpoints = withEndpoints ? this.#endpointViews() : [];
    const http = this.#metrics.take(this.#watch);
    const l4 = this.#l4Metrics.take(this.#l4.usages());
    const metrics = { ...http, counters: [...http.counters, ...l4.counters], gauges: [...http.gauges, ...l4.gauges] };
    return { metrics, endpoints };
  }

  #endpointViews(): readonly EndpointView[] {
    return this.#clusters.views().map(({ isEjected, share: _share, latencyMs: _latencyMs, ...view }) => ({
      ...view,
      idleConnections: this.#upstream.idleConnections(view.endpoint),
      ejectedBy: isEjected ? 1 : 0,
    }));
  }

  drain(timeoutMs: number): Promise<{ readonly cutConnections: number }> {
    this.#drained ??= this.#drain(timeoutMs);
    return this.#drained;
  }

  async #drain(timeoutMs: number): Promise<{ readonly cutConnections: number }> {
    this.#draining = true;
    let cutConnections = 0;
    const empty = Promise.all([this.#listeners.drain(), this.#l4.drain()]);
    const timer = setTimeout(() => (cutConnections = this.#listeners.cut() + this.#l4.cut()), timeoutMs);
    await empty;
    clearTimeout(timer);
    this.#upstream.close();
    await this.#quiet();
    this.#deadlines.stop();
    this.#watch.stop();
    clearInterval(this.#logTimer);
    this.#accessLog.flush();
    return { cutConnections };
  }

  /** Resolves once every exchange has been recorded: a tunnel is over only when its backend's side has closed too. */
  #quiet(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onQuiet = resolve;
    if (this.#metrics.requestsInFlight === 0) resolve();
    return promise;
  }

  get #current(): Settings {
    if (this.#settings === null) throw new Error('a worker serves before it has its first snapshot');
    return this.#settings;
  }

  #createListeners(): Listeners {
    const { clock, logger, ticketSecret } = this.#options;
    return new Listeners({
      settings: () => this.#current,
      clock,
      wallClock: Date.now,
      deadlines: this.#deadlines,
      maxTlsServers: MAX_TLS_SERVERS,
      ticketSecret,
      contextFor: (scheme, onClose) => this.#connectionContext(scheme, onClose),
      createH2: (socket, client, context) => new H2ServerConnection(socket, client, { ...context, http2: () => this.#current.http2 }),
      policyFor: (name) => this.#routes.clientAuthFor(name),
      passthroughFor: (name) => this.#l4.passthroughFor(name, (host) => this.#routes.has(host)),
      passthrough: (socket, firstBytes, client, route) => this.#l4.carry(socket, firstBytes, client, route),
      onCertificateRefused: (refusal) => {
        const effect = refusal.clientAuth === null ? 'its names get the default one' : 'its hosts are refused';
        logger.error(`a certificate cannot be used, ${effect}`, { ...refusal });
      },
      onProxyHeaderRefused: (peer, reason) => {
        // One line for many connections: the metrics count them.
        if (clock.now() < this.#proxyHeaderQuietUntilMs) return;
        this.#proxyHeaderQuietUntilMs = clock.now() + QUIET_MS;
        logger.warn('a peer must begin with a PROXY header and does not', { peer, reason });
      },
      events: this.#metrics,
    });
  }

  #createL4(): L4Engine {
    const { clock } = this.#options;
    const metrics = this.#l4Metrics;
    return new L4Engine({
      clock,
      deadlines: this.#deadlines,
      clusters: this.#clusters,
      random: Math.random,
      lookup: this.#lookup,
      onFault: this.#onFault,
      observer: {
        opened: (route, protocol) => metrics.opened(route, protocol),
        finished: (record) => {
          metrics.finished(record);
          if (this.#settings?.accessLog === true) this.#accessLog.addL4(record);
        },
        refused: (reason) => metrics.refused(reason),
        datagramDropped: (_route, reason) => metrics.datagramDropped(reason),
        endpointEjected: (cluster) => this.#metrics.endpointEjected(cluster),
      },
    });
  }

  #connectionContext(scheme: 'http' | 'https', onClose: (connection: FrontConnection) => void): ServerConnectionContext {
    return {
      clock: this.#options.clock,
      deadlines: this.#deadlines,
      scheme,
      limits: () => this.#current.limits,
      draining: () => this.#draining,
      onExchange: (exchange) => this.#handler.handle(exchange),
      onRejected: (rejection) => this.#rejected(rejection, scheme),
      onFault: this.#onFault,
      onClose,
    };
  }

  #applySettings(settings: Settings): void {
    this.#settings = settings;
    this.#forwardedFields = new ForwardedFields(settings.forwardedHeaders);
  }

  #record(record: ExchangeRecord, logged: boolean): void {
    this.#metrics.requestsInFlight -= 1;
    this.#metrics.exchangeFinished(record);
    if (logged && this.#settings?.accessLog === true) this.#accessLog.add(record);
    if (this.#metrics.requestsInFlight === 0) this.#onQuiet?.();
  }

  #rejected(rejection: Rejection, scheme: 'http' | 'https'): void {
    const { client, error } = rejection;
    const draft = emptyDraft(client.remoteAddress, scheme);
    draft.tlsProtocol = client.tls?.protocol ?? null;
    draft.timeMs = Date.now();
    draft.requestId = rejection.requestId;
    draft.requestTimeMs = Math.max(0, this.#options.clock.now() - rejection.startedAtMs);
    draft.requestLength = rejection.requestBytes;
    draft.bodyBytesSent = rejection.responseBodyBytes;
    draft.bytesSent = rejection.responseBytes;
    draft.status = error.status;
    draft.answeredBy = protocolErrorKind(error.status);
    this.#metrics.protocolError(draft.answeredBy);
    this.#metrics.requestsInFlight += 1;
    this.#record(draft, true);
  }
}
