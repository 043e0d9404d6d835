import type { EndpointState } from './endpointState.ts';

/** Endpoints of which a policy chooses one. At least one; each with the `share` that counts now. */
export interface Candidates {
  readonly states: readonly EndpointState[];
  readonly totalShare: number;
  /** All shares are equal: policies then need no weighing. */
  readonly isUniform: boolean;
  /** Endpoints among those in the cluster that must not be chosen for this try. */
  readonly tried: readonly EndpointState[];
}

/** Nothing tried yet. */
export const NONE_TRIED: readonly EndpointState[] = [];

/** Candidates out of states whose `share` is up to date; those without a share are not among them. */
export function toCandidates(states: readonly EndpointState[], tried: readonly EndpointState[]): Candidates {
  const chosen = states.filter((state) => state.share > 0 && !tried.includes(state));
  let totalShare = 0;
  let isUniform = true;
  for (const state of chosen) {
    totalShare += state.share;
    if (state.share !== chosen[0]?.share) isUniform = false;
  }
  return { states: chosen, totalShare, isUniform, tried };
}

/** True when `state` is among the candidates, given that it is a ready endpoint of the cluster. */
export function isCandidate(candidates: Candidates, state: EndpointState): boolean {
  return state.share > 0 && (candidates.tried.length === 0 || !candidates.tried.includes(state));
}

/** One candidate at random, by share; not `except` if there is another. `x` is in 0 ≤ x < 1. */
export function drawByShare(candidates: Candidates, x: number, except: EndpointState | null): EndpointState {
  const { states } = candidates;
  let left = x * (candidates.totalShare - (except === null ? 0 : except.share));
  let last = at(states, 0);
  for (const state of states) {
    if (state === except) continue;
    last = state;
    left -= state.share;
    if (left < 0) return state;
  }
  return last;
}

/** Element of a non-empty array by an index that is known to be inside it. */
export function at(states: readonly EndpointState[], index: number): EndpointState {
  const state = states[index];
  if (state === undefined) throw new RangeError(`no candidate ${index} of ${states.length}`);
  return state;
}
