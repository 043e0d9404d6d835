import { isDeepStrictEqual } from 'node:util';
import type { Cluster, CookieAffinity } from '../../core/ir/cluster.ts';
import type { EndpointView } from '../../core/ipc/views.ts';
import type { Clock } from '../../core/time/clock.ts';
import { clusterAffinityHash } from './affinityCookie.ts';
import { NONE_TRIED, toCandidates, type Candidates } from './candidates.ts';
import { createPolicy } from './createPolicy.ts';
import { describeChoice, type ChoiceDescription } from './describeChoice.ts';
import { healthShare, isEjected, noteConnectFailure, noteConnectSuccess } from './ejection.ts';
import { endpointKey, newEndpointState, type Choice, type EndpointState } from './endpointState.ts';
import { currentLatency, noteLatency } from './latency.ts';
import { MaglevRing } from './maglevRing.ts';
import type { Policy } from './policy.ts';
import type { BalanceRequest } from './request.ts';
import { Sessions } from './sessions.ts';

/** How often the weights of returning endpoints are brought up to date, ms. */
const RETURN_STEP_MS = 100;
const SETTLED = Number.POSITIVE_INFINITY;
const STALE = Number.NEGATIVE_INFINITY;

/** Live state of one endpoint as one worker sees it; the proxy process adds workers and upstream pools together. */
export interface WorkerEndpointView extends Omit<EndpointView, 'idleConnections' | 'ejectedBy'> {
  readonly isEjected: boolean;
  /** Weight that counts now: less than `weight` while the endpoint returns from an ejection. */
  readonly share: number;
  /** Peak EWMA of latency, ms; 0 when the policy does not measure it. */
  readonly latencyMs: number;
}

/** Clock for ejections and latencies; `random` gives x with 0 ≤ x < 1. */
export interface BalanceDependencies {
  readonly clock: Clock;
  readonly random: () => number;
}

/**
 * One cluster in one worker: which endpoint takes the next request. Keeps what it knows of an endpoint by `host:port`
 * across updates. Only ready endpoints are chosen; a session at a terminating one moves.
 */
export class ClusterState {
  readonly #dependencies: BalanceDependencies;
  readonly #ring = new MaglevRing();
  /** host:port → state, those that left but still have requests included. */
  readonly #byKey = new Map<string, EndpointState>();
  #cluster: Cluster;
  // Made when first needed: of ten thousand clusters most are idle, and every worker has them all.
  #affinityHash: string | null = null;
  #sessions: Sessions | null = null;
  #policy: Policy | null = null;
  #ready: readonly EndpointState[] = [];
  #candidates: Candidates = toCandidates([], NONE_TRIED);
  /** When shares are to be worked out again: never while no endpoint is ejected or returning. */
  #validUntilMs = STALE;

  constructor(cluster: Cluster, dependencies: BalanceDependencies) {
    this.#dependencies = dependencies;
    this.#cluster = cluster;
    this.#setEndpoints(cluster);
  }

  /** As the snapshot has it. */
  get cluster(): Cluster {
    return this.#cluster;
  }

  /** It has a ready endpoint, ejected or not. */
  get isAvailable(): boolean {
    return this.#ready.length > 0;
  }

  /** Ready endpoints, ejected ones included. */
  get readyCount(): number {
    return this.#ready.length;
  }

  get affinity(): CookieAffinity | null {
    return this.#cluster.affinity;
  }

