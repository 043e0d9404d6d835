import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRequestId, requestIdOf } from './requestId.ts';

test('new request ids are 32 hex digits and all different, across draws', () => {
  const ids = Array.from({ length: 2_000 }, newRequestId);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.every((id) => /^[0-9a-f]{32}$/.test(id)));
});

test('a plain token of at most 128 characters is kept, everything else replaced', () => {
  for (const id of ['a', 'trace-1.2:3=4+5/6_7', 'x'.repeat(128)]) assert.equal(requestIdOf(id), id);
  for (const id of [undefined, '', 'x'.repeat(129), 'a b', '<b>', 'a"b', 'caf\xe9', 'a\tb']) {
    assert.match(requestIdOf(id), /^[0-9a-f]{32}$/);
  }
});
