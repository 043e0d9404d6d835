import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heapLimitMib } from './heapLimit.ts';

const GIBIBYTE = 1024 ** 3;

test('workers share a part of the memory, between a floor and the ceiling of V8', () => {
  assert.equal(heapLimitMib(8 * GIBIBYTE, 4), 1228);
  assert.equal(heapLimitMib(GIBIBYTE / 4, 8), 128);
  assert.equal(heapLimitMib(512 * GIBIBYTE, 2), 4096);
});
