import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildMaglevTable, tableSize, type MaglevMember } from './maglevTable.ts';

function members(count: number, weight = 1): MaglevMember[] {
  return Array.from({ length: count }, (_, index) => ({ key: `10.1.${index >> 8}.${index & 255}:8080`, weight }));
}

/** place → key */
function owners(list: readonly MaglevMember[]): string[] {
  return Array.from(buildMaglevTable(list), (index) => list[index]?.key ?? 'nobody');
}

function countOf(table: readonly string[], key: string): number {
  return table.filter((owner) => owner === key).length;
}

test('every table size is a prime', () => {
  for (const size of [tableSize(1), tableSize(65), tableSize(1_025)]) {
    for (let divisor = 2; divisor * divisor <= size; divisor += 1) assert.notEqual(size % divisor, 0);
  }
});

test('a table cannot be made of nothing or of more members than its cells can name', () => {
  assert.throws(() => buildMaglevTable([]), RangeError);
  assert.throws(() => tableSize(65_536), RangeError);
});

for (const count of [1, 2, 3, 10, 64, 65, 500]) {
  test(`${count} equal members have equal numbers of places, give or take one`, () => {
    const list = members(count);
    const table = owners(list);
    const fair = table.length / count;
    for (const { key } of list) assert.ok(Math.abs(countOf(table, key) - fair) <= 1);
  });
}

test('places are in proportion to weights, give or take one', () => {
  const list = [1, 2, 5, 10, 100, 1_000].map((weight, index) => ({ key: `m${index}`, weight }));
  const table = owners(list);
  for (const { key, weight } of list) {
    assert.ok(Math.abs(countOf(table, key) - (table.length * weight) / 1_118) <= 1, key);
  }
});

test('the table does not depend on the order of the members', () => {
  const list = members(30);
  assert.deepEqual(owners(list.toReversed()), owners(list));
});

for (const count of [3, 10, 50]) {
  test(`removing one of ${count} members moves its places and at most 3 % of the others'`, () => {
    const list = members(count);
    const before = owners(list);
    const gone = list[1]?.key;
    const after = owners(list.filter((member) => member.key !== gone));
    const others = before.filter((owner, place) => owner !== gone && owner !== after[place]).length;
    assert.ok(others / before.length <= 0.03, `${others} of ${before.length} places moved without need`);
  });

  test(`adding one to ${count} members takes its share and moves at most 3 % beside it`, () => {
    const before = owners(members(count));
    const list = members(count + 1);
    const added = list[count]?.key;
    const after = owners(list);
    const others = after.filter((owner, place) => owner !== added && owner !== before[place]).length;
    assert.ok(others / before.length <= 0.03, `${others} of ${before.length} places moved without need`);
  });
}

test('five thousand members of very unlike weights are placed without long loops', () => {
  const list = members(5_000).map((member, index) => ({ ...member, weight: index === 0 ? 1_000 : 1 }));
  assert.equal(buildMaglevTable(list).length, tableSize(5_000));
});
