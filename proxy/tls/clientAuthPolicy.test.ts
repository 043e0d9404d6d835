import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientAuth } from '../../core/ir/clientAuth.ts';
import { makeAuthority } from '../../test/support/certificates.ts';
import { compileClientAuth } from './clientAuthPolicy.ts';

const AUTH: ClientAuth = {
  identity: 'one', authoritiesPem: '', crlPem: null, mode: 'required', depth: 1, passCertificate: false, errorPage: null, matchCommonName: null,
};

/** pattern, common name → whether it passes. */
const cases: readonly [string | null, string, boolean][] = [
  [null, 'anybody', true],
  ['CN=alice', 'alice', true],
  ['CN=alice', 'alice-too', true],
  ['CN=alice$', 'alice-too', false],
  ['^CN=(alice|bob)$', 'bob', true],
  ['CN=admin', 'x\\0ACN=admin', false],
  ['CN=(', 'x', false],
  ['CN=(?=x)', 'x', false],
  [`CN=(a{1,200}){1,5}`, 'a', false],
  ['CN=(a|a)*$', `${'a'.repeat(1000)}b`, false],
  ['CN=a', 'a'.repeat(2000), false],
];
for (const [pattern, name, expected] of cases) {
  test(`pattern ${String(pattern)} ${expected ? 'lets' : 'does not let'} ${name.slice(0, 20)} pass`, () => {
    assert.equal(compileClientAuth({ ...AUTH, matchCommonName: pattern }).allowsCommonName(name), expected);
  });
}

test('authorities are read one by one, whatever stands between them; what cannot be read is left out', () => {
  const [one, two] = [makeAuthority('One'), makeAuthority('Two')];
  const broken = '-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n';
  const authoritiesPem = `# comment\n${one.certificatePem}\n${broken}text${two.certificatePem}-----BEGIN CERTIFICATE-----\ncut`;
  const { authorities } = compileClientAuth({ ...AUTH, authoritiesPem });
  assert.deepEqual(authorities().map(({ subject }) => subject), ['CN=One', 'CN=Two']);
});
