import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClaimTable, type Claimant } from './claimTable.ts';
import type { KubeObject } from '../../model/objects.ts';

const ref = { kind: 'Namespace', namespace: '', name: 'shop' };
const own: Claimant = { rank: 0, name: 'own' };
const foreign: Claimant = { rank: 1, name: 'foreign' };

function object(label: string): KubeObject {
  const metadata = { name: 'shop', namespace: '', labels: new Map([['l', label]]), annotations: new Map<string, string>(), createdAtMs: null, uid: '', resourceVersion: '' };
  return { kind: 'Namespace', metadata, origin: null };
}

test('the claim of the lowest rank counts in whatever order claims come', () => {
  const [a, b] = [object('a'), object('b')];
  for (const order of [[own, foreign], [foreign, own]] as const) {
    const table = new ClaimTable();
    for (const claimant of order) table.change(ref, claimant, claimant === own ? a : b);
    assert.equal(table.problems().length, 1);
    assert.equal(table.problems()[0]?.value, 'foreign');
    assert.deepEqual(table.change(ref, own, undefined), { before: a, after: b });
    assert.deepEqual(table.problems(), []);
    assert.deepEqual(table.change(ref, foreign, undefined), { before: b, after: undefined });
  }
});

test('a change of a claim that does not count changes nothing', () => {
  const table = new ClaimTable();
  const a = object('a');
  table.change(ref, own, a);
  assert.deepEqual(table.change(ref, foreign, object('b')), { before: a, after: a });
  assert.deepEqual(table.change(ref, foreign, object('c')), { before: a, after: a });
});

test('a claimant that repeats itself has one claim', () => {
  const table = new ClaimTable();
  table.change(ref, own, object('a'));
  const b = object('b');
  assert.equal(table.change(ref, own, b).after, b);
  assert.deepEqual(table.problems(), []);
});
