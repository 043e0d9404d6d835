import type { FrameCounts } from '../../report.ts';

/** Counts over the lives of several threads, each of which counts from 0, by VIP. */
export interface FrameTotals {
  /** What the thread that lives has counted so far. */
  update(counts: ReadonlyMap<string, FrameCounts>): void;
  /** It has ended: what it said last is added for good; what it has counted since is lost. */
  keep(): void;
  read(): ReadonlyMap<string, FrameCounts>;
}

export function createFrameTotals(): FrameTotals {
  let kept: ReadonlyMap<string, FrameCounts> = new Map();
  let current: ReadonlyMap<string, FrameCounts> = new Map();
  return {
    update: (counts) => { current = counts; },
    keep: () => {
      kept = sum(kept, current);
      current = new Map();
    },
    read: () => sum(kept, current),
  };
}

function sum(one: ReadonlyMap<string, FrameCounts>, other: ReadonlyMap<string, FrameCounts>): ReadonlyMap<string, FrameCounts> {
  const total = new Map(one);
  for (const [address, counts] of other) {
    const before = total.get(address);
    total.set(address, before === undefined ? counts : {
      requestsReceived: before.requestsReceived + counts.requestsReceived,
      repliesSent: before.repliesSent + counts.repliesSent,
      gratuitousSent: before.gratuitousSent + counts.gratuitousSent,
      conflictsSeen: before.conflictsSeen + counts.conflictsSeen,
    });
  }
  return total;
}
