import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { TlsContexts, type CertificateRefusal } from './tlsContexts.ts';
import { TLS_PROTOCOL } from './tlsProtocol.ts';
import { certificateFrom, makeAuthority, makeLeaf } from '../../test/support/certificates.ts';
import { applyNames, keyOf, upserts, type Names } from '../../test/support/tlsServer.ts';
import type { CertificateKey } from '../../core/ir/certificate.ts';
import type { HostPattern } from '../../core/net/hostPattern.ts';

const authority = makeAuthority();
const leaves = {
  default: makeLeaf(authority, 'default.test'),
  'a.test': makeLeaf(authority, 'a.test'),
  '*.w.test': makeLeaf(authority, '*.w.test'),
};
const NOTHING = upserts<never, never>([]);

function makeContexts(names: Names, maxContexts = 100): { readonly contexts: TlsContexts; readonly refusals: CertificateRefusal[] } {
  const refusals: CertificateRefusal[] = [];
  const contexts = new TlsContexts({ maxContexts }, { onRefused: (refusal) => refusals.push(refusal) });
  applyNames(contexts, names);
  return { contexts, refusals };
}

test('all four key exchange groups of the guidelines are there with the pinned Node', () => {
  assert.equal(TLS_PROTOCOL.ecdhCurve, 'X25519MLKEM768:X25519:P-256:P-384');
});

test('names are looked up exactly, then by one-label wildcard, then get the default', () => {
  const { contexts } = makeContexts(leaves);
  const fallback = contexts.contextFor(undefined);
  const exact = contexts.contextFor('a.test');
  const wildcard = contexts.contextFor('x.w.test');
  assert.equal(new Set([fallback, exact, wildcard]).size, 3);
  for (const name of ['A.TEST', 'a.test.', 'A.tEsT.']) assert.equal(contexts.contextFor(name), exact, name);
  for (const name of ['y.w.test', 'X.W.Test', 'y.w.test.']) assert.equal(contexts.contextFor(name), wildcard, name);
  for (const name of ['w.test', 'y.x.w.test', 'x.a.test', 'test', 'b.test']) assert.equal(contexts.contextFor(name), fallback, name);
});

const hostile = ['', '.', '..', 'a.test..', '.a.test', '*.w.test', '*', 'a.test\0', 'a\0.test', '\0', 'ａ.test', 'a。test', 'k\u212a.test',
  'a.test:443', '127.0.0.1', '::1', '[::1]', '0.w.test\n', ' a.test', 'a/b.w.test', 'a,b.w.test', `${'a'.repeat(64)}.w.test`,
  `${'a.'.repeat(127)}w.test`, 'a'.repeat(70_000), '__proto__', 'constructor', 'default', 'test/a.test', '\ud800.w.test'];
for (const name of hostile) {
  test(`the server name ${JSON.stringify(name.slice(0, 40))} gets the default certificate`, () => {
    const { contexts } = makeContexts(leaves);
    assert.equal(contexts.contextFor(name), contexts.contextFor(undefined));
  });
}

test('a context is made once and made again only when its certificate changes', () => {
  const { contexts } = makeContexts(leaves);
  const before = contexts.contextFor('a.test');
  applyNames(contexts, leaves);
  assert.equal(contexts.contextFor('a.test'), before);
  applyNames(contexts, { 'a.test': makeLeaf(authority, 'a.test') });
  const renewed = contexts.contextFor('a.test');
  assert.notEqual(renewed, before);
  assert.equal(contexts.contextFor('a.test'), renewed);
});

test('a chain that gains its missing intermediate is a changed certificate although the leaf is the same', () => {
  const { contexts } = makeContexts(leaves);
  const before = contexts.contextFor('a.test');
  const leaf = leaves['a.test'];
  applyNames(contexts, { 'a.test': { ...leaf, chainPem: leaf.chainPem + authority.certificatePem } });
  assert.notEqual(contexts.contextFor('a.test'), before);
});

test('removed names and removed certificates get the default', () => {
  const { contexts } = makeContexts(leaves);
  contexts.apply(NOTHING, { upsert: [], remove: ['a.test' as HostPattern] });
  assert.equal(contexts.contextFor('a.test'), contexts.contextFor(undefined));
  contexts.contextFor('x.w.test');
  contexts.apply({ upsert: [], remove: [keyOf('*.w.test')] }, NOTHING);
  assert.equal(contexts.contextFor('x.w.test'), contexts.contextFor(undefined));
});

