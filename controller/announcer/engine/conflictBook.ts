/** Stations that claim VIPs, as `interface mac` by address: what was seen lately, and no more of it than people can use. */
export class ConflictBook {
  /** Address → claimant → monotonic ms of the last sight. */
  readonly #seen = new Map<string, Map<string, number>>();

  /** True when the claimant is new to the book. */
  note(address: string, claimant: string, nowMs: number): boolean {
    const claimants = this.#seen.get(address) ?? new Map<string, number>();
    this.#seen.set(address, claimants);
    const isNew = !claimants.has(claimant);
    claimants.delete(claimant);
    claimants.set(claimant, nowMs);
    // Whoever makes up hardware addresses must not fill the memory.
    for (const oldest of claimants.keys()) {
      if (claimants.size <= MAX_CLAIMANTS) break;
      claimants.delete(oldest);
    }
    return isNew;
  }

  /** Sorted; empty: nobody. */
  claimants(address: string): readonly string[] {
    return [...this.#seen.get(address)?.keys() ?? []].sort();
  }

  /** True when somebody has claimed the address since then. */
  hasSeenSince(address: string, sinceMs: number): boolean {
    return [...this.#seen.get(address)?.values() ?? []].some((atMs) => atMs >= sinceMs);
  }

  /** Forgets what has not been seen for a minute, and addresses that are not ours. True when there was any. */
  expire(nowMs: number, isWanted: (address: string) => boolean): boolean {
    let expired = false;
    for (const [address, claimants] of this.#seen) {
      for (const [claimant, atMs] of claimants) {
        if (nowMs - atMs < KEPT_MS && isWanted(address)) continue;
        claimants.delete(claimant);
        expired = true;
      }
      if (claimants.size === 0) this.#seen.delete(address);
    }
    return expired;
  }
}

/** Ours. */
const MAX_CLAIMANTS = 8;
const KEPT_MS = 60_000;
