/** Times of an election, ms; names (but renewPeriodMs), defaults and rules as client-go's LeaderElectionConfig. */
export interface ElectionTimings {
  /** How long others wait, by their own clocks, on a record that does not change before they take it. */
  readonly leaseDurationMs: number;
  /** How long one renewal is good for, counted from its start. The ratio of both is how unevenly clocks may run. */
  readonly renewDeadlineMs: number;
  /** Between two tries to take the Lease. */
  readonly retryPeriodMs: number;
  /** Between two renewals; client-go's is the retry period. */
  readonly renewPeriodMs: number;
  /** A try that has had no answer for so long is given up. Half the renew deadline leaves time for a second one. */
  readonly requestTimeoutMs: number;
  /** How long `stop` may take to release. */
  readonly releaseTimeoutMs: number;
}

/** Those of kube-controller-manager and most others; the request timeout as controller-runtime sets it, the release ours. */
export const DEFAULT_TIMINGS: ElectionTimings = {
  leaseDurationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryPeriodMs: 2_000,
  renewPeriodMs: 2_000,
  requestTimeoutMs: 5_000,
  releaseTimeoutMs: 3_000,
};

/** Candidates wait the retry period times 1 to this: they must not all ask at once. */
export const JITTER_FACTOR = 1.2;

/** Throws RangeError when the times cannot work together. */
export function checkTimings(timings: ElectionTimings): void {
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs, renewPeriodMs, requestTimeoutMs, releaseTimeoutMs } = timings;
  if (!(retryPeriodMs > 0)) throw new RangeError(`retryPeriodMs must be more than 0 (got ${retryPeriodMs})`);
  if (!(renewPeriodMs > 0)) throw new RangeError(`renewPeriodMs must be more than 0 (got ${renewPeriodMs})`);
  if (!(requestTimeoutMs > 0)) throw new RangeError(`requestTimeoutMs must be more than 0 (got ${requestTimeoutMs})`);
  if (!(releaseTimeoutMs >= 0)) throw new RangeError(`releaseTimeoutMs must not be negative (got ${releaseTimeoutMs})`);
  if (!(renewDeadlineMs > retryPeriodMs * JITTER_FACTOR)) {
    throw new RangeError(`renewDeadlineMs must be more than ${JITTER_FACTOR} times retryPeriodMs (got ${renewDeadlineMs} and ${retryPeriodMs})`);
  }
  if (!(renewDeadlineMs > renewPeriodMs * JITTER_FACTOR)) {
    throw new RangeError(`renewDeadlineMs must be more than ${JITTER_FACTOR} times renewPeriodMs (got ${renewDeadlineMs} and ${renewPeriodMs})`);
  }
  if (!(leaseDurationMs > renewDeadlineMs)) {
    throw new RangeError(`leaseDurationMs must be more than renewDeadlineMs (got ${leaseDurationMs} and ${renewDeadlineMs})`);
  }
}
