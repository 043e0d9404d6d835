import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDistance, nearest } from './nearest.ts';

test('the nearest word is the one a slip of the finger away', () => {
  const commands = ['run', 'demo', 'check', 'explain', 'status'];
  assert.equal(nearest('stauts', commands), 'status');
  assert.equal(nearest('chekc', commands), 'check');
  assert.equal(nearest('expl', commands), 'explain');
  assert.equal(nearest('rn', commands), 'run');
});

test('nothing is near a word that resembles none', () => {
  assert.equal(nearest('frobnicate', ['run', 'status']), null);
  assert.equal(nearest('', ['run']), null);
  assert.equal(nearest('x'.repeat(100_000), ['run']), null);
});

test('edit distance counts a swap of neighbours once', () => {
  assert.equal(editDistance('', ''), 0);
  assert.equal(editDistance('htpp', 'http'), 1);
  assert.equal(editDistance('abc', ''), 3);
  assert.equal(editDistance('kitten', 'sitting'), 3);
});
