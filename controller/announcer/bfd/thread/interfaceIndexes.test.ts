import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createInterfaceIndexes } from './interfaceIndexes.ts';

test('an index is asked for once a second at most, and an interface that was made again is found', () => {
  let nowMs = 0;
  let asked = 0;
  let index: number | null = 3;
  const indexes = createInterfaceIndexes(() => {
    asked += 1;
    return index;
  }, () => nowMs);
  for (let call = 0; call < 10; call += 1) assert.equal(indexes.find('eth0'), 3);
  assert.equal(asked, 1);
  index = null;
  assert.equal(indexes.find('eth0'), 3);
  nowMs = 1_000;
  assert.equal(indexes.find('eth0'), null);
  assert.equal(asked, 2);
});