test('a name that points to a certificate which comes later gets it then', () => {
  const { contexts } = makeContexts({ default: leaves.default });
  contexts.apply(NOTHING, upserts([['a.test' as HostPattern, keyOf('a.test')]]));
  assert.equal(contexts.contextFor('a.test'), contexts.contextFor(undefined));
  contexts.apply(upserts([[keyOf('a.test'), certificateFrom(leaves['a.test'], keyOf('a.test'))]]), NOTHING);
  assert.notEqual(contexts.contextFor('a.test'), contexts.contextFor(undefined));
});

test('many names share the context of one certificate', () => {
  const { contexts } = makeContexts(leaves);
  contexts.apply(NOTHING, upserts([['b.test' as HostPattern, keyOf('a.test')]]));
  assert.equal(contexts.contextFor('b.test'), contexts.contextFor('a.test'));
});

test('more certificates than contexts are all served', () => {
  const names = Object.fromEntries(['a', 'b', 'c'].map((label) => [`${label}.test`, makeLeaf(authority, `${label}.test`)]));
  const { contexts } = makeContexts({ default: leaves.default, ...names }, 2);
  const first = contexts.contextFor('a.test');
  for (const name of ['b.test', 'c.test']) assert.notEqual(contexts.contextFor(name), contexts.contextFor(undefined));
  assert.notEqual(contexts.contextFor('a.test'), first);
  assert.notEqual(contexts.contextFor('a.test'), contexts.contextFor(undefined));
});

test('a certificate OpenSSL refuses is reported once, its name gets the default, the others are served', () => {
  const { contexts, refusals } = makeContexts({ ...leaves, 'weak.test': makeLeaf(null, 'weak.test', { keyType: 'rsa1024' }) });
  for (let round = 0; round < 3; round += 1) assert.equal(contexts.contextFor('weak.test'), contexts.contextFor(undefined));
  assert.deepEqual(refusals.map(({ key, code }) => [key, code]), [['test/weak.test', 'ERR_SSL_EE_KEY_TOO_SMALL']]);
  assert.notEqual(contexts.contextFor('a.test'), contexts.contextFor(undefined));

  applyNames(contexts, { 'weak.test': makeLeaf(null, 'weak.test') });
  assert.notEqual(contexts.contextFor('weak.test'), contexts.contextFor(undefined));
  assert.equal(refusals.length, 1);
});

test('unreadable and mismatched certificates are refused without an exception', () => {
  const other = makeLeaf(null, 'other.test');
  const { contexts, refusals } = makeContexts({
    ...leaves,
    'garbage.test': { ...other, chainPem: 'garbage' },
    'mismatch.test': { ...other, privateKeyPem: leaves['a.test'].privateKeyPem },
  });
  for (const name of ['garbage.test', 'mismatch.test']) assert.equal(contexts.contextFor(name), contexts.contextFor(undefined));
  assert.equal(refusals.length, 2);
  assert.ok(!JSON.stringify(refusals).includes('PRIVATE'));
});

test('listeners hear of a new default certificate, not of an unchanged, refused or removed one', () => {
  const { contexts, refusals } = makeContexts({});
  let changes = 0;
  const stop = contexts.onDefaultChanged(() => (changes += 1));
  const empty = contexts.contextFor(undefined);
  applyNames(contexts, leaves);
  applyNames(contexts, leaves);
  assert.equal(changes, 1);
  const good = contexts.contextFor(undefined);
  assert.notEqual(good, empty);
  createSecureContext(contexts.defaultOptions);

  applyNames(contexts, { default: makeLeaf(null, 'default.test', { keyType: 'rsa1024' }) });
  contexts.apply({ upsert: [], remove: ['default' as CertificateKey] }, NOTHING);
  assert.equal(contexts.contextFor(undefined), good);
  assert.equal(refusals.length, 1);
  assert.equal(changes, 1);

  stop();
  applyNames(contexts, leaves);
  assert.equal(changes, 1);
});
