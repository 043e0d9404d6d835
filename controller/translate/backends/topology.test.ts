import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hintedFor } from './topology.ts';

/** Endpoint a for each text `zones/nodes`, comma separated, either may be empty; the names of those chosen. */
function chosen(hints: readonly string[], place = { nodeName: 'one', zone: 'a' }): readonly string[] {
  const endpoints = hints.map((text) => {
    const [zones = '', nodes = ''] = text.split('/');
    return { text, hintZones: zones === '' ? [] : zones.split(','), hintNodes: nodes === '' ? [] : nodes.split(',') };
  });
  return hintedFor(endpoints, () => place).map(({ text }) => text);
}

for (const [what, hints, expected] of [
  ['without hints all are used', ['', ''], ['', '']],
  ['those of our zone are used', ['a', 'b', 'b,a'], ['a', 'b,a']],
  ['one without a hint makes all be used', ['a', 'b', ''], ['a', 'b', '']],
  ['a first one without a hint as well', ['', 'a', 'b'], ['', 'a', 'b']],
  ['a zone that nobody is meant for uses all', ['b', 'c'], ['b', 'c']],
  ['those of our node stand above those of our zone', ['b/one', 'a/two'], ['b/one']],
  ['a node that nobody is meant for falls back to its zone', ['a/two', 'b/three'], ['a/two']],
  ['one without a node hint falls back to the zone', ['b/one', 'a'], ['a']],
  ['node hints alone that mean others use all', ['/two', '/three'], ['/two', '/three']],
  ['nothing stays nothing', [], []],
] as const) {
  test(`of hinted endpoints ${what}`, () => {
    assert.deepEqual(chosen(hints), expected);
  });
}

test('a node without a zone is in no zone', () => {
  assert.deepEqual(chosen(['a', 'b'], { nodeName: 'one', zone: '' }), ['a', 'b']);
});
