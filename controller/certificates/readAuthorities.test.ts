import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAuthority, makeKeyPem, tlsSecret } from '../../test/support/certificates.ts';
import { readAuthorities, type Authorities } from './readAuthorities.ts';

const one = makeAuthority('One').certificatePem;
const two = makeAuthority('Two').certificatePem;
/** Made with OpenSSL for an authority of its own; valid until 2126. */
const LIST = `-----BEGIN X509 CRL-----
MIGxMFoCAQEwCgYIKoZIzj0EAwIwGTEXMBUGA1UEAwwOVGVzdCBBdXRob3JpdHkX
DTI2MTEyMTA0MDMxOFoYDzIxMjYxMDI4MDQwMzE4WqAOMAwwCgYDVR0UBAMCAQEw
CgYIKoZIzj0EAwIDRwAwRAIgHDZpRkb91+igWdHTTLbD/uEQuFNA1VgrfKVQUCEn
jCoCIA7u9ST7CsPtFfnhOHtLDvQSHi4Y0N+0tVn1mkFcK1iC
-----END X509 CRL-----
`;

function read(data: Readonly<Record<string, string>>): Authorities {
  const reading = readAuthorities(tlsSecret(data, 'Opaque'));
  assert.equal(reading.type, 'authorities');
  assert.ok(reading.type === 'authorities');
  return reading.authorities;
}

function fieldAtFault(data: Readonly<Record<string, string>>): string {
  const reading = readAuthorities(tlsSecret(data, 'Opaque'));
  return reading.type === 'fault' ? reading.field : reading.type;
}

test('every certificate of ca.crt is an authority, and nothing but certificates leaves the Secret', () => {
  const { authoritiesPem, crlPem } = read({ 'ca.crt': `comment\n${one}${makeKeyPem()}\n${two}` });
  assert.equal(authoritiesPem, one + two);
  assert.equal(crlPem, null);
});

test('revocation lists of ca.crl come along', () => {
  const { crlPem } = read({ 'ca.crt': one, 'ca.crl': `text\n${LIST}${LIST}` });
  assert.equal(crlPem, LIST + LIST);
});

test('a digest tells other authorities and other revocation lists apart, and only those', () => {
  const digests = [{ 'ca.crt': one }, { 'ca.crt': two }, { 'ca.crt': one + two }, { 'ca.crt': one, 'ca.crl': LIST }].map((data) => read(data).digest);
  assert.equal(new Set(digests).size, digests.length);
  assert.equal(read({ 'ca.crt': `words\n${one}`, 'tls.crt': two }).digest, digests[0]);
});

test('one part that cannot be read makes the whole Secret unusable', () => {
  const broken = one.replace('MII', 'MIX');
  assert.equal(fieldAtFault({ 'ca.crt': 'nonsense' }), 'data[ca.crt]');
  assert.equal(fieldAtFault({ 'ca.crt': makeKeyPem() }), 'data[ca.crt]');
  assert.equal(fieldAtFault({ 'ca.crt': one + broken }), 'data[ca.crt]');
  assert.equal(fieldAtFault({ 'ca.crt': one.repeat(513) }), 'data[ca.crt]');
  assert.equal(fieldAtFault({ 'ca.crt': one, 'ca.crl': '' }), 'data[ca.crl]');
  assert.equal(fieldAtFault({ 'ca.crt': one, 'ca.crl': one }), 'data[ca.crl]');
  assert.equal(fieldAtFault({ 'ca.crt': one, 'ca.crl': LIST + LIST.replace('MIGx', 'MIXx') }), 'data[ca.crl]');
});

test('a Secret without ca.crt has no authorities, whatever else it has', () => {
  assert.equal(fieldAtFault({}), 'none');
  assert.equal(fieldAtFault({ 'ca.crt': '', 'ca.crl': LIST, 'tls.crt': one }), 'none');
});

test('a Secret is read once', () => {
  const secret = tlsSecret({ 'ca.crt': one }, 'Opaque');
  assert.equal(readAuthorities(secret), readAuthorities(secret));
});
