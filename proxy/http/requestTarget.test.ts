import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRequestTarget } from './requestTarget.ts';

test('origin-form targets stay as they are', () => {
  for (const target of [
    '/', '//', '/a/../b', '/a%2fb', '/%252e', '/a;b=c', "/!$&'()*+,;=:@", '/[a]', '/a?b?c/d', '/?q={a|b}^`',
    '/%c0%ae',
  ]) {
    assert.deepEqual(parseRequestTarget('GET', target), { authority: null, target });
  }
});

test('octets that no peer agrees on are refused in a target', () => {
  const refused = [
    '', ' ', '/a b', '/a\tb', '/a\0b', '/a\x7f', '/caf\xe9', '/\u0101', '/a#b', '/a\\b', '/"', '/<', '/>', '/^', '/`',
    '/{', '/|', '/}',
  ];
  for (const target of refused) assert.equal(parseRequestTarget('GET', target), null, JSON.stringify(target));
  for (const octet of ['#', '\\', '"', '<', '>', '\r', '\n']) assert.equal(parseRequestTarget('GET', `/?${octet}`), null, octet);
});

test('percent signs begin an encoded octet that is not NUL', () => {
  for (const target of ['/%', '/%1', '/%zz', '/%1g', '/%g1', '/%00', '/a?%00', '/%%30', '/%2']) {
    assert.equal(parseRequestTarget('GET', target), null, target);
  }
  for (const target of [
    '/%01', '/%10', '/%0d%0a', '/%FF', '/a?%25',
  ]) {
    assert.notEqual(parseRequestTarget('GET', target), null, target);
  }
});

test('absolute-form is split into authority and path', () => {
  const cases: readonly (readonly [string, string, string, string])[] = [
    ['GET', 'http://a.test/x?y', 'a.test', '/x?y'],
    ['GET', 'HTTPS://A.test:8443/', 'A.test:8443', '/'],
    ['GET', 'http://a.test', 'a.test', '/'],
    ['GET', 'http://a.test?q', 'a.test', '/?q'],
    ['OPTIONS', 'http://a.test', 'a.test', '*'],
    ['OPTIONS', 'http://a.test/', 'a.test', '/'],
    ['GET', 'http://[::1]:80/', '[::1]:80', '/'],
  ];
  for (const [method, text, authority, target] of cases) assert.deepEqual(parseRequestTarget(method, text), { authority, target });
});

test('other forms are refused', () => {
  for (const target of [
    'http:///a', 'http://', 'http://user@a.test/', 'http://a.test/#b', 'ftp://a.test/', 'javascript://a.test/',
    'http:/a.test/', 'http:a',
    '://a.test/', 'http://a.test,b.test/', 'http://a.test:99999/', 'a.test:80', 'a.test', '?a', '*', '*/x', '**',
    'http://a.test\\b/',
  ]) assert.equal(parseRequestTarget('GET', target), null, target);
  assert.deepEqual(parseRequestTarget('OPTIONS', '*'), { authority: null, target: '*' });
  assert.equal(parseRequestTarget('OPTIONS', '*/x'), null);
});
