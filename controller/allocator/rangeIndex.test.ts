import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpRange } from '../../core/net/ipRange.ts';
import { RangeIndex } from './rangeIndex.ts';

/** Addresses from 0 to this one, all of IPv4. */
const LAST = 8;

type Named = readonly [name: string, first: number, last: number];

function range(first: number, last: number): IpRange {
  return { family: 'IPv4', first: BigInt(first), last: BigInt(last) };
}

/** Adds the range, and says the same of a map of single addresses. */
function addAndCompare(index: RangeIndex<string>, owners: Map<number, string>, [name, first, last]: Named): void {
  const { added, overlapped } = index.add(range(first, last), name);
  const others = new Set<string>();
  let count = 0;
  for (let value = first; value <= last; value += 1) {
    const owner = owners.get(value);
    if (owner === undefined) count += 1;
    else others.add(owner);
    owners.set(value, owner ?? name);
  }
  assert.deepEqual(new Set(overlapped), others);
  assert.equal(
    added.reduce((sum, part) => sum + part.last - part.first + 1n, 0n),
    BigInt(count),
  );
}

test('Of ranges that overlap the first keeps what both claim, whatever their places', () => {
  for (let start = 0; start <= LAST; start += 1) {
    for (let end = start; end <= LAST; end += 1) {
      const index = new RangeIndex<string>();
      const owners = new Map<number, string>();
      const ranges: readonly Named[] = [
        ['a', 2, 3],
        ['b', 6, 6],
        ['c', start, end],
        ['d', 0, LAST],
      ];
      for (const named of ranges) addAndCompare(index, owners, named);
      for (let value = 0; value <= LAST; value += 1) {
        assert.equal(index.find({ family: 'IPv4', value: BigInt(value) }), owners.get(value));
      }
      assert.equal(index.find({ family: 'IPv4', value: BigInt(LAST + 1) }), null);
      assert.equal(index.find({ family: 'IPv6', value: 0n }), null);
    }
  }
});
