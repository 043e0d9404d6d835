/** A bucket that holds `burst`, and gets one more each `intervalMs`. Full at first. Times are ms, monotonic. */
export class RateLimit {
  readonly #burst: number;
  readonly #intervalMs: number;
  #left = 0;
  #filledMs = Number.NEGATIVE_INFINITY;

  constructor(options: { readonly burst: number; readonly intervalMs: number }) {
    this.#burst = options.burst;
    this.#intervalMs = options.intervalMs;
  }

  /** Takes one; false: there is none. */
  take(nowMs: number): boolean {
    const earned = Math.floor((nowMs - this.#filledMs) / this.#intervalMs);
    if (this.#left + earned >= this.#burst) {
      this.#left = this.#burst;
      this.#filledMs = nowMs;
    } else {
      this.#left += earned;
      this.#filledMs += earned * this.#intervalMs;
    }
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }

  /** After `take` was false: when there is one. */
  dueMs(): number {
    return this.#filledMs + this.#intervalMs;
  }
}
