import type { Clock } from '../../core/time/clock.ts';
import { at, drawByShare, type Candidates } from './candidates.ts';
import type { EndpointState } from './endpointState.ts';
import { currentLatency } from './latency.ts';
import type { Policy } from './policy.ts';

/** Latency assumed where nothing, or next to nothing, has been measured, ms: the active count then decides alone. */
const LEAST_LATENCY_MS = 0.1;

/**
 * Peak EWMA with two choices: of two endpoints drawn by weight the one with the smaller product of latency and load.
 * Drawing by weight and comparing without it keeps equal endpoints at shares that are exactly their weights.
 */
export function ewma(clock: Clock, random: () => number): Policy {
  return {
    choose(candidates): EndpointState {
      if (candidates.states.length === 1) return at(candidates.states, 0);
      const first = draw(candidates, random(), null);
      const second = draw(candidates, random(), first);
      const nowMs = clock.now();
      return cost(second, candidates, nowMs) < cost(first, candidates, nowMs) ? second : first;
    },
    peek(candidates): EndpointState {
      const nowMs = clock.now();
      let best = at(candidates.states, 0);
      for (const state of candidates.states) {
        if (cost(state, candidates, nowMs) < cost(best, candidates, nowMs)) best = state;
      }
      return best;
    },
  };
}

function draw(candidates: Candidates, x: number, except: EndpointState | null): EndpointState {
  if (!candidates.isUniform) return drawByShare(candidates, x, except);
  const { states } = candidates;
  if (except === null) return at(states, Math.floor(x * states.length));
  // One place fewer; the place of `except` is taken by the last.
  const drawn = at(states, Math.floor(x * (states.length - 1)));
  return drawn === except ? at(states, states.length - 1) : drawn;
}

/** Expected wait: latency times the requests in front, those counted against the endpoint's share of the mean. */
function cost(state: EndpointState, candidates: Candidates, nowMs: number): number {
  const meanShare = candidates.totalShare / candidates.states.length;
  const queue = 1 + state.active * (meanShare / state.share);
  return Math.max(currentLatency(state.latency, nowMs), LEAST_LATENCY_MS) * queue;
}
