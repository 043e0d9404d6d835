import type { Explanation, ExplainRequest } from '../core/ipc/views.ts';
import type { SnapshotDelta } from '../core/ir/snapshot.ts';
import type { Settings } from '../core/ir/settings.ts';
import { ClusterTable } from './balance/clusterTable.ts';
import { explain } from './explain.ts';
import type { TunnelBridge } from './forward/tunnelBridge.ts';
import { createCachedLookup } from './http/cachedLookup.ts';
import { ForwardedFields } from './http/forwardedFields.ts';
import { H1Upstream } from './http/h1/h1Upstream.ts';
import type { Rejection, ServerConnection, ServerConnectionContext } from './http/h1/serverConnection.ts';
import { Deadlines } from './limits/deadlines.ts';
import { Listeners } from './listeners.ts';
import { AccessLog } from './observe/accessLog.ts';
import { protocolErrorKind } from './observe/answerReason.ts';
import { emptyDraft, type ExchangeRecord } from './observe/exchangeRecord.ts';
import { ThreadWatch } from './observe/threadWatch.ts';
import { WorkerMetrics } from './observe/workerMetrics.ts';
import type { WorkerEngine, WorkerEngineOptions } from './process/workerEngine.ts';
import type { WorkerReport, WorkerSocket } from './process/workerMessages.ts';
import { RequestHandler } from './requestHandler.ts';
import { RouteTable } from './route/routeTable.ts';
import { compileRoute } from './routeState.ts';
import { TlsContexts } from './tls/tlsContexts.ts';
import { createTlsServer, HTTP1_ALPN } from './tls/tlsServer.ts';

/** How late a deadline may be. */
const SWEEP_MS = 200;
/** How late an access log line may be. */
const LOG_FLUSH_MS = 200;
const MAX_TLS_CONTEXTS = 10_000;
/** What a backend may send as a head; more is an invalid response (502). Twice what nginx's default buffer takes. */
const RESPONSE_LIMITS = { requestLineBytes: 8192, fieldLineBytes: 16_384, headerBytes: 65_536, headerCount: 256 };

/** The data plane of one worker: tables from the snapshot, listeners, the way of every request. */
export class Engine implements WorkerEngine {
  readonly #options: WorkerEngineOptions;
  readonly #deadlines: Deadlines;
  readonly #routes = new RouteTable(compileRoute);
  readonly #clusters: ClusterTable;
  readonly #tls: TlsContexts;
  readonly #upstream: H1Upstream;
  readonly #metrics: WorkerMetrics;
  readonly #watch = new ThreadWatch();
  readonly #accessLog: AccessLog;
  readonly #handler: RequestHandler;
  readonly #logTimer: NodeJS.Timeout;
  #settings: Settings | null = null;
  #forwardedFields = new ForwardedFields({ trustedCidrs: [], appendForwardedFor: false });
  #listeners: Listeners | null = null;
  #draining = false;
  readonly #onFault = (fault: unknown): void => {
    this.#options.logger.error('a fault of Gatehouse, please report it: the request that met it is lost', { error: fault });
  };
  #onQuiet: (() => void) | null = null;
  #drained: Promise<{ readonly cutConnections: number }> | null = null;

  constructor(options: WorkerEngineOptions) {
    const { clock, logger } = options;
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
    this.#tls = new TlsContexts(
      { maxContexts: MAX_TLS_CONTEXTS },
      { onRefused: (refusal) => logger.error('a certificate cannot be used, its names get the default one', { ...refusal }) },
    );
    this.#upstream = new H1Upstream({
      clock,
      deadlines: this.#deadlines,
      keepAlive: () => this.#current.upstreamKeepAlive,
      responseLimits: RESPONSE_LIMITS,
      lookup: createCachedLookup(),
      onFault: this.#onFault,
    });
    this.#handler = new RequestHandler({
      clock,
      deadlines: this.#deadlines,
      tables: { routes: this.#routes, clusters: this.#clusters, random: Math.random },
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
    this.#tls.apply(delta.certificates, delta.serverNames);
    this.#routes.apply(delta.virtualHosts);
  }

  listen(socket: WorkerSocket): Promise<void> {
    this.#listeners ??= this.#createListeners();
    return this.#listeners.listen(socket);
  }

  unlisten(descriptor: number): void {
    this.#listeners?.unlisten(descriptor);
  }

  explain(request: ExplainRequest): Explanation {
    const tables = { routes: this.#routes, clusters: this.#clusters, random: Math.random };
    return explain(request, tables, this.#forwardedFields);
  }

  collect(): WorkerReport {
    const endpoints = this.#clusters.views().map(({ isEjected, share: _share, latencyMs: _latencyMs, ...view }) => ({
      ...view,
      idleConnections: this.#upstream.idleConnections(view.endpoint),
      ejectedBy: isEjected ? 1 : 0,
    }));
    return { metrics: this.#metrics.take(this.#watch), endpoints };
  }

  drain(timeoutMs: number): Promise<{ readonly cutConnections: number }> {
    this.#drained ??= this.#drain(timeoutMs);
    return this.#drained;
  }

  async #drain(timeoutMs: number): Promise<{ readonly cutConnections: number }> {
    this.#draining = true;
    const listeners = this.#listeners;
    let cutConnections = 0;
    if (listeners !== null) {
      const empty = listeners.drain();
      const timer = setTimeout(() => (cutConnections = listeners.cut()), timeoutMs);
      await empty;
      clearTimeout(timer);
    }
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
    const listeners = new Listeners({
      contextFor: (scheme, onClose) => this.#connectionContext(scheme, onClose),
      createTlsServer: (onFailure) =>
        createTlsServer(
          this.#tls,
          { alpnProtocols: HTTP1_ALPN, handshakeTimeoutMs: this.#current.limits.tlsHandshakeTimeoutMs },
          { onHandshakeFailure: ({ code }) => onFailure(code) },
        ),
      events: this.#metrics,
    });
    listeners.limit = this.#current.limits.connectionsPerWorker;
    return listeners;
  }

  #connectionContext(scheme: 'http' | 'https', onClose: (connection: ServerConnection) => void): ServerConnectionContext {
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
    if (this.#listeners !== null) this.#listeners.limit = settings.limits.connectionsPerWorker;
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
