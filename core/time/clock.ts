/** Monotonic time, ms. Everything that measures or waits takes one, so that tests can own time. */
export interface Clock {
  now(): number;
}

/** The process's monotonic clock. */
export const systemClock: Clock = { now: () => performance.now() };
