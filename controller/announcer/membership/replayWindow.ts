/** Counters this far behind the highest are still looked at; older ones count as seen. UDP reorders by far less. */
export const REPLAY_WINDOW = 1_024;
/** Boots of one sender that are told apart: the present one, and earlier ones whose datagrams somebody may have kept. */
const KEPT_BOOTS = 4;

interface CounterWindow {
  highest: number;
  /** Bit of counter modulo REPLAY_WINDOW: seen. */
  readonly seen: Uint32Array;
}

/**
 * Takes each datagram of one sender once (RFC 4303 section 3.4.3). An old boot has a window of its own instead of being refused, as
 * nobody can tell an old boot that is replayed from a new one; what it says is outranked by its incarnation.
 */
export class ReplayGuard {
  /** By boot, the one heard last at the end. */
  readonly #windows = new Map<string, CounterWindow>();

  /** False: seen before, or too old to know. */
  accept(boot: string, counter: number): boolean {
    const window = this.#windows.get(boot) ?? { highest: 0, seen: new Uint32Array(REPLAY_WINDOW / 32) };
    if (!take(window, counter)) return false;
    this.#windows.delete(boot);
    this.#windows.set(boot, window);
    const [oldest] = this.#windows.keys();
    if (this.#windows.size > KEPT_BOOTS && oldest !== undefined) this.#windows.delete(oldest);
    return true;
  }
}

function take(window: CounterWindow, counter: number): boolean {
  if (counter <= window.highest - REPLAY_WINDOW || counter < 1) return false;
  if (counter > window.highest) advance(window, counter);
  const slot = counter % REPLAY_WINDOW;
  const bit = 1 << (slot & 31);
  const word = window.seen[slot >>> 5] ?? 0;
  window.seen[slot >>> 5] = word | bit;
  return (word & bit) === 0;
}

/** Forgets the slots that are used anew. */
function advance(window: CounterWindow, counter: number): void {
  if (counter - window.highest >= REPLAY_WINDOW) window.seen.fill(0);
  else {
    for (let at = window.highest + 1; at <= counter; at += 1) {
      const slot = at % REPLAY_WINDOW;
      window.seen[slot >>> 5] = (window.seen[slot >>> 5] ?? 0) & ~(1 << (slot & 31));
    }
  }
  window.highest = counter;
}
