import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Problem } from '../../../core/ir/problem.ts';
import { sortProblems } from './sortProblems.ts';

function problem(name: string, field: string, severity: Problem['severity'] = 'warning'): Problem {
  return { severity, object: { kind: 'Ingress', namespace: 'shop', name }, position: null, field, rule: 'r', value: '', effect: 'e' };
}

test('problems stand by object, then field', () => {
  const sorted = sortProblems([problem('b', 'x'), problem('a', 'y'), problem('a', 'x')]);
  assert.deepEqual(sorted.map(({ object, field }) => `${object?.name} ${field}`), ['a x', 'a y', 'b x']);
});

test('of more than a hundred problems of one object the rest is counted, as an error when one of them is', () => {
  const many = Array.from({ length: 150 }, (_, number) => problem('a', `f${1000 + number}`, number === 149 ? 'error' : 'warning'));
  const sorted = sortProblems([...many, problem('b', 'x')]);
  assert.equal(sorted.length, 102);
  assert.equal(sorted[100]?.severity, 'error');
  assert.equal(sorted[100]?.value, '150');
  assert.equal(sorted[101]?.object?.name, 'b');
});
