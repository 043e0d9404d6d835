import type { Clock } from './clock.ts';

/** A clock that stands still until it is moved: for tests. */
export interface ManualClock extends Clock {
  advance(ms: number): void;
}

/** A manual clock at `startMs`. */
export function createManualClock(startMs = 1_000): ManualClock {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    advance: (ms) => {
      nowMs += ms;
    },
  };
}
