/**
 * Signs of life between two threads, in shared memory. BFD says that this node carries packets and can be told where to: a main thread that
 * is busy for a while is none of the peer's business, one that is stuck for good can withdraw nothing, and must not be kept alive
 * by a thread that runs on.
 */
export interface LifeSigns {
  readonly shared: SharedArrayBuffer;
  /** The main thread runs. */
  beat(): void;
  /** Rises with every turn of the other thread. */
  turns(): bigint;
}

/** The other thread's side. */
export interface LifeSignsReader {
  /** The main thread has beaten within `STUCK_AFTER_MS`. */
  isMainAlive(): boolean;
  countTurn(): void;
}

/** Ours: how often the main thread beats. */
export const BEAT_EVERY_MS = 250;

/** Ours: long enough for a large translation or a collected heap; much shorter than BGP's hold time (90 s), which would end it otherwise. */
export const STUCK_AFTER_MS = 5_000;

const BEAT = 0;
const TURNS = 1;
const FIELDS = 2;
const STUCK_AFTER_NS = BigInt(STUCK_AFTER_MS) * 1_000_000n;

/** `nowNs`: CLOCK_MONOTONIC, the same in all threads. */
export function createLifeSigns(nowNs: () => bigint = () => process.hrtime.bigint()): LifeSigns {
  const shared = new SharedArrayBuffer(FIELDS * BigInt64Array.BYTES_PER_ELEMENT);
  const fields = new BigInt64Array(shared);
  return {
    shared,
    beat: () => { Atomics.store(fields, BEAT, nowNs()); },
    turns: () => Atomics.load(fields, TURNS),
  };
}

/** Reads what `createLifeSigns` has made. */
export function readLifeSigns(shared: SharedArrayBuffer, nowNs: () => bigint = () => process.hrtime.bigint()): LifeSignsReader {
  const fields = new BigInt64Array(shared);
  return {
    isMainAlive: () => nowNs() - Atomics.load(fields, BEAT) < STUCK_AFTER_NS,
    countTurn: () => { Atomics.add(fields, TURNS, 1n); },
  };
}
