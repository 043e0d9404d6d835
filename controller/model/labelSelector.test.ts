import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesAnySelector, matchesSelector } from './labelSelector.ts';
import type { LabelSelector } from './objectBase.ts';

const LABELS = new Map([
  ['app', 'web'],
  ['tier', ''],
]);

function selector(
  matchLabels: Readonly<Record<string, string>>,
  ...matchExpressions: LabelSelector['matchExpressions'][number][]
): LabelSelector {
  return { matchLabels: new Map(Object.entries(matchLabels)), matchExpressions };
}

test('The empty selector fits everything, an unlabelled object too', () => {
  assert.ok(matchesSelector(selector({}), LABELS));
  assert.ok(matchesSelector(selector({}), new Map()));
});

test('Every matched label must be there with that very value', () => {
  assert.ok(matchesSelector(selector({ app: 'web', tier: '' }), LABELS));
  assert.ok(!matchesSelector(selector({ app: 'web', zone: 'a' }), LABELS));
  assert.ok(!matchesSelector(selector({ app: 'Web' }), LABELS));
  assert.ok(!matchesSelector(selector({ absent: '' }), LABELS));
});

test('Operators follow Kubernetes: NotIn and DoesNotExist fit labels without the key', () => {
  const cases: readonly (readonly [LabelSelector['matchExpressions'][number], boolean])[] = [
    [{ key: 'app', operator: 'In', values: ['shop', 'web'] }, true],
    [{ key: 'app', operator: 'In', values: ['shop'] }, false],
    [{ key: 'zone', operator: 'In', values: [''] }, false],
    [{ key: 'tier', operator: 'In', values: [''] }, true],
    [{ key: 'app', operator: 'NotIn', values: ['web'] }, false],
    [{ key: 'app', operator: 'NotIn', values: ['shop'] }, true],
    [{ key: 'zone', operator: 'NotIn', values: ['a'] }, true],
    [{ key: 'tier', operator: 'Exists', values: [] }, true],
    [{ key: 'zone', operator: 'Exists', values: [] }, false],
    [{ key: 'tier', operator: 'DoesNotExist', values: [] }, false],
    [{ key: 'zone', operator: 'DoesNotExist', values: [] }, true],
  ];
  for (const [requirement, expected] of cases) {
    assert.equal(matchesSelector(selector({}, requirement), LABELS), expected, JSON.stringify(requirement));
  }
});

test('Labels and expressions must all hold', () => {
  const exists = { key: 'tier', operator: 'Exists', values: [] } as const;
  const absent = { key: 'tier', operator: 'DoesNotExist', values: [] } as const;
  assert.ok(matchesSelector(selector({ app: 'web' }, exists), LABELS));
  assert.ok(!matchesSelector(selector({ app: 'web' }, exists, absent), LABELS));
  assert.ok(!matchesSelector(selector({ app: 'shop' }, exists), LABELS));
});

test('Of several selectors one must fit, and none at all means everything', () => {
  assert.ok(matchesAnySelector([], LABELS));
  assert.ok(matchesAnySelector([selector({ app: 'shop' }), selector({ app: 'web' })], LABELS));
  assert.ok(!matchesAnySelector([selector({ app: 'shop' })], LABELS));
});
