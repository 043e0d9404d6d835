import { ANY_HOST, lookupHost, type HostPattern } from '../../core/net/hostPattern.ts';
import type { MapDelta } from '../../core/ir/snapshot.ts';
import type { VirtualHost } from '../../core/ir/virtualHost.ts';
import type { ClientAuthPolicy } from '../tls/clientAuthPolicy.ts';
import { compileHost, matchPath } from './hostRoutes.ts';
import type { CompiledRoute, CompileRoute, HostRoutes, NoPath } from './hostRoutes.ts';

/** No virtual host takes the host name, and there is none for every host. */
export interface NoHost {
  readonly type: 'noHost';
}

/** Where a request goes by host and path. */
export type RouteMatch<State> = CompiledRoute<State> | NoPath | NoHost;

const NO_HOST: NoHost = { type: 'noHost' };

/**
 * Finds the route of a request. Compiled when the configuration changes, host by host; a match costs a look-up per host
 * form (at most three) and per element of the host's deepest prefix, however many hosts and routes there are.
 */
export class RouteTable<State> {
  readonly #compile: CompileRoute<State>;
  /** host pattern → its compiled routes. */
  readonly #hosts = new Map<HostPattern, HostRoutes<State>>();
  /** Hosts that ask for client certificates: mostly none, and then no request is asked about. */
  #askingHosts = 0;

  /** `compile` derives what the owner wants to keep beside each route. */
  constructor(compile: CompileRoute<State>) {
    this.#compile = compile;
  }

  /** Takes over the changed hosts; hosts and routes that are not named or not different keep their compiled objects. */
  apply(delta: MapDelta<HostPattern, VirtualHost>): void {
    for (const host of delta.remove) this.#set(host, undefined);
    for (const [host, virtualHost] of delta.upsert) {
      this.#set(host, compileHost(virtualHost, this.#hosts.get(host), this.#compile));
    }
  }

  /** True when a virtual host has exactly this name. */
  has(host: HostPattern): boolean {
    return this.#hosts.has(host);
  }

  /** Number of virtual hosts. */
  get size(): number {
    return this.#hosts.size;
  }

  /**
   * The route for `host` (lower case, no port; empty when the client named none) and `path` (from `normalizePath`).
   * Exact host, then one-label wildcard, then `*`; a host that is defined does not fall through for paths it lacks.
   */
  match(host: string, path: string): RouteMatch<State> {
    const routes = this.#find(host);
    return routes === undefined ? NO_HOST : matchPath(routes, path);
  }

  /**
   * What the virtual host for `host` asks of clients' certificates, found as `match` finds it: the most specific host decides
   * alone, whatever a wildcard above it asks. Null host: the client names none, and only `*` can ask. Null: nothing is asked.
   */
  clientAuthFor(host: string | null): ClientAuthPolicy | null {
    if (this.#askingHosts === 0) return null;
    return (host === null ? this.#hosts.get(ANY_HOST) : this.#find(host))?.clientAuth ?? null;
  }

  #find(host: string): HostRoutes<State> | undefined {
    return lookupHost(this.#hosts, host) ?? this.#hosts.get(ANY_HOST);
  }

  #set(host: HostPattern, routes: HostRoutes<State> | undefined): void {
    if ((this.#hosts.get(host)?.clientAuth ?? null) !== null) this.#askingHosts -= 1;
    if ((routes?.clientAuth ?? null) !== null) this.#askingHosts += 1;
    if (routes === undefined) this.#hosts.delete(host);
    else this.#hosts.set(host, routes);
  }
}
