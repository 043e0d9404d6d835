import type { IpAddress, IpFamily } from '../../core/net/ipAddress.ts';
import type { IpRange } from '../../core/net/ipRange.ts';

interface Entry<T> {
  readonly range: IpRange;
  readonly value: T;
}

/** Ranges that never overlap, each with a value; finds the one that holds an address in O(log n). */
export class RangeIndex<T> {
  /** family → entries in address order. */
  readonly #entries: Readonly<Record<IpFamily, Entry<T>[]>> = { IPv4: [], IPv6: [] };

  /** Adds the parts of a range that no other has; `overlapped` are the values of those that have the rest, each once. */
  add(range: IpRange, value: T): { readonly added: readonly IpRange[]; readonly overlapped: readonly T[] } {
    const { family, last } = range;
    const entries = this.#entries[family];
    const start = this.#firstEndingAtOrAfter(family, range.first);
    const added: IpRange[] = [];
    const overlapped = new Set<T>();
    let first = range.first;
    let end = start;
    for (let entry = entries[end]; entry !== undefined && entry.range.first <= last; entry = entries[(end += 1)]) {
      if (entry.range.first > first) added.push({ family, first, last: entry.range.first - 1n });
      overlapped.add(entry.value);
      first = entry.range.last + 1n;
    }
    if (first <= last) added.push({ family, first, last });
    const merged = [...entries.slice(start, end), ...added.map((part) => ({ range: part, value }))];
    entries.splice(start, end - start, ...merged.sort((a, b) => (a.range.first < b.range.first ? -1 : 1)));
    return { added, overlapped: [...overlapped] };
  }

  find({ family, value }: IpAddress): T | null {
    const entry = this.#entries[family][this.#firstEndingAtOrAfter(family, value)];
    return entry !== undefined && entry.range.first <= value ? entry.value : null;
  }

  #firstEndingAtOrAfter(family: IpFamily, value: bigint): number {
    const entries = this.#entries[family];
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((entries[middle]?.range.last ?? value) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
