import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandList } from './kubeList.ts';
import { decodeObject } from '../../decode/decodeObject.ts';

function paths(value: unknown): string[] {
  return expandList(value).map((item) => item.path);
}

test('A document is its own object, or the items of its lists with their field paths', () => {
  assert.deepEqual(paths({ kind: 'Ingress' }), ['']);
  assert.deepEqual(paths({ kind: 'List', items: [{ kind: 'A' }, { kind: 'List', items: [{ kind: 'B' }] }] }), [
    'items[0]',
    'items[1].items[0]',
  ]);
  assert.deepEqual(paths({ kind: 'List' }), []);
  assert.deepEqual(paths(null), [], 'a document without content');
  assert.deepEqual(paths({ kind: 'AllowList', spec: 1 }), [''], 'a kind that only ends like a list');
});

test('Items of a typed list take kind and version from it', () => {
  const list = { apiVersion: 'v1', kind: 'NodeList', items: [{ metadata: { name: 'a' } }, { kind: 'Pod' }, 7, null] };
  assert.deepEqual(
    expandList(list).map((item) => item.value),
    [{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'a' } }, { kind: 'Pod' }, 7, null],
  );
});

test('Items that are no list, null items and lists nested too deep are left for decoding to report', () => {
  for (const value of [{ kind: 'List', items: 7 }, { kind: 'List', items: [null] }, { kind: 'List', items: { a: 1 } }]) {
    const [item] = expandList(value);
    assert.equal(decodeObject(item?.value, null).problems.length > 0, true);
  }
  let nested: unknown = { kind: 'List', items: [] };
  for (let depth = 0; depth < 50; depth += 1) nested = { kind: 'List', items: [nested] };
  assert.deepEqual(paths(nested), ['items[0].items[0].items[0]']);
});
