import type { Clock } from '../../../../core/time/clock.ts';

/**
 * Ours: octets per second that one peer may have us look at for long: a full table of a million prefixes takes less than a minute, and a
 * stream of the shortest messages a small part of one core.
 */
export const READ_RATE_BYTES_PER_S = 1 << 20;
/** Ours: what it may send at once beyond that. */
export const READ_BURST_BYTES = 1 << 20;
/**
 * Node.js reads into chunks of 64 KiB, many of them in one turn of the event loop while they are full. One is taken per turn, so that
 * others come in between.
 */
export const FULL_CHUNK_BYTES = 64 * 1024;

/** How fast one connection is read. */
export interface ReadPace {
  /** Tells that a chunk was taken; answers how long nothing is to be read now, in ms: 0 until the next turn; null: not at all. */
  taken(octets: number): number | null;
}

/** A bucket of `READ_BURST_BYTES` that fills at `READ_RATE_BYTES_PER_S`. */
export function createReadPace(clock: Clock): ReadPace {
  let level = READ_BURST_BYTES;
  let filledMs = clock.now();
  return {
    taken: (octets) => {
      const nowMs = clock.now();
      level = Math.min(READ_BURST_BYTES, level + ((nowMs - filledMs) * READ_RATE_BYTES_PER_S) / 1_000) - octets;
      filledMs = nowMs;
      if (level < 0) return Math.ceil((-level * 1_000) / READ_RATE_BYTES_PER_S);
      return octets >= FULL_CHUNK_BYTES ? 0 : null;
    },
  };
}
