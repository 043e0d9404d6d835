import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAMILIES, FAMILY_BY_NAME, type MetricFamily } from './families.ts';

const families: readonly MetricFamily[] = Object.values(FAMILIES);

test('family names carry the own prefix, a valid alphabet, and the unit or _total that their type demands', () => {
  for (const family of families) {
    assert.match(family.name, /^gatehouse_[a-z0-9_]+$/);
    assert.equal(family.name.endsWith('_total'), family.type === 'counter', family.name);
    if (family.type === 'histogram') assert.match(family.name, /_(seconds|bytes)$/);
  }
  assert.equal(FAMILY_BY_NAME.size, families.length, 'no two families share a name');
});

test('label names are valid, unique in a family, and none is reserved by Prometheus', () => {
  for (const family of families) {
    assert.equal(new Set(family.labels).size, family.labels.length);
    for (const label of family.labels) {
      assert.match(label, /^[a-z][a-z_]*$/);
      assert.ok(!['le', 'quantile', 'job', 'instance'].includes(label), `${family.name}: ${label}`);
    }
  }
});

test('histogram bounds ascend strictly, so that every observation has one bucket', () => {
  for (const family of families) {
    if (family.type !== 'histogram') continue;
    family.buckets.forEach((bound, index) => assert.ok(index === 0 || bound > (family.buckets[index - 1] ?? bound)));
  }
});
