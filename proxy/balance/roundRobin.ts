import { at, type Candidates } from './candidates.ts';
import type { EndpointState } from './endpointState.ts';
import type { Policy } from './policy.ts';
import { chooseSmooth, peekSmooth } from './smoothWeighted.ts';

/**
 * Smooth weighted round robin. Equal weights, the ordinary case, are a plain rotation, which gives the same order for a
 * fraction of the work; each worker starts at a random place, so that workers do not march in step.
 */
export function roundRobin(random: () => number): Policy {
  let position = -1;
  const next = (candidates: Candidates): number => (position + 1) % candidates.states.length;
  return {
    choose(candidates): EndpointState {
      const { states } = candidates;
      if (!candidates.isUniform) return chooseSmooth(states, candidates.totalShare);
      position = position === -1 ? Math.floor(random() * states.length) : next(candidates);
      return at(states, position);
    },
    peek(candidates): EndpointState {
      return candidates.isUniform ? at(candidates.states, next(candidates)) : peekSmooth(candidates.states);
    },
  };
}
