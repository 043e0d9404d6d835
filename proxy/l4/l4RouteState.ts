import type { ClusterKey } from '../../core/ir/cluster.ts';
import type { L4Route } from '../../core/ir/l4.ts';
import type { Clock } from '../../core/time/clock.ts';
import type { ClusterState } from '../balance/clusterState.ts';
import type { EndpointState } from '../balance/endpointState.ts';
import type { BalanceRequest } from '../balance/request.ts';
import { hash32 } from '../../core/balance/hash32.ts';
import { compileRanges, type AddressTest } from './addressRanges.ts';
import { ClientPins } from './clientPins.ts';
import type { L4Pick } from './l4Pick.ts';

export interface L4RouteDependencies {
  readonly clusters: { get(key: ClusterKey): ClusterState | undefined };
  readonly clock: Clock;
  /** Gives x with 0 ≤ x < 1. */
  readonly random: () => number;
}

/** Another one than Maglev's, so that a client's target and its endpoint there do not depend on each other. */
const DRAW_SEED = 0x64726177;
const HASH_RANGE = 2 ** 32;

const NONE_TRIED: readonly EndpointState[] = [];

/**
 * One L4 route in one worker: who may use it, and which endpoint is next. Outlives changes of its route, and what was open
 * before a change stays as it is.
 */
export class L4RouteState {
  readonly #dependencies: L4RouteDependencies;
  #route: L4Route;
  #admits: AddressTest | null = null;
  #trusts: AddressTest | null = null;
  #totalWeight = 0;
  // Made when first needed: of thousands of routes most are idle.
  #pins: ClientPins | null = null;
  /** Open connections or sessions. */
  open = 0;
  /** Payload from and to clients since the route came, live connections included; octets. */
  receivedBytes = 0;
  sentBytes = 0;

  constructor(route: L4Route, dependencies: L4RouteDependencies) {
    this.#dependencies = dependencies;
    this.#route = route;
    this.update(route);
  }

  get route(): L4Route {
    return this.#route;
  }

  get isFull(): boolean {
    return this.open >= this.#route.maxConnections;
  }

  update(route: L4Route): void {
    this.#route = route;
    this.#admits = route.sourceRanges === null ? null : compileRanges(route.sourceRanges);
    this.#trusts = route.acceptProxyProtocol === null ? null : compileRanges(route.acceptProxyProtocol.trustedCidrs);
    this.#totalWeight = route.targets.reduce((total, { weight }) => total + weight, 0);
    if (route.affinityTimeoutMs === null) this.#pins = null;
  }

  /** A client of this address may use the route. */
  admits(address: string): boolean {
    return this.#admits === null || this.#admits(address);
  }

  /** A peer of this address sends a PROXY header first. */
  trusts(address: string): boolean {
    return this.#trusts !== null && this.#trusts(address);
  }

  /**
   * An endpoint for a new connection of the client; null when there is none. As HTTP routes do (chooseCluster): without a ready
   * endpoint of the primary nothing is taken, a canary without one leaves its share to the primary. A kept endpoint
   * stands above the draw while it is ready and its target's weight is not 0.
   */
  choose(address: string): L4Pick | null {
    const primary = this.#clusterAt(0);
    if (primary === null) return null;
    return this.#pinned(address) ?? this.chooseIn(this.#draw(primary, address), address, NONE_TRIED);
  }

  /** An endpoint of `cluster` other than those `tried`. */
  chooseIn(cluster: ClusterState, address: string, tried: readonly EndpointState[]): L4Pick | null {
    const choice = cluster.choose(new L4BalanceRequest(address), null, tried);
    return choice === null ? null : { cluster, target: choice.target };
  }

  /** The client's connection was given to `pick`; followed by one `left`. */
  entered(address: string, pick: L4Pick): void {
    pick.cluster.started(pick.target);
    if (this.#route.affinityTimeoutMs === null) return;
    this.#pins ??= new ClientPins(this.#dependencies.clock);
    this.#pins.opened(address, pick);
  }

  /** `hasFailed`: the endpoint could not be reached, and the client need not keep it. */
  left(address: string, pick: L4Pick, hasFailed: boolean): void {
    pick.cluster.finished(pick.target, null);
    if (hasFailed) this.#pins?.forget(address, pick);
    else this.#pins?.closed(address, pick);
  }

  /** The endpoint is still one of its cluster; a terminating one is. */
  isMember(pick: L4Pick): boolean {
    return !pick.target.hasLeft && this.#dependencies.clusters.get(pick.cluster.cluster.key) === pick.cluster;
  }

  #pinned(address: string): L4Pick | null {
    const timeoutMs = this.#route.affinityTimeoutMs;
    if (timeoutMs === null || this.#pins === null) return null;
    const pick = this.#pins.get(address, timeoutMs);
    if (pick === null || pick.target.share === 0 || pick.target.endpoint.state !== 'ready' || !this.isMember(pick)) return null;
    const { key } = pick.cluster.cluster;
    return this.#route.targets.some(({ cluster, weight }) => cluster === key && weight > 0) ? pick : null;
  }

  #draw(primary: ClusterState, address: string): ClusterState {
    const { targets } = this.#route;
    if (targets.length === 1) return primary;
    // Clients that keep their endpoint draw the same in every worker.
    const isSticky = this.#route.affinityTimeoutMs !== null;
    const drawn = isSticky ? hash32(address, DRAW_SEED) / HASH_RANGE : this.#dependencies.random();
    let left = drawn * this.#totalWeight;
    for (const [index, { weight }] of targets.entries()) {
      left -= weight;
      if (left < 0) return this.#clusterAt(index) ?? primary;
    }
    return primary;
  }

  /** Null when the target does not exist or has no ready endpoint. */
  #clusterAt(index: number): ClusterState | null {
    const target = this.#route.targets[index];
    const cluster = target === undefined ? undefined : this.#dependencies.clusters.get(target.cluster);
    return cluster?.isAvailable === true ? cluster : null;
  }
}

/** What a balancing policy may ask about a connection: its client's address, and nothing that HTTP has. */
class L4BalanceRequest implements BalanceRequest {
  readonly method = '';
  readonly scheme = 'http';
  readonly host = '';
  readonly target = '';
  readonly remoteAddress: string;

  constructor(remoteAddress: string) {
    this.remoteAddress = remoteAddress;
  }

  header(): undefined {}

  cookie(): undefined {}
}
