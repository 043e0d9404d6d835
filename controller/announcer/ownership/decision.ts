/** Who answers for a VIP, and why, in words for people. */
export interface Decision {
  /** Null: nobody, or all of `sharers` together. */
  readonly owner: string | null;
  /** Sorted; empty unless the VIP is shared `perClient`. */
  readonly sharers: readonly string[];
  readonly reason: string;
}

/** By canonical address. */
export type Decisions = ReadonlyMap<string, Decision>;

/** A decision that nobody answers. */
export function nobody(reason: string): Decision {
  return { owner: null, sharers: [], reason };
}

/** `node-a, node-b and 5 more`: as many names as a reader wants to see. */
export function listNodes(names: readonly string[]): string {
  const shown = names.slice(0, 3);
  const more = names.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}