  /** Second part of the affinity cookies of this cluster. */
  get affinityHash(): string {
    return (this.#affinityHash ??= clusterAffinityHash(this.#cluster));
  }

  /** Takes over a changed cluster of the same key. */
  update(cluster: Cluster): void {
    const old = this.#cluster;
    this.#cluster = cluster;
    if (!isDeepStrictEqual(old.balance, cluster.balance)) this.#policy = null;
    if (!isDeepStrictEqual(old.endpoints, cluster.endpoints)) this.#setEndpoints(cluster);
  }

  /**
   * An endpoint for one try, or null when there is none (503), or none left beside those `tried` (give up). Ejected
   * endpoints are left out unless nothing else remains. `affinity` is that of the cluster choice's `affinityFrom`.
   */
  choose(
    request: BalanceRequest,
    affinity: CookieAffinity | null,
    tried: readonly EndpointState[] = NONE_TRIED,
  ): Choice | null {
    const candidates = this.#candidatesWithout(tried);
    if (candidates.states.length === 0) return this.#lastResort(tried);
    const policy = this.#currentPolicy();
    if (affinity === null) return policy.choose(candidates, request).plainChoice;
    return this.#currentSessions().choose(affinity, candidates, request, policy);
  }

  /** A try was sent to the endpoint. Each call is followed by one of `finished`. */
  started(target: EndpointState): void {
    target.active += 1;
  }

  /** The try is over. `latencyMs`: from start to response head; null when none came, which says nothing of speed. */
  finished(target: EndpointState, latencyMs: number | null): void {
    target.active = Math.max(target.active - 1, 0);
    if (target.active === 0 && target.hasLeft && this.#byKey.get(target.key) === target) this.#byKey.delete(target.key);
    if (latencyMs === null || this.#cluster.balance.type !== 'ewma') return;
    noteLatency(target.latency, latencyMs, this.#dependencies.clock.now());
  }

  /** The endpoint could not be connected to; true when this ejects it. */
  connectFailed(target: EndpointState): boolean {
    const ejects = noteConnectFailure(target.health, this.#dependencies.clock.now());
    if (ejects) this.#validUntilMs = STALE;
    return ejects;
  }

  /** A new connection to the endpoint was made. */
  connectSucceeded(target: EndpointState): void {
    // Nearly every call: nothing was ever wrong, and the clock need not be asked.
    if (target.health.failures === 0 && target.health.ejections === 0) return;
    if (noteConnectSuccess(target.health, this.#dependencies.clock.now())) this.#validUntilMs = STALE;
  }

  /** Every endpoint of the cluster, in the snapshot's order. */
  views(): WorkerEndpointView[] {
    const nowMs = this.#dependencies.clock.now();
    return Array.from(this.#members(), (state) => ({
      cluster: this.#cluster.key,
      endpoint: state.key,
      state: state.endpoint.state,
      weight: state.endpoint.weight,
      activeRequests: state.active,
      isEjected: isEjected(state.health, nowMs),
      share: state.endpoint.state === 'ready' ? state.endpoint.weight * healthShare(state.health, nowMs) : 0,
      latencyMs: currentLatency(state.latency, nowMs),
    }));
  }

  /** What `choose` would do with a request, in words; counts nothing, moves nothing. */
  describe(request: BalanceRequest, affinity: CookieAffinity | null): ChoiceDescription {
    return describeChoice({
      cluster: this.#cluster,
      candidates: this.#candidatesWithout(NONE_TRIED),
      readyCount: this.#ready.length,
      policy: this.#currentPolicy(),
      sessions: this.#currentSessions(),
      affinity,
      request,
    });
  }

  #currentPolicy(): Policy {
    return (this.#policy ??= createPolicy(this.#cluster.balance, { ...this.#dependencies, ring: this.#ring }));
  }

  #currentSessions(): Sessions {
    if (this.#sessions === null) {
      const { random } = this.#dependencies;
      this.#sessions = new Sessions({ clusterHash: this.affinityHash, ring: this.#ring, random });
      this.#sessions.setMembers(this.#ready);
    }
    return this.#sessions;
  }

  #setEndpoints(cluster: Cluster): void {
    const members = new Set(cluster.endpoints.map((endpoint) => this.#takeOver(endpoint)));
    for (const state of this.#byKey.values()) {
      if (members.has(state)) continue;
      state.hasLeft = true;
      if (state.active === 0) this.#byKey.delete(state.key);
    }
    this.#ready = [...members].filter((state) => state.endpoint.state === 'ready');
    this.#ring.setMembers(this.#ready);
    this.#sessions?.setMembers(this.#ready);
    this.#validUntilMs = STALE;
  }

  #takeOver(endpoint: Cluster['endpoints'][number]): EndpointState {
    const known = this.#byKey.get(endpointKey(endpoint));
    if (known !== undefined) {
      known.endpoint = endpoint;
      known.hasLeft = false;
      return known;
    }
    const state = newEndpointState(endpoint);
    // As fast as the others are on average: an endpoint that looks infinitely fast would get everything at first.
    state.latency.averageMs = this.#meanLatency();
    state.latency.atMs = this.#dependencies.clock.now();
    this.#byKey.set(state.key, state);
    return state;
  }

  #meanLatency(): number {
    const nowMs = this.#dependencies.clock.now();
    const sum = this.#ready.reduce((total, state) => total + currentLatency(state.latency, nowMs), 0);
    return this.#ready.length === 0 ? 0 : sum / this.#ready.length;
  }

  #members(): Set<EndpointState> {
    return new Set(this.#cluster.endpoints.flatMap((endpoint) => this.#byKey.get(endpointKey(endpoint)) ?? []));
  }

  #candidatesWithout(tried: readonly EndpointState[]): Candidates {
    if (this.#validUntilMs !== SETTLED) this.#refresh(this.#dependencies.clock.now());
    return tried.length === 0 ? this.#candidates : toCandidates(this.#ready, tried);
  }

  #refresh(nowMs: number): void {
    if (nowMs < this.#validUntilMs) return;
    let validUntilMs = SETTLED;
    let isAnyIn = false;
    for (const state of this.#ready) {
      const part = healthShare(state.health, nowMs);
      state.share = state.endpoint.weight * part;
      isAnyIn ||= part > 0;
      if (part === 0) validUntilMs = Math.min(validUntilMs, state.health.ejectedUntilMs);
      else if (part < 1) validUntilMs = Math.min(validUntilMs, nowMs + RETURN_STEP_MS);
    }
    // All are out: then none is, since refusing every request cannot be better than trying.
    if (!isAnyIn) for (const state of this.#ready) state.share = state.endpoint.weight;
    this.#candidates = toCandidates(this.#ready, NONE_TRIED);
    this.#validUntilMs = validUntilMs;
  }

  /** Everything that is not ejected has been tried: the ejected one that would be back first, or nothing. */
  #lastResort(tried: readonly EndpointState[]): Choice | null {
    let first: EndpointState | null = null;
    for (const state of this.#ready) {
      if (tried.includes(state)) continue;
      if (first === null || state.health.ejectedUntilMs < first.health.ejectedUntilMs) first = state;
    }
    return first === null ? null : first.plainChoice;
  }
}
