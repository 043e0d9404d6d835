import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeExplainQuery } from './explainQuery.ts';
import { parseRequestUrl } from './requestUrl.ts';

test('a query becomes a request with its defaults', () => {
  assert.deepEqual(decodeExplainQuery({ url: 'http://shop.test/cart?id=1' }), {
    ok: true,
    request: { scheme: 'http', authority: 'shop.test', target: '/cart?id=1', method: 'GET', headers: [], clientAddress: '127.0.0.1' },
  });
});

test('everything a client can send can be asked about', () => {
  const query = { url: 'https://shop.test:8443', method: 'POST', header: ['X-Canary: always', 'cookie: a=b; c=d'], client: '2001:db8::1' };
  assert.deepEqual(decodeExplainQuery(query), {
    ok: true,
    request: {
      scheme: 'https',
      authority: 'shop.test:8443',
      target: '/',
      method: 'POST',
      headers: [['X-Canary', 'always'], ['cookie', 'a=b; c=d']],
      clientAddress: '2001:db8::1',
    },
  });
});

test('a bad query is refused by the name of the parameter', () => {
  const url = 'http://shop.test/';
  const cases: readonly (readonly [unknown, string])[] = [
    [{}, 'url'],
    [null, 'url'],
    [{ url: 'shop.test' }, 'url'],
    [{ url: ['http://a/', 'http://b/'] }, 'url'],
    [{ url: `http://shop.test/${'x'.repeat(9000)}` }, 'url'],
    [{ url, method: 'GET IT' }, 'method'],
    [{ url, method: '' }, 'method'],
    [{ url, header: 'nonsense' }, 'header'],
    [{ url, header: 'a: b\r\nc: d' }, 'header'],
    [{ url, header: Array.from({ length: 101 }, () => 'a: b') }, 'header'],
    [{ url, client: 'localhost' }, 'client'],
    [{ url, headers: 'a: b' }, 'headers'],
    [JSON.parse('{"url":"http://a/","__proto__":"x"}'), '__proto__'],
  ];
  for (const [query, parameter] of cases) {
    const decoded = decodeExplainQuery(query);
    assert.equal(decoded.ok ? null : decoded.parameter, parameter, JSON.stringify(query).slice(0, 80));
  }
});

test('a URL is taken apart as written: nothing is normalised', () => {
  assert.deepEqual(parseRequestUrl('HTTP://Shop.Test:80/a/../%2e%2e//b?x=/y#fragment'), {
    scheme: 'http',
    authority: 'Shop.Test:80',
    target: '/a/../%2e%2e//b?x=/y',
  });
  assert.deepEqual(parseRequestUrl('http://[::1]:80?x'), { scheme: 'http', authority: '[::1]:80', target: '/?x' });
  for (const text of ['', '/', 'http:/a', 'http:///a', 'http://u:p@a/', 'http://a/\tb', 'http://a/\u0000', 'ws://a/']) {
    assert.equal(parseRequestUrl(text), null, JSON.stringify(text));
  }
});
