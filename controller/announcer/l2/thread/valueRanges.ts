/** Unsigned 32-bit numbers from `first` to `last`, both included. */
export interface ValueRange {
  readonly first: number;
  readonly last: number;
}

/**
 * The fewest ranges, at most `maxRanges` (1 or more), that hold all `values`, ascending. Where more would be needed, the
 * nearest are joined: what they hold beyond the values is as little as it can be.
 */
export function coverValues(values: readonly number[], maxRanges: number): readonly ValueRange[] {
  const sorted = [...new Set(values)].toSorted((a, b) => a - b);
  const gaps = sorted.slice(1).map((value, index) => ({ before: index + 1, width: value - (sorted[index] ?? value) }))
    .filter(({ width }) => width > 1)
    .toSorted((a, b) => b.width - a.width)
    .slice(0, maxRanges - 1);
  const starts = [0, ...gaps.map(({ before }) => before).toSorted((a, b) => a - b)];
  return starts.flatMap((start, index) => {
    const first = sorted[start];
    const last = sorted[(starts[index + 1] ?? sorted.length) - 1];
    return first === undefined || last === undefined ? [] : [{ first, last }];
  });
}
