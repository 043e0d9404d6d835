/** Ours: how long a node listens before it takes anything, unless all others have answered before. */
export const SETTLE_MS = 600;
/** Ours: the same for a node whose link returns: longer than members take to find each other again (docs/decisions/0015). */
export const RETURN_MS = 1_500;
/** Ours: what others hold is told within moments of hearing them. */
const HEARD_ALL_MS = 100;
/** Ours: nobody is missed for an absence shorter than this (docs/decisions/0015). */
const MISSED_MS = 400;
/** The engine is told of time at least so often, unless the process is kept from running. */
const LOOK_MS = 100;

/**
 * Whether a node knows enough about the others to take VIPs: not before it has listened for a while, at its start and after its
 * link was away, as it may have lost meanwhile what it thinks its own. Times are monotonic ms.
 */
export class Settling {
  #isSettled = false;
  #sinceMs: number | null = null;
  #forMs = SETTLE_MS;
  #lostLinkMs = Number.NEGATIVE_INFINITY;
  #lookedMs = Number.POSITIVE_INFINITY;

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Members can be heard. */
  listens(nowMs: number): void {
    this.#sinceMs ??= nowMs;
  }

  /** All others have been heard since the link returned. */
  heardAll(nowMs: number): void {
    if (this.#sinceMs !== null && this.#forMs > SETTLE_MS) this.#forMs = Math.min(this.#forMs, nowMs - this.#sinceMs + HEARD_ALL_MS);
  }

  lostLink(nowMs: number): void {
    this.#lostLinkMs = nowMs;
  }

  /** True: it was away for long enough to have been missed, and listens again. */
  linkReturned(nowMs: number): boolean {
    if (!this.#isSettled || nowMs - this.#lostLinkMs < MISSED_MS) return false;
    this.listenAgain(nowMs);
    return true;
  }

  /** What this node knew of the others is out of date. */
  listenAgain(nowMs: number): void {
    this.#isSettled = false;
    this.#sinceMs = nowMs;
    this.#forMs = RETURN_MS;
  }

  /** True: it was not settled before. */
  settle(): boolean {
    const isNew = !this.#isSettled;
    this.#isSettled = true;
    return isNew;
  }

  /** True: its time has come now. Time in which this process did not run does not count: it has heard nothing meanwhile. */
  expire(nowMs: number): boolean {
    const lateMs = nowMs - this.#lookedMs - LOOK_MS;
    this.#lookedMs = nowMs;
    if (this.#sinceMs !== null && lateMs > 0) this.#sinceMs = Math.min(nowMs, this.#sinceMs + lateMs);
    return this.#sinceMs !== null && nowMs - this.#sinceMs >= this.#forMs && this.settle();
  }
}
