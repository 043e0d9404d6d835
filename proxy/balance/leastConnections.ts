import { at, type Candidates } from './candidates.ts';
import type { EndpointState } from './endpointState.ts';
import type { Policy } from './policy.ts';
import { chooseSmooth, peekSmooth } from './smoothWeighted.ts';

/**
 * The fewest active requests per weight. Ties, which an idle cluster has all the time, go round by weight: otherwise
 * one request at a time would always meet the same endpoint. Equal weights need no credits for that, only a place to
 * go on from, and the search can end at the first idle endpoint.
 */
export function leastConnections(): Policy {
  const tied: EndpointState[] = [];
  let position = -1;
  return {
    choose(candidates): EndpointState {
      if (!candidates.isUniform) return chooseSmooth(tied, collectLeastLoaded(candidates, tied));
      position = leastLoadedAfter(candidates.states, position);
      return at(candidates.states, position);
    },
    peek(candidates): EndpointState {
      if (candidates.isUniform) return at(candidates.states, leastLoadedAfter(candidates.states, position));
      collectLeastLoaded(candidates, tied);
      return peekSmooth(tied);
    },
  };
}

/** Index of the first of the least loaded behind `position`, going round. */
function leastLoadedAfter(states: readonly EndpointState[], position: number): number {
  const { length } = states;
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let offset = 1; offset <= length && least > 0; offset += 1) {
    const index = (position + offset) % length;
    const { active } = at(states, index);
    if (active >= least) continue;
    least = active;
    best = index;
  }
  return best;
}

/** Leaves the least loaded in `tied` and gives their shares together. The array is reused: this runs per request. */
function collectLeastLoaded(candidates: Candidates, tied: EndpointState[]): number {
  let least = Number.POSITIVE_INFINITY;
  let totalShare = 0;
  for (const state of candidates.states) {
    const load = state.active / state.share;
    if (load > least) continue;
    if (load < least) {
      tied.length = 0;
      totalShare = 0;
      least = load;
    }
    tied.push(state);
    totalShare += state.share;
  }
  return totalShare;
}
