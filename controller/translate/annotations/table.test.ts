import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestName } from './nearestName.ts';
import { ANNOTATION_GROUPS, ANNOTATIONS } from './table.ts';
import { UNSUPPORTED_ANNOTATIONS } from './unsupported.ts';

/** Names of the last ingress-nginx release (annotations-risk.md) with the two aliases. */
const INGRESS_NGINX_NAMES = 136 + 2;

test('every annotation of ingress-nginx is known, and obeyed or not, never both', () => {
  const unsupported = [...UNSUPPORTED_ANNOTATIONS.values()].filter((row) => row.kind !== 'removed');
  assert.equal(ANNOTATIONS.size + unsupported.length, INGRESS_NGINX_NAMES);
  assert.deepEqual([...ANNOTATIONS.keys()].filter((name) => UNSUPPORTED_ANNOTATIONS.has(name)), []);
});

test('no name stands in two rows', () => {
  assert.equal(ANNOTATION_GROUPS.flatMap((group) => group.rows).length, ANNOTATIONS.size);
});

test('what an annotation needs is an annotation', () => {
  for (const row of ANNOTATIONS.values()) assert.ok(row.needs === undefined || ANNOTATIONS.has(row.needs), row.name);
});

test('the nearest name is at most three edits away', () => {
  const known = ['proxy-read-timeout', 'proxy-send-timeout', 'canary'];
  assert.equal(nearestName('proxy-red-timeout', known), 'proxy-read-timeout');
  assert.equal(nearestName('canari', known), 'canary');
  assert.equal(nearestName('canary', known), 'canary');
  assert.equal(nearestName('rewrite-target', known), null);
  assert.equal(nearestName('x'.repeat(10_000), known), null);
});
