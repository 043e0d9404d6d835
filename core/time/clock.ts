/** Monotonic time, ms. Everything that measures or waits takes one, so that tests can own time. */
export interface Clock {
  now(): number;
}

/** CLOCK_MONOTONIC: for times that other threads and processes of this machine are told; that of `performance` begins anew in each. */
export const monotonicClock: Clock = { now: () => Number(process.hrtime.bigint()) / 1e6 };

/** The process's monotonic clock. */
export const systemClock: Clock = { now: () => performance.now() };
