import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostOf, isAuthority } from './authority.ts';

test('names, addresses and ports are authorities', () => {
  for (const text of [
    'shop.test', 'Shop.TEST', 'shop.test.', 'a_b.test', 'xn--caf-dma.test', 'localhost', '1-2.test', 'shop.test:0',
    'shop.test:65535',
    'shop.test:00080', '127.0.0.1', '127.0.0.1:8080', '[::1]', '[2001:db8::1]:443', '[::ffff:192.0.2.1]',
    'a'.repeat(63),
    `${'a.'.repeat(126)}a:65535`,
  ]) assert.ok(isAuthority(text), text);
});

test('everything else is refused', () => {
  for (const text of [
    '', ' ', '.', '..', '.test', 'a..b', 'a.test..', ':80', 'a.test:', 'a.test:65536', 'a.test:000080', 'a.test:-80',
    'a.test:+80',
    'a.test:80:80', 'a.test:8 0', 'a.test:http', 'user@a.test', 'a.test/x', 'a.test?x', 'a.test#x', 'a.test\\x',
    'a.test, b.test',
    'a,b', 'a b', 'a\tb', 'a\0b', 'a%2eb', "a'b", 'a;b', 'a*b', '${x}', 'a|b', 'caf\xe9.test', 'a'.repeat(64),
    `${'a.'.repeat(127)}a`, `${'a.'.repeat(126)}ab`,
    '[::1', '[::1]x', '[::1]:', '[::1]:x', '[]', '[1.2.3.4]', '[v1.a]', '[fe80::1%25eth0]', '[fe80::1%eth0]', '::1',
    '[::1]]',
  ]) assert.ok(!isAuthority(text), text);
});

test('the host of an authority is lower case, without port and trailing dot', () => {
  assert.equal(hostOf('Shop.Test:8080'), 'shop.test');
  assert.equal(hostOf('shop.test.'), 'shop.test');
  assert.equal(hostOf('shop.test.:80'), 'shop.test');
  assert.equal(hostOf('[2001:DB8::1]:443'), '[2001:db8::1]');
  assert.equal(hostOf('[::1]'), '[::1]');
  assert.equal(hostOf(''), '');
});
