/** Ours: suspicions may come in quick succession, announcements of everything may not. */
const ANNOUNCE_GAP_MS = 1_000;

/** How often each VIP was announced again, as clients may have been drawn elsewhere. */
export class Announcements {
  readonly #times = new Map<string, number>();
  #allMs = Number.NEGATIVE_INFINITY;

  get times(): ReadonlyMap<string, number> {
    return this.#times;
  }

  again(address: string): void {
    this.#times.set(address, (this.#times.get(address) ?? 0) + 1);
  }

  /** True, and noted, when all may be announced again. */
  mayRepeatAll(nowMs: number): boolean {
    if (nowMs - this.#allMs < ANNOUNCE_GAP_MS) return false;
    this.#allMs = nowMs;
    return true;
  }

  /** Forgets what is not wanted. */
  keep(isWanted: (address: string) => boolean): void {
    for (const address of this.#times.keys()) if (!isWanted(address)) this.#times.delete(address);
  }
}
