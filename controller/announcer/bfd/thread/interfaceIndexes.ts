/** Indexes of interfaces by name, asked anew now and then: an interface may be made again under its name. */
export interface InterfaceIndexes {
  /** Null: there is none. */
  find(name: string): number | null;
}

/** Ours: a packet is not worth two system calls, a peer that is not heard for a second is. */
const KEPT_FOR_MS = 1_000;

/** `ask`: the kernel's answer; `nowMs`: monotonic. */
export function createInterfaceIndexes(ask: (name: string) => number | null, nowMs: () => number): InterfaceIndexes {
  const known = new Map<string, { readonly index: number | null; readonly untilMs: number }>();
  return {
    find: (name) => {
      const kept = known.get(name);
      if (kept !== undefined && nowMs() < kept.untilMs) return kept.index;
      const index = ask(name);
      known.set(name, { index, untilMs: nowMs() + KEPT_FOR_MS });
      return index;
    },
  };
}
