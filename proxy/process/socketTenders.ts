import type { WorkerSlotState } from './workerSlot.ts';

/**
 * Which slot accepts on each slot's sockets: itself, unless it has died. The kernel goes on sending a dead worker's
 * socket its share of connections (SO_REUSEPORT), so the next serving slot tends it until the replacement serves;
 * without that they would wait for the restart and, in a crash loop, for the backoff.
 */
export function planTenders(states: readonly WorkerSlotState[]): readonly number[] {
  return states.map((state, index) => state === 'down' ? nextServing(states, index) : index);
}

/** The first serving slot after `index`, in a ring; `index` itself when none serves. */
function nextServing(states: readonly WorkerSlotState[], index: number): number {
  for (let step = 1; step < states.length; step += 1) {
    const candidate = (index + step) % states.length;
    if (states[candidate] === 'serving') return candidate;
  }
  return index;
}
