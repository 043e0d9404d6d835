import type { Candidates } from './candidates.ts';
import type { EndpointState } from './endpointState.ts';
import type { Policy } from './policy.ts';
import { chooseSmooth, peekSmooth } from './smoothWeighted.ts';

/**
 * The fewest active requests per weight. Ties, which an idle cluster has all the time, go round by weight: otherwise
 * one request at a time would always meet the same endpoint.
 */
export function leastConnections(): Policy {
  const tied: EndpointState[] = [];
  return {
    choose(candidates): EndpointState {
      return chooseSmooth(tied, collectLeastLoaded(candidates, tied));
    },
    peek(candidates): EndpointState {
      collectLeastLoaded(candidates, tied);
      return peekSmooth(tied);
    },
  };
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
