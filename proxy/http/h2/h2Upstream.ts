import type { Endpoint } from '../../../core/ir/cluster.ts';
import type { Transport } from '../../../core/ir/transport.ts';
import { endpointKey } from '../../balance/endpointState.ts';
import type { H1UpstreamOptions } from '../h1/h1Upstream.ts';
import { refusedRequest } from '../refusedRequest.ts';
import type { Upstream, UpstreamHandler, UpstreamHead, UpstreamRequest, UpstreamTarget } from '../upstream.ts';
import type { UpstreamTlsIdentity } from '../upstreamTls.ts';
import type { UpstreamSessionContext } from './upstreamSession.ts';
import { UpstreamSessions } from './upstreamSessions.ts';
import { UpstreamStream } from './upstreamStream.ts';

/** The same that HTTP/1.1 needs; `responseLimits.requestLineBytes` says nothing here. */
export type H2UpstreamOptions = H1UpstreamOptions;

/** Key of the pools in clear text, which no identity has. */
const CLEARTEXT = '';

/**
 * HTTP/2 to backends (RFC 9113), many requests on one connection: with prior knowledge in clear text, or over TLS by ALPN.
 * Sessions are kept by `host:port` and TLS identity.
 */
export class H2Upstream implements Upstream {
  readonly #options: H2UpstreamOptions;
  readonly #context: UpstreamSessionContext;
  /** Key of a TLS identity → `host:port` → its sessions; gone with the last of them. */
  readonly #pools = new Map<string, Map<string, UpstreamSessions>>();

  constructor(options: H2UpstreamOptions) {
    this.#options = options;
    const { clock, deadlines, responseLimits, keepAlive, lookup } = options;
    this.#context = { clock, deadlines, limits: responseLimits, keepAlive, lookup, idle: { count: 0 } };
  }

  request(target: UpstreamTarget, head: UpstreamHead, handler: UpstreamHandler): UpstreamRequest {
    const identity = this.#identityOf(target.transport);
    if (typeof identity === 'string') return refusedRequest({ code: 'tlsFailed', detail: identity, sent: false }, handler);
    const { clock, deadlines, onFault } = this.#options;
    const sessions = this.#sessionsOf(target, identity);
    const scheme = identity === null ? 'http' : 'https';
    const stream = new UpstreamStream({ target, head, scheme }, handler, { clock, deadlines, onFault, sessions });
    sessions.add(stream);
    return stream;
  }

  retire(endpoint: Endpoint): void {
    for (const sessions of this.#poolsTo(endpointKey(endpoint))) sessions.retire();
  }

  close(): void {
    for (const pools of this.#pools.values()) for (const sessions of pools.values()) sessions.destroy();
  }

  /** Idle connections to one endpoint, named as `endpointKey` does. */
  idleConnections(key: string): number {
    return this.#poolsTo(key).reduce((count, sessions) => count + sessions.idleCount, 0);
  }

  /** Endpoints something is kept for, counted once per identity. */
  get poolCount(): number {
    return Array.from(this.#pools.values()).reduce((count, pools) => count + pools.size, 0);
  }

  #identityOf(transport: Transport | null): UpstreamTlsIdentity | string | null {
    if (transport === null || transport.tls === null) return null;
    return this.#options.tls.find(transport.identity, transport.tls);
  }

  #poolsTo(key: string): UpstreamSessions[] {
    return Array.from(this.#pools.values(), (pools) => pools.get(key)).filter((sessions) => sessions !== undefined);
  }

  #sessionsOf({ endpoint, key }: UpstreamTarget, identity: UpstreamTlsIdentity | null): UpstreamSessions {
    const name = identity?.key ?? CLEARTEXT;
    let pools = this.#pools.get(name);
    if (pools === undefined) {
      pools = new Map();
      this.#pools.set(name, pools);
    }
    let sessions = pools.get(key);
    if (sessions === undefined) {
      sessions = new UpstreamSessions({ endpoint, key, identity }, this.#context, (empty) => this.#drop(name, empty));
      pools.set(key, sessions);
    }
    return sessions;
  }

  #drop(name: string, empty: UpstreamSessions): void {
    const pools = this.#pools.get(name);
    if (pools?.get(empty.place.key) !== empty) return;
    pools.delete(empty.place.key);
    if (pools.size === 0) this.#pools.delete(name);
  }
}
