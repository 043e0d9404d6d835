import { connect, isIP, type LookupFunction } from 'node:net';
import type { Endpoint } from '../../../core/ir/cluster.ts';
import type { UpstreamKeepAlive } from '../../../core/ir/settings.ts';
import type { Clock } from '../../../core/time/clock.ts';
import { endpointKey } from '../../balance/endpointState.ts';
import type { Deadlines } from '../../limits/deadlines.ts';
import type { RequestHead } from '../exchange.ts';
import type { Upstream, UpstreamHandler, UpstreamRequest, UpstreamTarget } from '../upstream.ts';
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
}

/** HTTP/1.1 connections to backends, idle ones kept by `host:port`, the one used last taken first. */
export class H1Upstream implements Upstream {
  readonly #options: H1UpstreamOptions;
  /** `host:port` → idle connections, oldest first. */
  readonly #idle = new Map<string, ClientConnection[]>();
  /** Every open connection → its `host:port`. */
  readonly #keys = new Map<ClientConnection, string>();
  readonly #retired = new Set<string>();
  #idleCount = 0;
  readonly #context: ClientConnectionContext;

  constructor(options: H1UpstreamOptions) {
    this.#options = options;
    this.#context = {
      clock: options.clock,
      deadlines: options.deadlines,
      limits: options.responseLimits,
      onIdle: (connection, keepAliveMs) => this.#release(connection, keepAliveMs),
      onClose: (connection) => this.#forget(connection),
    };
  }

  request(target: UpstreamTarget, head: RequestHead, handler: UpstreamHandler): UpstreamRequest {
    const key = endpointKey(target.endpoint);
    this.#retired.delete(key);
    const connection = (target.reuse ? this.#takeIdle(key) : null) ?? this.#open(target.endpoint, key);
    const startedAtMs = this.#options.clock.now();
    const request = new ClientRequest(connection, { head, timeouts: target.timeouts, startedAtMs }, handler);
    connection.begin(request);
    return request;
  }

  retire(endpoint: Endpoint): void {
    const key = endpointKey(endpoint);
    this.#retired.add(key);
    for (const connection of [...(this.#idle.get(key) ?? [])]) connection.destroy();
    if (![...this.#keys.values()].includes(key)) this.#retired.delete(key);
  }

  close(): void {
    for (const connection of [...this.#keys.keys()]) connection.destroy();
  }

  /** Idle connections to one endpoint, named as `endpointKey` does. */
  idleConnections(key: string): number {
    return this.#idle.get(key)?.length ?? 0;
  }

  #open(endpoint: Endpoint, key: string): ClientConnection {
    const { host, port } = endpoint;
    const lookup = isIP(host) === 0 ? { lookup: this.#options.lookup } : {};
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true, keepAlive: true, ...lookup });
    const connection = new ClientConnection(socket, this.#context);
    this.#keys.set(connection, key);
    return connection;
  }

  #takeIdle(key: string): ClientConnection | null {
    const idle = this.#idle.get(key);
    const connection = idle?.pop();
    if (idle === undefined || connection === undefined) return null;
    if (idle.length === 0) this.#idle.delete(key);
    this.#idleCount -= 1;
    return connection;
  }

  #release(connection: ClientConnection, keepAliveMs: number | null): void {
    const key = this.#keys.get(connection);
    const policy = this.#options.keepAlive();
    const now = this.#options.clock.now();
    const promisedMs = keepAliveMs === null ? Infinity : keepAliveMs - KEEP_ALIVE_MARGIN_MS;
    const idleMs = Math.min(policy.idleTimeoutMs, promisedMs, connection.openedAtMs + policy.maxAgeMs - now);
    const spent = connection.requests >= policy.requests || this.#idleCount >= policy.connections || idleMs <= 0;
    if (key === undefined || spent || this.#retired.has(key)) return connection.destroy();
    connection.keepUntil(now + idleMs);
    const idle = this.#idle.get(key);
    if (idle === undefined) this.#idle.set(key, [connection]);
    else idle.push(connection);
    this.#idleCount += 1;
  }

  #forget(connection: ClientConnection): void {
    const key = this.#keys.get(connection);
    this.#keys.delete(connection);
    const idle = key === undefined ? undefined : this.#idle.get(key);
    const index = idle?.indexOf(connection) ?? -1;
    if (key === undefined || idle === undefined || index === -1) return;
    idle.splice(index, 1);
    this.#idleCount -= 1;
    if (idle.length === 0) this.#idle.delete(key);
  }
}
