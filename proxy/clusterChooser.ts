import type { Cluster, CookieAffinity } from '../core/ir/cluster.ts';
import type { Transport } from '../core/ir/transport.ts';
import { printAffinityCookie } from './balance/affinityCookie.ts';
import type { ClusterState } from './balance/clusterState.ts';
import type { EndpointState } from './balance/endpointState.ts';
import type { BalanceRequest } from './balance/request.ts';
import type { ChosenEndpoint, EndpointChooser } from './forward/forwarding.ts';

/** What a choice depends on besides the cluster. */
export interface ClusterChooserOptions {
  /** Affinity that counts for this request; null: none. */
  readonly affinity: CookieAffinity | null;
  readonly balance: BalanceRequest;
  /** Path of the route that matched, for the cookie. */
  readonly routePath: string;
  readonly onEjected: (cluster: Cluster) => void;
}

/** One request's view of its cluster: chooses endpoints and reports how they did. */
export class ClusterChooser implements EndpointChooser {
  readonly #cluster: ClusterState;
  readonly #options: ClusterChooserOptions;

  constructor(cluster: ClusterState, options: ClusterChooserOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  get readyCount(): number {
    return this.#cluster.readyCount;
  }

  get transport(): Transport | null {
    return this.#cluster.cluster.transport ?? null;
  }

  choose(tried: readonly EndpointState[]): ChosenEndpoint | null {
    const { affinity, balance } = this.#options;
    const choice = this.#cluster.choose(balance, affinity, tried);
    if (choice === null) return null;
    const { target, cookieValue } = choice;
    return { target, setCookie: affinity === null || cookieValue === null ? null : this.#cookie(affinity, cookieValue) };
  }

  started(target: EndpointState): void {
    this.#cluster.started(target);
  }

  finished(target: EndpointState, latencyMs: number | null): void {
    this.#cluster.finished(target, latencyMs);
  }

  connectSucceeded(target: EndpointState): void {
    this.#cluster.connectSucceeded(target);
  }

  connectFailed(target: EndpointState): void {
    if (this.#cluster.connectFailed(target)) this.#options.onEjected(this.#cluster.cluster);
  }

  #cookie(affinity: CookieAffinity, value: string): string | null {
    const { balance, routePath } = this.#options;
    const isHttps = balance.scheme === 'https';
    return printAffinityCookie(affinity, value, { routePath, isHttps, userAgent: balance.header('user-agent'), epochMs: Date.now() });
  }
}
