import { CONFIRMED_FOR_MS, type ConfirmationWriter } from './confirmation.ts';

/**
 * What a beat of the main thread has found: it runs as it should, and has confirmed so (`steady`); it was stopped or stuck
 * (`lapsed`, once); it has run again since, but not yet for long (`silent`); now it has (`settled`, once).
 */
export type Beat = 'steady' | 'lapsed' | 'silent' | 'settled';

/** The main thread's own watch on itself: it cannot tell that it is stopped, only that it was. */
export interface Pulse {
  /** To be called every 50 ms, and before anything is said. */
  beat(): Beat;
  /** True from `lapsed` until `settled`. */
  isSilent(): boolean;
}

/**
 * Ours: what others have said meanwhile lies in sockets, and that this node was taken for dead is told by the next probe (200 ms): by
 * then it is read and decided upon. A node that was silent for less than that is missed by nobody.
 */
export const SETTLE_MS = 500;

const CONFIRMED_FOR_NS = BigInt(CONFIRMED_FOR_MS) * 1_000_000n;
const SETTLE_NS = BigInt(SETTLE_MS) * 1_000_000n;

/** Confirms with every steady beat. Until the first, nothing is confirmed. */
export function createPulse(confirmation: ConfirmationWriter, nowNs: () => bigint): Pulse {
  /** Since when it has run without a long pause; null: it is not silent. */
  let silentSinceNs: bigint | null = null;
  let lastBeatNs = 0n;

  const beatAt = (now: bigint, sinceLast: bigint): Beat => {
    if (silentSinceNs === null && confirmation.hasLapsed(now)) {
      confirmation.revoke();
      silentSinceNs = now;
      return 'lapsed';
    }
    if (silentSinceNs !== null) {
      if (sinceLast >= CONFIRMED_FOR_NS) silentSinceNs = now;
      if (now - silentSinceNs < SETTLE_NS) return 'silent';
      silentSinceNs = null;
      return 'settled';
    }
    confirmation.confirm(now);
    return 'steady';
  };

  return {
    beat: () => {
      const now = nowNs();
      const sinceLast = now - lastBeatNs;
      lastBeatNs = now;
      return beatAt(now, sinceLast);
    },
    isSilent: () => silentSinceNs !== null,
  };
}
