import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { randomFrom } from '../../core/testing/random.ts';
import { testSeed } from '../../core/testing/seededRandom.ts';
import { createComparison } from './createComparison.ts';

/** A list that counts how often it is looked into. */
function watchedList(elements: readonly unknown[]): { readonly list: readonly unknown[]; readonly looks: () => number } {
  let looks = 0;
  const list = new Proxy(elements, {
    get(target, name, receiver): unknown {
      if (name === '0') looks += 1;
      return Reflect.get(target, name, receiver);
    },
  });
  return { list, looks: () => looks };
}

test('data that are equal are the same, whatever objects they are made of', () => {
  const one = { text: 'a', number: -1.5, none: null, list: [{ deep: [[]] }], map: new Map([['a', ['b']]]), nothing: undefined };
  assert.ok(createComparison()(one, structuredClone(one)));
  assert.ok(createComparison()({ a: 1, b: 2 }, { b: 2, a: 1 }), 'the order of fields is nothing');
});

test('what differs is not the same, in either direction', () => {
  const pairs: [unknown, unknown][] = [
    [1, '1'], [0, -0], [null, undefined], [null, {}], [[], {}], [{}, new Map()], [new Map([['a', 1]]), new Map([['a', 2]])],
    [[1, 2], [2, 1]], [[1], [1, 1]], [[undefined], [null]],
    [{ a: 1 }, { a: 2 }], [{ a: 1 }, {}], [{ a: undefined }, { b: undefined }], [{ toString: 1 }, { valueOf: 1 }],
    [{ a: { b: [{ c: 1 }] } }, { a: { b: [{ c: 2 }] } }],
  ];
  for (const [left, right] of pairs) {
    assert.equal(createComparison()(left, right), false, JSON.stringify([left, right]));
    assert.equal(createComparison()(right, left), false, JSON.stringify([right, left]));
  }
});

test('a list that many share is looked into once for each list that many share on the other side', () => {
  for (const last of ['c', 'd']) {
    const before = ['a', 'b', 'c'];
    const { list, looks } = watchedList(['a', 'b', last]);
    const isSame = createComparison();
    for (let index = 0; index < 100; index += 1) assert.equal(isSame({ index, list: before }, { index, list }), last === 'c');
    assert.equal(looks(), 1);
  }
});

test('a list that is shared on one side alone is compared with each of the others', () => {
  const shared = [{ a: 1 }, { a: 2 }];
  const others = [[{ a: 1 }, { a: 2 }], [{ a: 1 }, { a: 3 }], [{ a: 1 }, { a: 2 }], [{ a: 1 }], [{ a: 1 }, { a: 2 }]];
  const expected = [true, false, true, false, true];
  const fromLeft = createComparison();
  assert.deepEqual(others.map((other) => fromLeft(shared, other)), expected);
  const fromRight = createComparison();
  assert.deepEqual(others.map((other) => fromRight(other, shared)), expected);
});

test('one list on both sides is the same, and what is known of it from one side is nothing on the other', () => {
  const [one, two, three] = [[1], [2], [1]];
  const isSame = createComparison();
  assert.ok(isSame([one, two], [one, two]));
  assert.ok(!isSame([one, two], [two, one]));
  assert.ok(isSame([one, three], [three, one]));
});

test('it says what isDeepStrictEqual says, of anything made of lists that are shared at random', () => {
  const seed = testSeed();
  const { integer: below } = randomFrom(seed);
  for (let run = 0; run < 500; run += 1) {
    const lists: (readonly unknown[])[] = [[], ['a']];
    const drawElement = (): unknown => (below(2) === 0 ? below(2) : lists[below(lists.length)]);
    const drawList = (): readonly unknown[] => Array.from({ length: below(3) }, drawElement);
    for (let count = 0; count < 8; count += 1) lists.push(below(3) === 0 ? structuredClone(lists[below(lists.length)] ?? []) : drawList());
    const isSame = createComparison();
    for (let pair = 0; pair < 20; pair += 1) {
      const [left, right] = [{ list: lists[below(lists.length)] }, { list: lists[below(lists.length)] }];
      const shown = `GATEHOUSE_SEED=${seed}, run ${run}: ${JSON.stringify([left, right])}`;
      assert.equal(isSame(left, right), isDeepStrictEqual(left, right), shown);
    }
  }
});
