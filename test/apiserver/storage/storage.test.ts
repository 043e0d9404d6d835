import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../json.ts';
import { createStorage } from './storage.ts';

function object(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Thing', metadata: { name } };
}

test('history is bounded: what is older than the limit is compacted, and the state of it is not known', () => {
  const storage = createStorage(10);
  for (let count = 0; count < 100; count += 1) storage.put('/things', 'a', object(`n${count}`));
  assert.equal(storage.since('/things', 1), null);
  assert.equal(storage.listAt('/things', '', 1), null);
  assert.ok((storage.since('/things', storage.revision() - 10) ?? []).length === 10);
});

test('the state of an earlier revision is what it was then', () => {
  const storage = createStorage(100);
  storage.put('/things', 'a', object('a'));
  storage.put('/things', 'b', object('b'));
  const revision = storage.revision();
  storage.put('/things', 'a', object('changed'));
  storage.remove('/things', 'b');
  storage.put('/things', 'c', object('c'));
  assert.deepEqual(storage.listAt('/things', '', revision)?.map(({ metadata }) => metadata.name), ['a', 'b']);
  assert.deepEqual(storage.list('/things', '').map(({ metadata }) => metadata.name), ['changed', 'c']);
});

test('revisions are one row over all tables, and a removal has one too', () => {
  const storage = createStorage(100);
  const first = storage.put('/things', 'a', object('a'));
  const second = storage.put('/others', 'a', object('a'));
  const removed = storage.remove('/things', 'a');
  const revisions = [first, second, removed].map((one) => Number(one?.metadata.resourceVersion));
  assert.deepEqual(revisions, [revisions[0], (revisions[0] ?? 0) + 1, (revisions[0] ?? 0) + 2]);
});

test('a listener hears of changes of its table until it ends', () => {
  const storage = createStorage(100);
  const seen: string[] = [];
  const end = storage.subscribe('/things', ({ type }) => seen.push(type));
  storage.put('/things', 'a', object('a'));
  storage.put('/others', 'a', object('a'));
  storage.put('/things', 'a', object('b'));
  storage.remove('/things', 'a');
  end();
  storage.put('/things', 'a', object('a'));
  assert.deepEqual(seen, ['ADDED', 'MODIFIED', 'DELETED']);
});
