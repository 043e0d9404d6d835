import type { Clock } from '../../../../core/time/clock.ts';
import { fullBucket, isFull, takeToken, tokenWaitMs, type TokenRate } from '../../../../core/time/tokenBucket.ts';

/** How often somebody connects. */
export interface ConnectPace {
  /** It has connected. Answers how long it is to be held back, in ms; null: not at all. */
  connected(): number | null;
  /** True when all is as if it had never connected. */
  isRested(): boolean;
}

/** Ours: connections that may come at once; of a peer two are in use at most, and one that is held back after a session tries again for a while. */
export const CONNECT_BURST = 32;
/** Ours: routers that wait for a session try once a second at most. */
export const CONNECTS_PER_S = 2;

const RATE: TokenRate = { burst: CONNECT_BURST, refillMs: 1_000 / CONNECTS_PER_S };

/** Counts connections of one caller. */
export function createConnectPace(clock: Clock): ConnectPace {
  let bucket = fullBucket(RATE, clock.now());
  return {
    connected: () => {
      const nowMs = clock.now();
      bucket = takeToken(bucket, RATE, nowMs) ?? { tokens: 0, atMs: nowMs };
      const waitMs = tokenWaitMs(bucket, RATE, nowMs);
      return waitMs === 0 ? null : Math.ceil(waitMs);
    },
    isRested: () => isFull(bucket, RATE, clock.now()),
  };
}
