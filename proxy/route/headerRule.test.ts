import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileHeaderRule } from './headerRule.ts';

const pattern = (text: string): ReturnType<typeof compileHeaderRule> =>
  compileHeaderRule({ type: 'pattern', pattern: text });

test('a pattern that explodes in backtracking engines answers for the longest header at once', () => {
  const value = 'x'.repeat(8_192);
  assert.equal(pattern('(x+x+)+y')(value), 'pass');
  assert.equal(pattern('^(([a-z])+.)+[A-Z]([a-z])+$')(value), 'pass');
});

test('patterns RE2 does not know, or that would compile to too much, refuse the canary', () => {
  for (const text of ['(', 'a{2,1}', '(?=a)', '(?<!a)b', '(a)\\1', 'a++', '((a{100}){100}){100}']) {
    assert.equal(pattern(text)('a'), 'refuse', text);
  }
  assert.equal(pattern('(.{0,500}a.{0,500}b){1,2}|.{1,1000}')('a'), 'refuse');
});

test('a header value beyond ASCII is searched as the octets that came', () => {
  assert.equal(pattern('^[^a-z]+$')('\xe4\xff'), 'choose');
});
