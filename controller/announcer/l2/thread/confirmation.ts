/**
 * The right to speak, in memory shared by two threads: until when the main thread has confirmed it, and which generation of
 * answers it is for. Of use is only what both say at the moment of sending: a main thread that is stuck or stopped
 * confirms nothing, and answers that are no longer wanted are void at once, before the thread has heard of it.
 */
export interface ConfirmationWriter {
  /** For `readConfirmation` in the other thread. */
  readonly shared: SharedArrayBuffer;
  /** Confirms from `nowNs` on for 400 ms. */
  confirm(nowNs: bigint): void;
  /** Confirmed once, and not renewed in time. */
  hasLapsed(nowNs: bigint): boolean;
  /** Ends it at once. */
  revoke(): void;
  /** From now on only this generation may be spoken for. */
  setGeneration(generation: number): void;
  /** Rises with every turn of the other thread. */
  turns(): bigint;
}

/** The other thread's side. */
export interface ConfirmationReader {
  generation(): number;
  /** True while confirmed, whatever the generation. */
  holds(): boolean;
  /** Shows that this thread is alive. */
  countTurn(): void;
}

/** Ours: how long the thread speaks on without word from the main thread. Others take over no sooner than about 500 ms (docs/decisions/0015). */
export const CONFIRMED_FOR_MS = 400;

/** Ours: how often the main thread confirms, several times as often as it must. */
export const CONFIRM_EVERY_MS = 50;

const UNTIL = 0;
const GENERATION = 1;
const TURNS = 2;
const FIELDS = 3;
const CONFIRMED_FOR_NS = BigInt(CONFIRMED_FOR_MS) * 1_000_000n;

/** CLOCK_MONOTONIC, the same in all threads; that of `performance` begins anew in each. */
export function monotonicNs(): bigint {
  return process.hrtime.bigint();
}

/** Nothing is confirmed yet, and the generation is 0. */
export function createConfirmation(): ConfirmationWriter {
  const shared = new SharedArrayBuffer(FIELDS * BigInt64Array.BYTES_PER_ELEMENT);
  const fields = new BigInt64Array(shared);
  return {
    shared,
    // Counted from when the caller looked at the clock: a process that is stopped in between confirms the past.
    confirm: (nowNs) => { Atomics.store(fields, UNTIL, nowNs + CONFIRMED_FOR_NS); },
    hasLapsed: (nowNs) => {
      const untilNs = Atomics.load(fields, UNTIL);
      return untilNs !== 0n && nowNs >= untilNs;
    },
    revoke: () => { Atomics.store(fields, UNTIL, 0n); },
    setGeneration: (generation) => { Atomics.store(fields, GENERATION, BigInt(generation)); },
    turns: () => Atomics.load(fields, TURNS),
  };
}

/** Reads what the main thread's `ConfirmationWriter` says. `nowNs`: the clock of `confirm`. */
export function readConfirmation(shared: SharedArrayBuffer, nowNs: () => bigint = monotonicNs): ConfirmationReader {
  const fields = new BigInt64Array(shared);
  return {
    generation: () => Number(Atomics.load(fields, GENERATION)),
    holds: () => nowNs() < Atomics.load(fields, UNTIL),
    countTurn: () => { Atomics.add(fields, TURNS, 1n); },
  };
}
