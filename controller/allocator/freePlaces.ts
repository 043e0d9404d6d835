import type { IpFamily } from '../../core/net/ipAddress.ts';
import { rangeSize, type IpRange } from '../../core/net/ipRange.ts';
import type { Pool } from './poolTable.ts';
import { RangeIndex } from './rangeIndex.ts';

/** The way through the addresses of one pool and family, in the order its ranges are written. */
export interface FreePlaces {
  /**
   * The first address that `isTaken` denies. Taken ones are passed once: the next search begins where this one ended, so that n
   * searches cost O(n) together.
   */
  first(isTaken: (value: bigint) => boolean): bigint | null;
  /** An address that was passed is free again. */
  giveBack(value: bigint): void;
  /** How many addresses of the pool come before this one. */
  placeOf(value: bigint): bigint;
}

/** A search that has not begun. */
export function freePlaces(pool: Pool, family: IpFamily): FreePlaces {
  const ranges = pool.ranges[family];
  const skipsEnds = pool.object.avoidBuggyIPs && family === 'IPv4';
  const before = placesBefore(ranges);
  const indexes = new RangeIndex<number>();
  for (const [place, range] of ranges.entries()) indexes.add(range, place);
  let index = 0;
  let next = ranges[0]?.first ?? 0n;

  function indexOf(value: bigint): number {
    return indexes.find({ family, value }) ?? 0;
  }
  function firstInRange(last: bigint, isTaken: (value: bigint) => boolean): boolean {
    while (next <= last && (isTaken(next) || (skipsEnds && isEnd(next)))) next += 1n;
    return next <= last;
  }
  return {
    first: (isTaken) => {
      for (let range = ranges[index]; range !== undefined; range = ranges[index]) {
        if (firstInRange(range.last, isTaken)) return next;
        index += 1;
        next = ranges[index]?.first ?? 0n;
      }
      return null;
    },
    giveBack: (value) => {
      const place = indexOf(value);
      if (place > index || (place === index && value >= next)) return;
      index = place;
      next = value;
    },
    placeOf: (value) => {
      const place = indexOf(value);
      return (before[place] ?? 0n) + value - (ranges[place]?.first ?? 0n);
    },
  };
}

function isEnd(value: bigint): boolean {
  const lastOctet = value & 255n;
  return lastOctet === 0n || lastOctet === 255n;
}

/** For each range how many addresses stand before it. */
function placesBefore(ranges: readonly IpRange[]): bigint[] {
  let count = 0n;
  return ranges.map((range) => {
    const before = count;
    count += rangeSize(range);
    return before;
  });
}
