import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Certificate, CertificateKey } from '../../core/ir/certificate.ts';
import type { ClientAuth } from '../../core/ir/clientAuth.ts';
import type { Cluster, ClusterKey, Endpoint } from '../../core/ir/cluster.ts';
import type { ClientLimits, ForwardedHeaders, Http2Settings, Settings, UpstreamKeepAlive } from '../../core/ir/settings.ts';
import type { MapDelta, SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { RetryPolicy, Route, RoutePolicy, VirtualHost } from '../../core/ir/virtualHost.ts';
import { silentLogger } from '../../core/log/logger.ts';
import type { HostPattern } from '../../core/net/hostPattern.ts';
import { LISTEN_BACKLOG, openListeningSockets } from '../../core/os/listeningSockets.ts';
import { systemClock, type Clock } from '../../core/time/clock.ts';
import { Engine } from '../engine.ts';
import { createLogBudget } from '../observe/logBudget.ts';
import { connectRaw, type RawPeer } from './rawPeer.ts';

/** What differs from the defaults of a route's policy. */
export type PolicyChanges = Partial<Omit<RoutePolicy, 'retry'>> & {
  readonly retry?: Partial<Omit<RetryPolicy, 'on'>> & { readonly on?: Partial<RetryPolicy['on']> };
};

/** A cluster by its endpoints' ports on 127.0.0.1, with what differs. */
export type ClusterChanges = Partial<Omit<Cluster, 'endpoints'>> & { readonly ports: readonly (number | Endpoint)[] };

/** A route: host `gw.test` and prefix `/` unless said otherwise, to `cluster`. */
export type RouteChanges = Partial<Omit<Route, 'policy'>> & {
  readonly host?: string;
  readonly cluster?: string;
  readonly policy?: PolicyChanges;
};

export interface EngineOptions {
  /** Name → cluster; a list is its endpoints' ports. The first is the one routes go to by default. */
  readonly clusters?: Readonly<Record<string, ClusterChanges | readonly number[]>>;
  readonly routes?: readonly RouteChanges[];
  /** For every route. */
  readonly policy?: PolicyChanges;
  readonly limits?: Partial<ClientLimits>;
  readonly upstreamKeepAlive?: Partial<UpstreamKeepAlive>;
  readonly forwardedHeaders?: Partial<ForwardedHeaders>;
  readonly http2?: Partial<Http2Settings>;
  readonly proxyProtocol?: Settings['proxyProtocol'];
  readonly clock?: Clock;
  /** The default certificate; given: the engine also listens for HTTPS. */
  readonly certificate?: Certificate;
  /** Certificates of server names, beside the default. */
  readonly certificates?: Readonly<Record<string, Certificate>>;
  /** host → what it asks of clients' certificates. */
  readonly clientAuth?: Readonly<Record<string, ClientAuth>>;
  readonly ticketSecret?: Buffer;
}

/** A line of the JSON access log. */
export type LogLine = Readonly<Record<string, unknown>> & {
  readonly status: number;
  readonly request_id: string;
  readonly answered_by: string;
  readonly upstream: readonly Readonly<Record<string, unknown>>[];
};

/** A worker's engine in this process, on a port of loopback. */
export interface RunningEngine {
  readonly engine: Engine;
  readonly port: number;
  /** For HTTPS; 0: not listening. */
  readonly tlsPort: number;
  /** Lines written so far; lines come up to 200 ms late. */
  readonly log: readonly LogLine[];
  /** Resolves once `count` lines have been written. */
  logged(count: number): Promise<readonly LogLine[]>;
  /** Replaces clusters and routes, and settings where given; what is not named goes. */
  apply(options: EngineOptions): void;
  /** A client connection; `stop` ends it. */
  connect(): Promise<RawPeer>;
  /** Present value of a gauge, all labels added up. */
  gauge(family: string): number;
  /** Sum of a counter since the start, all labels added up. */
  counter(family: string): number;
  /** Drains, and checks that nothing is left open. Idempotent. */
  stop(timeoutMs?: number): Promise<{ readonly cutConnections: number }>;
}

/** Starts an engine that is stopped when the test ends. */
export async function startEngine(test: TestContext, options: EngineOptions): Promise<RunningEngine> {
  const running = new Running(options);
  await running.listen();
  test.after(() => running.stop());
  return running;
}

const LIMITS: ClientLimits = {
  requestLineBytes: 8192,
  fieldLineBytes: 8192,
  headerBytes: 32_768,
  headerCount: 100,
  headerTimeoutMs: 10_000,
  bodyTimeoutMs: 10_000,
  sendTimeoutMs: 10_000,
  keepAliveTimeoutMs: 10_000,
  keepAliveRequests: 1_000,
  tlsHandshakeTimeoutMs: 10_000,
  connectionsPerWorker: 10_000,
};

const POLICY: RoutePolicy = {
  connectTimeoutMs: 5_000,
  readTimeoutMs: 10_000,
  sendTimeoutMs: 10_000,
  retry: { tries: 3, totalMs: null, on: { error: true, timeout: true, invalidHeader: false, statuses: [], nonIdempotent: false } },
  maxBodyBytes: null,
  upstreamHost: null,
  accessLog: true,
};

class Running implements RunningEngine {
  readonly engine: Engine;
  port = 0;
  tlsPort = 0;
  readonly log: LogLine[] = [];
  readonly #settings: EngineOptions;
  readonly #counters = new Map<string, number>();
  readonly #clusters = new Set<ClusterKey>();
  readonly #hosts = new Set<HostPattern>();
  readonly #clients: RawPeer[] = [];
  #generation = 0;
  #wake: () => void = () => {};

  constructor(options: EngineOptions) {
    this.#settings = options;
    const logBudget = createLogBudget(64 * 1024 * 1024);
    this.engine = new Engine({
      worker: '1',
      accessLogFormat: 'json',
      logger: silentLogger,
      logBudget,
      clock: options.clock ?? systemClock,
      ticketSecret: options.ticketSecret ?? Buffer.alloc(32, 7),
      sendLog: ({ bytes }) => {
        logBudget.give(bytes.length);
        const lines = Buffer.from(bytes).toString('latin1').trimEnd().split('\n');
        this.log.push(...lines.map((line) => JSON.parse(line) as LogLine));
        this.#wake();
      },
    });
    this.apply(options);
  }

  async listen(): Promise<void> {
    this.port = await this.#listen('http');
    if (this.#settings.certificate !== undefined) this.tlsPort = await this.#listen('https');
  }

  async #listen(protocol: 'http' | 'https'): Promise<number> {
    const sockets = openListeningSockets({ address: '127.0.0.1', port: 0, count: 1, backlog: LISTEN_BACKLOG });
    const [descriptor = -1] = sockets.descriptors;
    await this.engine.listen({ protocol, address: '127.0.0.1', port: sockets.port, descriptor });
    return sockets.port;
  }

  async logged(count: number): Promise<readonly LogLine[]> {
    while (this.log.length < count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    return this.log;
  }

  apply(options: EngineOptions): void {
    this.#generation += 1;
    const clusters = Object.entries(options.clusters ?? {}).map(([name, changes]) => clusterOf(name, changes));
    const routes = options.routes ?? [{}];
    const [first] = clusters;
    const hosts = Map.groupBy(routes, (route) => (route.host ?? 'gw.test') as HostPattern);
    const virtualHosts = [...hosts].map(([host, changes]): VirtualHost => ({
      host,
      ...(options.clientAuth?.[host] === undefined ? {} : { clientAuth: options.clientAuth[host] }),
      routes: changes.map((change) => routeOf(change, first?.key ?? ('none' as ClusterKey), options.policy ?? {})),
    }));
    const delta: SnapshotDelta = {
      generation: this.#generation,
      settings: settingsOf({ ...this.#settings, ...options }),
      clusters: replacing(this.#clusters, clusters.map((cluster) => [cluster.key, cluster] as const)),
      virtualHosts: replacing(this.#hosts, virtualHosts.map((virtualHost) => [virtualHost.host, virtualHost] as const)),
      certificates: { upsert: certificatesOf(options).map((certificate) => [certificate.key, certificate]), remove: [] },
      serverNames: { upsert: Object.entries(options.certificates ?? {}).map(([name, { key }]) => [name as HostPattern, key]), remove: [] },
      l4Listeners: { upsert: [], remove: [] },
      passthrough: { upsert: [], remove: [] },
    };
    this.engine.apply(delta);
  }

  async connect(): Promise<RawPeer> {
    const client = await connectRaw(this.port);
    this.#clients.push(client);
    return client;
  }

  gauge(family: string): number {
    return sum(this.#collect().gauges.filter((gauge) => gauge.family === family));
  }

  counter(family: string): number {
    this.#collect();
    return this.#counters.get(family) ?? 0;
  }

  async stop(timeoutMs = 0): Promise<{ readonly cutConnections: number }> {
    const result = await this.engine.drain(timeoutMs);
    for (const client of this.#clients) client.socket.destroy();
    for (const family of ['gatehouse_requests_in_flight', 'gatehouse_tunnels', 'gatehouse_client_connections']) {
      assert.equal(this.gauge(family), 0, family);
    }
    return result;
  }

  #collect(): ReturnType<Engine['collect']>['metrics'] {
    const { metrics } = this.engine.collect(false);
    for (const { family, value } of metrics.counters) this.#counters.set(family, (this.#counters.get(family) ?? 0) + value);
    return metrics;
  }
}

function certificatesOf({ certificate, certificates }: EngineOptions): readonly Certificate[] {
  const named = Object.values(certificates ?? {});
  return certificate === undefined ? named : [{ ...certificate, key: 'default' as CertificateKey }, ...named];
}

function sum(values: readonly { readonly value: number }[]): number {
  return values.reduce((total, { value }) => total + value, 0);
}

/** Sets `entries`, removes what `known` has beyond them, and remembers. */
function replacing<K, V>(known: Set<K>, entries: readonly (readonly [K, V])[]): MapDelta<K, V> {
  const keys = new Set(entries.map(([key]) => key));
  const remove = [...known].filter((key) => !keys.has(key));
  known.clear();
  for (const key of keys) known.add(key);
  return { upsert: entries, remove };
}

function settingsOf(options: EngineOptions): Settings {
  return {
    limits: { ...LIMITS, ...options.limits },
    upstreamKeepAlive: { connections: 320, idleTimeoutMs: 60_000, requests: 10_000, maxAgeMs: 3_600_000, ...options.upstreamKeepAlive },
    forwardedHeaders: { trustedCidrs: [], appendForwardedFor: false, ...options.forwardedHeaders },
    accessLog: true,
    http2: { enabled: true, cleartext: false, maxConcurrentStreams: 128, maxRequests: null, ...options.http2 },
    proxyProtocol: options.proxyProtocol ?? null,
    sessionTickets: true,
  };
}

function clusterOf(name: string, changes: ClusterChanges | readonly number[]): Cluster {
  const { ports, ...rest }: ClusterChanges = 'ports' in changes ? changes : { ports: changes };
  const endpoints = ports.map((port): Endpoint =>
    typeof port === 'number' ? { host: '127.0.0.1', port, weight: 1, state: 'ready' } : port,
  );
  return {
    key: `default/${name}:80` as ClusterKey,
    name: `default-${name}-80`,
    namespace: 'default',
    service: name,
    port: '80',
    endpoints,
    unavailable: endpoints.length === 0 ? 'no endpoint is ready' : null,
    balance: { type: 'roundRobin' },
    affinity: null,
    ...rest,
  };
}

function routeOf(changes: RouteChanges, first: ClusterKey, common: PolicyChanges): Route {
  const { host: _host, cluster, policy, ...rest } = changes;
  const primary = cluster === undefined ? first : (`default/${cluster}:80` as ClusterKey);
  return {
    match: { type: 'prefix', value: '/' },
    ingress: { kind: 'Ingress', namespace: 'default', name: 'web' },
    field: 'spec.rules[0].http.paths[0]',
    filters: [],
    action: { type: 'forward', primary, canaries: [] },
    ...rest,
    policy: policyOf(common, policy ?? {}),
  };
}

function policyOf(common: PolicyChanges, own: PolicyChanges): RoutePolicy {
  const on = { ...POLICY.retry.on, ...common.retry?.on, ...own.retry?.on };
  return { ...POLICY, ...common, ...own, retry: { ...POLICY.retry, ...common.retry, ...own.retry, on } };
}
