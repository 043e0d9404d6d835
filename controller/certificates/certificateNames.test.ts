import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { certificateCovers, namesOf } from './certificateNames.ts';
import { ANY_HOST, type HostPattern } from '../../core/net/hostPattern.ts';
import { makeLeaf } from '../../test/support/certificates.ts';

function read(dnsNames: readonly string[], commonName = 'Something Else'): ReturnType<typeof namesOf> {
  return namesOf(new X509Certificate(makeLeaf(null, commonName, { dnsNames }).certificatePem));
}

const covered: readonly [readonly string[], string, boolean][] = [
  [['a.test'], 'a.test', true],
  [['A.Test'], 'a.test', true],
  [['a.test'], 'b.test', false],
  [['a.test'], 'x.a.test', false],
  [['*.a.test'], 'x.a.test', true],
  [['*.A.TEST'], 'x.a.test', true],
  [['*.a.test'], 'a.test', false],
  [['*.a.test'], 'y.x.a.test', false],
  [['*.a.test'], '*.a.test', true],
  [['x.a.test'], '*.a.test', false],
  [['*.test'], '*.a.test', false],
  [['*.a.test'], ANY_HOST, false],
  [['*'], 'a.test', false],
  [[], 'a.test', false],
  [['__proto__'], 'constructor', false],
];

for (const [names, host, expected] of covered) {
  test(`names [${names.join(' ')}] ${expected ? 'cover' : 'do not cover'} the host ${host}`, () => {
    assert.equal(certificateCovers(names, host as HostPattern), expected);
  });
}

test('names are read from subjectAltName, folded to lower case and without duplicates', () => {
  const { names, faults } = read(['Shop.Test', 'shop.test', '*.Shop.Test', 'xn--bcher-kva.test', 'a_b.test']);
  assert.deepEqual(names, ['shop.test', '*.shop.test', 'xn--bcher-kva.test', 'a_b.test']);
  assert.deepEqual(faults, []);
});

const hostileNames = ['evil.test\0.a.test', 'b\u00fccher.test', 'a.test,DNS:evil.test', 'a.test, DNS:evil.test', '"', 'f*.a.test',
  '*.*.test', '*', '', ' a.test', 'a..test', '127.0.0.1', `${'a'.repeat(64)}.test`, 'a.test\n', '\\', '",DNS:evil.test'];
for (const hostile of hostileNames) {
  test(`the name ${JSON.stringify(hostile)} is left out and reported, its neighbours stay`, () => {
    const { names, faults } = read(['before.test', hostile, 'after.test']);
    assert.deepEqual(names, ['before.test', 'after.test']);
    assert.equal(faults.length, 1);
    assert.equal(faults[0]?.rule, 'names must be DNS names');
    assert.equal(faults[0]?.severity, 'warning');
  });
}

test('a common name counts only without subjectAltName, and is reported', () => {
  const alone = read([], 'Old.test');
  assert.deepEqual(alone.names, ['old.test']);
  assert.deepEqual(alone.faults.map(({ rule, value }) => [rule, value]), [['must name its hosts in subjectAltName', '"Old.test"']]);
  assert.deepEqual(read(['new.test'], 'old.test').names, ['new.test']);
});

test('a common name with hostile octets covers nothing', () => {
  for (const commonName of ['a.test\nCN=evil.test', 'a.test\0', 'Test Root', 'a.test+O=x']) {
    assert.deepEqual(read([], commonName).names, [], JSON.stringify(commonName));
  }
});

test('a certificate without any usable name is reported', () => {
  assert.deepEqual(read([], 'Test Root').faults.map(({ rule }) => rule), ['names must be DNS names', 'must name a DNS host']);
});

test('only the first thousand names are looked at', () => {
  const { names, faults } = read(Array.from({ length: 1005 }, (_, index) => `n${index}.test`));
  assert.equal(names.length, 1000);
  assert.deepEqual(faults.map(({ value }) => value), ['1005']);
});
