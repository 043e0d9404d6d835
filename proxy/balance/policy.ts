import type { Clock } from '../../core/time/clock.ts';
import type { Candidates } from './candidates.ts';
import type { EndpointState } from './endpointState.ts';
import type { MaglevRing } from './maglevRing.ts';
import type { BalanceRequest } from './request.ts';

/** Chooses one of several endpoints. */
export interface Policy {
  /** The endpoint for one try, and the bookkeeping of having chosen it. */
  choose(candidates: Candidates, request: BalanceRequest): EndpointState;
  /** What `choose` would say, or for a random policy its likeliest answer; changes nothing. */
  peek(candidates: Candidates, request: BalanceRequest): EndpointState;
}

/** What policies need from outside. `random` gives x with 0 ≤ x < 1. */
export interface PolicyDependencies {
  readonly clock: Clock;
  readonly random: () => number;
  /** Consistent-hash table over the cluster's ready endpoints. */
  readonly ring: MaglevRing;
}
