import { isIP, type LookupFunction, type TcpNetConnectOpts } from 'node:net';
import type { Endpoint } from '../../../core/ir/cluster.ts';
import type { UpstreamKeepAlive } from '../../../core/ir/settings.ts';
import type { Transport } from '../../../core/ir/transport.ts';
import type { Clock } from '../../../core/time/clock.ts';
import { endpointKey } from '../../balance/endpointState.ts';
import type { Deadlines } from '../../limits/deadlines.ts';
import { connectReading, connectReadingTls } from '../octetSource.ts';
import { refusedRequest } from '../refusedRequest.ts';
import type { Upstream, UpstreamHandler, UpstreamHead, UpstreamRequest, UpstreamTarget } from '../upstream.ts';
import type { UpstreamTlsIdentities, UpstreamTlsIdentity } from '../upstreamTls.ts';
import { ClientConnection, type ClientConnectionContext } from './clientConnection.ts';
import { ClientRequest } from './clientRequest.ts';
import type { ResponseLimits } from './responseDecoder.ts';

/** Backends that announce no keep-alive time close after 5 s (Node) or 2 s (gunicorn) too; nothing can be known then. */
const KEEP_ALIVE_MARGIN_MS = 1000;

export interface H1UpstreamOptions {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly keepAlive: () => UpstreamKeepAlive;
  readonly responseLimits: ResponseLimits;
  /** Resolves ExternalName endpoints. */
  readonly lookup: LookupFunction;
  readonly tls: UpstreamTlsIdentities;
  /** Something threw that never should. */
  readonly onFault: (fault: unknown) => void;
}

/** All connections to one `host:port` in clear text, or as one TLS identity. */
interface Pool {
  /** `host:port`. */
  readonly key: string;
  /** Null: clear text. */
  readonly identity: UpstreamTlsIdentity | null;
  /** Oldest first. */
  readonly idle: ClientConnection[];
  /** Idle, busy and tunnels. */
  open: number;
  /** The endpoint is no longer asked for: nothing is kept. */
  retired: boolean;
}

/** HTTP/1.1 connections to backends, idle ones kept by `host:port` and TLS identity, the one used last taken first. */
export class H1Upstream implements Upstream {
  readonly #options: H1UpstreamOptions;
  /** `host:port` → its connections in clear text; gone with the last of them. */
  readonly #pools = new Map<string, Pool>();
  /** Key of a TLS identity → `host:port` → its connections. Apart, so that clear text costs one look-up. */
  readonly #tlsPools = new Map<string, Map<string, Pool>>();
  /** Every open connection → where it belongs. */
  readonly #owners = new Map<ClientConnection, Pool>();
  #idleCount = 0;
  readonly #context: ClientConnectionContext;

