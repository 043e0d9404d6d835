import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commonNames, distinguishedName } from './distinguishedName.ts';

/** What `X509Certificate.subject` says → what `openssl x509 -nameopt RFC2253` and nginx say. */
const names: readonly [string | undefined, string][] = [
  [undefined, ''],
  ['', ''],
  ['CN=alice', 'CN=alice'],
  ['C=DE\nO=Shop\nCN=alice', 'CN=alice,O=Shop,C=DE'],
  ['C=DE\nOU=a + CN=client', 'CN=client+OU=a,C=DE'],
  ['O=B\u00fc\\, \\"x\\"\nCN=\u{1f600}', 'CN=\\F0\\9F\\98\\80,O=B\\C3\\BC\\, \\"x\\"'],
  ['CN=a \\+ b', 'CN=a \\+ b'],
];
for (const [subject, expected] of names) {
  test(`${JSON.stringify(subject)} is ${expected === '' ? 'empty' : expected}`, () => {
    assert.equal(distinguishedName(subject), expected);
  });
}

test('common names are attributes of their own, never text inside another one', () => {
  assert.deepEqual(commonNames('CN=alice,O=CN=admin,C=DE'), ['alice']);
  assert.deepEqual(commonNames('O=x\\,CN=admin,CN=bob+OU=y\\+CN=root'), ['bob']);
  assert.deepEqual(commonNames('O=back\\\\,CN=real'), ['real']);
  assert.deepEqual(commonNames('CN=one,CN=two'), ['one', 'two']);
  assert.deepEqual(commonNames(''), []);
});
