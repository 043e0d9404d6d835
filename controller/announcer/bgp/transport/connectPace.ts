import type { Clock } from '../../../../core/time/clock.ts';

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

/** A bucket of `CONNECT_BURST` connections that fills by `CONNECTS_PER_S`. */
export function createConnectPace(clock: Clock): ConnectPace {
  let level = CONNECT_BURST;
  let filledMs = clock.now();
  const fill = (): void => {
    const nowMs = clock.now();
    level = Math.min(CONNECT_BURST, level + ((nowMs - filledMs) * CONNECTS_PER_S) / 1_000);
    filledMs = nowMs;
  };
  return {
    connected: () => {
      fill();
      level = Math.max(0, level - 1);
      return level >= 1 ? null : Math.ceil(((1 - level) * 1_000) / CONNECTS_PER_S);
    },
    isRested: () => {
      fill();
      return level >= CONNECT_BURST;
    },
  };
}