  constructor(options: H1UpstreamOptions) {
    this.#options = options;
    this.#context = {
      clock: options.clock,
      deadlines: options.deadlines,
      limits: options.responseLimits,
      onIdle: (connection, keepAliveMs) => this.#release(connection, keepAliveMs),
      onFault: options.onFault,
      onClose: (connection) => this.#forget(connection),
    };
  }

  request(target: UpstreamTarget, head: UpstreamHead, handler: UpstreamHandler): UpstreamRequest {
    const pool = target.transport === null ? this.#poolOf(this.#pools, target.key, null) : this.#poolFor(target, target.transport);
    if (typeof pool === 'string') return refusedRequest({ code: 'tlsFailed', detail: pool, sent: false }, handler);
    pool.retired = false;
    const connection = (target.reuse ? this.#takeIdle(pool) : null) ?? this.#open(target.endpoint, pool);
    const startedAtMs = this.#options.clock.now();
    const request = new ClientRequest(connection, { head, timeouts: target.timeouts, startedAtMs }, handler);
    connection.begin(request);
    return request;
  }

  retire(endpoint: Endpoint): void {
    for (const pool of this.#poolsTo(endpointKey(endpoint))) {
      pool.retired = true;
      for (const connection of pool.idle) connection.destroy();
    }
  }

  close(): void {
    for (const connection of this.#owners.keys()) connection.destroy();
  }

  /** Idle connections to one endpoint, named as `endpointKey` does. */
  idleConnections(key: string): number {
    return this.#poolsTo(key).reduce((count, pool) => count + pool.idle.length, 0);
  }

  /** Endpoints something is kept for, counted once per identity: those with an open connection. */
  get poolCount(): number {
    return Array.from(this.#tlsPools.values()).reduce((count, pools) => count + pools.size, this.#pools.size);
  }

  #poolsTo(key: string): Pool[] {
    return [this.#pools, ...this.#tlsPools.values()].map((pools) => pools.get(key)).filter((pool) => pool !== undefined);
  }

  #poolFor({ key }: UpstreamTarget, transport: Transport): Pool | string {
    if (transport.tls === null) return this.#poolOf(this.#pools, key, null);
    const identity = this.#options.tls.find(transport.identity, transport.tls);
    if (typeof identity === 'string') return identity;
    const pools = this.#tlsPools.get(identity.key) ?? new Map<string, Pool>();
    this.#tlsPools.set(identity.key, pools);
    return this.#poolOf(pools, key, identity);
  }

  #poolOf(pools: Map<string, Pool>, key: string, identity: UpstreamTlsIdentity | null): Pool {
    let pool = pools.get(key);
    if (pool === undefined) {
      pool = { key, identity, idle: [], open: 0, retired: false };
      pools.set(key, pool);
    }
    return pool;
  }

  #open({ host, port }: Endpoint, pool: Pool): ClientConnection {
    const lookup = isIP(host) === 0 ? { lookup: this.#options.lookup } : {};
    const options = { host, port, noDelay: true, allowHalfOpen: true, keepAlive: true, ...lookup };
    const connection = pool.identity === null ? this.#connect(options) : this.#connectTls(options, pool.key, pool.identity);
    pool.open += 1;
    this.#owners.set(connection, pool);
    return connection;
  }

  #connect(options: TcpNetConnectOpts): ClientConnection {
    const { socket, source } = connectReading(options);
    return new ClientConnection(socket, source, this.#context);
  }

  #connectTls(options: TcpNetConnectOpts, key: string, identity: UpstreamTlsIdentity): ClientConnection {
    const { socket, source } = connectReadingTls({ ...options, ...identity.options(key, 'http/1.1') });
    // tls.connect does not hand these on.
    socket.once('connect', () => socket.setNoDelay(true).setKeepAlive(true));
    return new ClientConnection(socket, source, this.#context, (done) => identity.prepare(socket, key, done));
  }

  #takeIdle(pool: Pool): ClientConnection | null {
    for (let connection = pool.idle.pop(); connection !== undefined; connection = pool.idle.pop()) {
      this.#idleCount -= 1;
      // One that has just been closed is only forgotten with its close event.
      if (connection.usable) return connection;
    }
    return null;
  }

  #release(connection: ClientConnection, keepAliveMs: number | null): void {
    const pool = this.#owners.get(connection);
    const policy = this.#options.keepAlive();
    const now = this.#options.clock.now();
    const promisedMs = keepAliveMs === null ? Infinity : keepAliveMs - KEEP_ALIVE_MARGIN_MS;
    const idleMs = Math.min(policy.idleTimeoutMs, promisedMs, connection.openedAtMs + policy.maxAgeMs - now);
    const spent = connection.requests >= policy.requests || this.#idleCount >= policy.connections || idleMs <= 0;
    if (pool === undefined || spent || pool.retired) return connection.destroy();
    connection.keepUntil(now + idleMs);
    pool.idle.push(connection);
    this.#idleCount += 1;
  }

  #forget(connection: ClientConnection): void {
    const pool = this.#owners.get(connection);
    if (pool === undefined) return;
    this.#owners.delete(connection);
    pool.open -= 1;
    if (pool.open === 0) this.#drop(pool);
    const index = pool.idle.indexOf(connection);
    if (index === -1) return;
    pool.idle.splice(index, 1);
    this.#idleCount -= 1;
  }

  #drop({ key, identity }: Pool): void {
    if (identity === null) return void this.#pools.delete(key);
    const pools = this.#tlsPools.get(identity.key);
    pools?.delete(key);
    if (pools?.size === 0) this.#tlsPools.delete(identity.key);
  }
}
