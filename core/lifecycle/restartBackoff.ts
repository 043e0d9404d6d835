/** How soon something that ended by itself is started again. Times are ms. */
export interface RestartPolicy {
  /** Wait before the second start in a row; doubles with every further one. The first start is immediate. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** What has lived this long is sound: its end counts as the first in a row. */
  readonly stableMs: number;
}

/** Ours: one crash costs no waiting, a crash loop costs at most one start every 5 s. */
export const RESTART_POLICY: RestartPolicy = { firstDelayMs: 100, maxDelayMs: 5_000, stableMs: 10_000 };

/** What planRestart answers: how long to wait, and the count to hand in the next time. */
export interface RestartPlan {
  readonly delayMs: number;
  /** Ends in a row, each sooner than `stableMs` after its start. */
  readonly endsInRow: number;
}

/** Plans the restart of something that has ended after `livedMs`; `endsInRow` is 0 or the last plan's count. */
export function planRestart(endsInRow: number, livedMs: number, policy: RestartPolicy = RESTART_POLICY): RestartPlan {
  const count = livedMs >= policy.stableMs ? 1 : endsInRow + 1;
  if (count === 1) return { delayMs: 0, endsInRow: count };
  return { delayMs: Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (count - 2)), endsInRow: count };
}
