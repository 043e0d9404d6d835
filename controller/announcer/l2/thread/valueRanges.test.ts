import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coverValues } from './valueRanges.ts';

const SEED = Number(process.env['GATEHOUSE_SEED'] ?? Date.now() % 1_000_000);

test('neighbours become one range, others ranges of their own', () => {
  assert.deepEqual(coverValues([9, 1, 2, 3, 2, 7], 8), [{ first: 1, last: 3 }, { first: 7, last: 7 }, { first: 9, last: 9 }]);
  assert.deepEqual(coverValues([], 8), []);
  assert.deepEqual(coverValues([0xffff_ffff, 0], 8), [{ first: 0, last: 0 }, { first: 0xffff_ffff, last: 0xffff_ffff }]);
});

test('where there are too many, the nearest are joined', () => {
  assert.deepEqual(coverValues([10, 12, 100, 103, 500], 3), [{ first: 10, last: 12 }, { first: 100, last: 103 }, { first: 500, last: 500 }]);
  assert.deepEqual(coverValues([10, 12, 100, 103, 500], 2), [{ first: 10, last: 103 }, { first: 500, last: 500 }]);
  assert.deepEqual(coverValues([10, 12, 100, 103, 500], 1), [{ first: 10, last: 500 }]);
});

test(`ranges hold every value, ascend, never touch, and are few (GATEHOUSE_SEED=${SEED})`, () => {
  let state = SEED;
  const draw = (below: number): number => {
    state = Math.imul(state, 1_103_515_245) + 12_345 | 0;
    return (state >>> 8) % below;
  };
  for (let round = 0; round < 300; round += 1) {
    const values = Array.from({ length: draw(200) }, () => draw(draw(2) === 0 ? 300 : 0x100_0000) * 256 % 2 ** 32);
    const maxRanges = 1 + draw(64);
    const ranges = coverValues(values, maxRanges);
    assert.ok(ranges.length <= maxRanges);
    assert.ok(values.every((value) => ranges.some(({ first, last }) => first <= value && value <= last)));
    assert.ok(ranges.every(({ first, last }) => values.includes(first) && values.includes(last) && first <= last));
    assert.ok(ranges.every(({ first }, index) => index === 0 || first > (ranges[index - 1]?.last ?? 0) + 1));
  }
});
