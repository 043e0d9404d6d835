import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KernelEndpoint } from '../wanted.ts';
import { planMaglevSlots, planRandomSlots, type SlotPlan } from './slotPlan.ts';
import { endpoints } from './testing/ports.ts';

function shares(slots: SlotPlan, list: readonly KernelEndpoint[]): number[] {
  return list.map((endpoint) => slots.filter((slot) => slot === endpoint).length);
}

const CASES: readonly (readonly [weights: readonly number[], slots: readonly number[]])[] = [
  [[1], [1]],
  [[7, 7, 7], [1, 1, 1]],
  [[900, 300], [3, 1]],
  [[1_000_000, 1], [1_000, 0]],
  [[999_983, 1, 999_983], [500, 0, 500]],
  [[2_000, 1_001], [666, 334]],
];

for (const [weights, slots] of CASES) {
  test(`weights ${weights.join(', ')} are ${slots.join(', ')} slots`, () => {
    const list = endpoints(...weights.map((weight, index) => `10.0.0.${index + 1}:80*${weight}`));
    assert.deepEqual(shares(planRandomSlots(list), list), slots);
  });
}

test('equal endpoints have a slot each, however many there are', () => {
  const list = endpoints(...Array.from({ length: 3_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}:80*5`));
  assert.deepEqual(planRandomSlots(list), list);
});

for (const [count, size] of [[1, 1_021], [16, 1_021], [17, 8_191], [257, 65_537]] as const) {
  test(`the Maglev table of ${count} endpoints has ${size} slots, and all have nearly the same number`, () => {
    const list = endpoints(...Array.from({ length: count }, (_, index) => `10.0.${index >> 8}.${index & 255}:80`));
    const slots = planMaglevSlots(list);
    assert.equal(slots.length, size);
    for (const share of shares(slots, list)) assert.ok(Math.abs(share - size / count) <= 1);
  });
}
