import { at } from './candidates.ts';
import type { EndpointState } from './endpointState.ts';

/**
 * Smooth weighted round robin, as nginx does it: everybody earns its share in credit, the richest is chosen and pays
 * what all earned together. Picks of a heavy endpoint come spread out, not in a burst. O(n), no allocation.
 */
export function chooseSmooth(states: readonly EndpointState[], totalShare: number): EndpointState {
  const best = peekSmooth(states);
  for (const state of states) state.credit += state.share;
  best.credit -= totalShare;
  return best;
}

/** The endpoint `chooseSmooth` would choose. */
export function peekSmooth(states: readonly EndpointState[]): EndpointState {
  let best = at(states, 0);
  for (const state of states) if (state.credit + state.share > best.credit + best.share) best = state;
  return best;
}
