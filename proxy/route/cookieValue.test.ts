import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fields } from '../http/fields.ts';
import { cookieValue, requestCookie } from './cookieValue.ts';

const CASES: readonly (readonly [line: string, name: string, value: string | undefined, why: string])[] = [
  ['a=1', 'a', '1', 'alone'],
  ['a=1; b=2', 'b', '2', 'second'],
  ['a=1;b=2;c=3', 'b', '2', 'no space between'],
  ['a=1;  \t b=2', 'b', '2', 'much space between'],
  ['a=1 ; b=2', 'a', '1', 'space behind a value'],
  ['a=', 'a', '', 'empty value'],
  ['a', 'a', undefined, 'no equals sign'],
  ['ab=1', 'a', undefined, 'a name that begins alike'],
  ['ba=1', 'a', undefined, 'a name that ends alike'],
  ['x=a=1', 'a', undefined, 'the name inside a value'],
  ['x="; a=1', 'a', '1', 'a quote hides nothing'],
  ['a="always"', 'a', '"always"', 'quotes belong to the value'],
  ['a=b=c', 'a', 'b=c', 'an equals sign in a value'],
  ['a=%61', 'a', '%61', 'nothing is decoded'],
  ['a=1; a=2', 'a', '1', 'the first of two'],
  ['A=1; a=2', 'a', '2', 'the exact spelling before the first'],
  ['A=1; b=2', 'a', '1', 'another letter case when there is no exact one'],
  ['a=1', 'A', '1', 'a configured name in upper case'],
  ['__proto__=1', '__proto__', '1', 'the name of a property'],
  ['', 'a', undefined, 'empty line'],
  [';;;', 'a', undefined, 'separators only'],
  ['=1', '', undefined, 'no name'],
];

for (const [line, name, value, why] of CASES) {
  test(`cookie ${JSON.stringify(name)} of ${JSON.stringify(line)} is ${JSON.stringify(value)}: ${why}`, () => {
    assert.equal(cookieValue(line, name), value);
  });
}

test('a cookie is found in a later Cookie line', () => {
  const fields = new Fields();
  assert.equal(requestCookie(fields, 'b'), undefined);
  fields.append('Cookie', 'cookie', 'a=1');
  fields.append('Cookie', 'cookie', 'b=2');
  assert.equal(requestCookie(fields, 'a'), '1');
  assert.equal(requestCookie(fields, 'b'), '2');
  assert.equal(requestCookie(fields, 'c'), undefined);
});

test('a cookie line of a hundred thousand separators is read in one pass', () => {
  assert.equal(cookieValue(`${'a;'.repeat(100_000)}b=1`, 'b'), '1');
});
