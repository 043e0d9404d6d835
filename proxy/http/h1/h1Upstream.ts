import { isIP, type LookupFunction } from 'node:net';
import type { Endpoint } from '../../../core/ir/cluster.ts';
import type { UpstreamKeepAlive } from '../../../core/ir/settings.ts';
import type { Clock } from '../../../core/time/clock.ts';
import { endpointKey } from '../../balance/endpointState.ts';
import type { Deadlines } from '../../limits/deadlines.ts';
import { connectReading } from '../octetSource.ts';
import type { Upstream, UpstreamHandler, UpstreamHead, UpstreamRequest, UpstreamTarget } from '../upstream.ts';
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
  /** Something threw that never should. */
  readonly onFault: (fault: unknown) => void;
}

/** All connections to one `host:port`. */
interface Pool {
  /** Oldest first. */
  readonly idle: ClientConnection[];
  /** Idle, busy and tunnels. */
  open: number;
  /** The endpoint is no longer asked for: nothing is kept. */
  retired: boolean;
}

/** HTTP/1.1 connections to backends, idle ones kept by `host:port`, the one used last taken first. */
export class H1Upstream implements Upstream {
  readonly #options: H1UpstreamOptions;
  /** `host:port` → its connections; gone with the last of them. */
  readonly #pools = new Map<string, Pool>();
  /** Every open connection → its `host:port`. */
  readonly #keys = new Map<ClientConnection, string>();
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
    const { key } = target;
    const pool = this.#poolOf(key);
    pool.retired = false;
    const connection = (target.reuse ? this.#takeIdle(pool) : null) ?? this.#open(target.endpoint, key, pool);
    const startedAtMs = this.#options.clock.now();
    const request = new ClientRequest(connection, { head, timeouts: target.timeouts, startedAtMs }, handler);
    connection.begin(request);
    return request;
  }

  retire(endpoint: Endpoint): void {
    const pool = this.#pools.get(endpointKey(endpoint));
    if (pool === undefined) return;
    pool.retired = true;
    for (const connection of pool.idle) connection.destroy();
  }

  close(): void {
    for (const connection of this.#keys.keys()) connection.destroy();
  }

  /** Idle connections to one endpoint, named as `endpointKey` does. */
  idleConnections(key: string): number {
    return this.#pools.get(key)?.idle.length ?? 0;
  }

  /** Endpoints something is kept for: those with an open connection. */
  get poolCount(): number {
    return this.#pools.size;
  }

  #poolOf(key: string): Pool {
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      pool = { idle: [], open: 0, retired: false };
      this.#pools.set(key, pool);
    }
    return pool;
  }

  #open(endpoint: Endpoint, key: string, pool: Pool): ClientConnection {
    const { host, port } = endpoint;
    const lookup = isIP(host) === 0 ? { lookup: this.#options.lookup } : {};
    const options = { host, port, noDelay: true, allowHalfOpen: true, keepAlive: true, ...lookup };
    const { socket, source } = connectReading(options);
    const connection = new ClientConnection(socket, source, this.#context);
    pool.open += 1;
    this.#keys.set(connection, key);
    return connection;
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
    const pool = this.#pools.get(this.#keys.get(connection) ?? '');
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
    const key = this.#keys.get(connection);
    const pool = key === undefined ? undefined : this.#pools.get(key);
    if (key === undefined || pool === undefined) return;
    this.#keys.delete(connection);
    pool.open -= 1;
    if (pool.open === 0) this.#pools.delete(key);
    const index = pool.idle.indexOf(connection);
    if (index === -1) return;
    pool.idle.splice(index, 1);
    this.#idleCount -= 1;
  }
}
