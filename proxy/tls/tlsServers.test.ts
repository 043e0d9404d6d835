import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Server } from 'node:tls';
import { serverNameOf } from './certificateTable.ts';
import { compileClientAuth } from './clientAuthPolicy.ts';
import { TlsServers, type CertificateRefusal } from './tlsServers.ts';
import { TLS_PROTOCOL } from './tlsProtocol.ts';
import { certificateFrom, makeAuthority, makeLeaf } from '../../test/support/certificates.ts';
import { applyNames, keyOf, upserts, type Names } from '../../test/support/tlsServer.ts';
import type { CertificateKey } from '../../core/ir/certificate.ts';
import type { ClientAuth } from '../../core/ir/clientAuth.ts';
import type { HostPattern } from '../../core/net/hostPattern.ts';

const authority = makeAuthority();
const leaves = {
  default: makeLeaf(authority, 'default.test'),
  'a.test': makeLeaf(authority, 'a.test'),
  '*.w.test': makeLeaf(authority, '*.w.test'),
};
const NOTHING = upserts<never, never>([]);

/** Servers for these names, and what the tests ask of them: the server for a name as a client sends it. */
function makeServers(names: Names, maxServers = 100): { readonly servers: TlsServers; readonly refusals: CertificateRefusal[]; readonly serverFor: (name: string | null) => Server } {
  const refusals: CertificateRefusal[] = [];
  const settings = { handshakeTimeoutMs: 30_000, alpnProtocols: ['http/1.1'], sessionTickets: true };
  const servers = new TlsServers(
    { maxServers, ticketSecret: Buffer.alloc(32), settings: () => settings },
    { wallClock: () => 0, onRefused: (refusal) => refusals.push(refusal), onSecure: () => {}, onFailure: () => {} },
  );
  applyNames(servers.certificates, names);
  return { servers, refusals, serverFor: (name) => servers.choose(serverNameOf(name), null).server };
}

test('all four key exchange groups of the guidelines are there with the pinned Node', () => {
  assert.equal(TLS_PROTOCOL.ecdhCurve, 'X25519MLKEM768:X25519:P-256:P-384');
});

test('names are looked up exactly, then by one-label wildcard, then get the default', () => {
  const { serverFor } = makeServers(leaves);
  const fallback = serverFor(null);
  const exact = serverFor('a.test');
  const wildcard = serverFor('x.w.test');
  assert.equal(new Set([fallback, exact, wildcard]).size, 3);
  for (const name of ['A.TEST', 'a.test.', 'A.tEsT.']) assert.equal(serverFor(name), exact, name);
  for (const name of ['y.w.test', 'X.W.Test', 'y.w.test.']) assert.equal(serverFor(name), wildcard, name);
  for (const name of ['w.test', 'y.x.w.test', 'x.a.test', 'test', 'b.test']) assert.equal(serverFor(name), fallback, name);
});

const hostile = ['', '.', '..', 'a.test..', '.a.test', '*.w.test', '*', 'a.test\0', 'a\0.test', '\0', 'ａ.test', 'a。test', 'k\u212a.test',
  'a.test:443', '127.0.0.1', '::1', '[::1]', '0.w.test\n', ' a.test', 'a/b.w.test', 'a,b.w.test', `${'a'.repeat(64)}.w.test`,
  `${'a.'.repeat(127)}w.test`, 'a'.repeat(70_000), '__proto__', 'constructor', 'default', 'test/a.test', '\ud800.w.test'];
for (const name of hostile) {
  test(`the server name ${JSON.stringify(name.slice(0, 40))} gets the default certificate`, () => {
    const { serverFor } = makeServers(leaves);
    assert.equal(serverFor(name), serverFor(null));
  });
}

test('a server is made once and made again only when its certificate changes', () => {
  const { servers, serverFor } = makeServers(leaves);
  const before = serverFor('a.test');
  applyNames(servers.certificates, leaves);
  assert.equal(serverFor('a.test'), before);
  applyNames(servers.certificates, { 'a.test': makeLeaf(authority, 'a.test') });
  const renewed = serverFor('a.test');
  assert.notEqual(renewed, before);
  assert.equal(serverFor('a.test'), renewed);
});

test('a chain that gains its missing intermediate is a changed certificate although the leaf is the same', () => {
  const { servers, serverFor } = makeServers(leaves);
  const before = serverFor('a.test');
  const leaf = leaves['a.test'];
  applyNames(servers.certificates, { 'a.test': { ...leaf, chainPem: leaf.chainPem + authority.certificatePem } });
  assert.notEqual(serverFor('a.test'), before);
});

test('removed names and removed certificates get the default', () => {
  const { servers, serverFor } = makeServers(leaves);
  servers.certificates.apply(NOTHING, { upsert: [], remove: ['a.test' as HostPattern] });
  assert.equal(serverFor('a.test'), serverFor(null));
  serverFor('x.w.test');
  servers.certificates.apply({ upsert: [], remove: [keyOf('*.w.test')] }, NOTHING);
  assert.equal(serverFor('x.w.test'), serverFor(null));
});

test('a name that points to a certificate which comes later gets it then', () => {
  const { servers, serverFor } = makeServers({ default: leaves.default });
  servers.certificates.apply(NOTHING, upserts([['a.test' as HostPattern, keyOf('a.test')]]));
  assert.equal(serverFor('a.test'), serverFor(null));
  servers.certificates.apply(upserts([[keyOf('a.test'), certificateFrom(leaves['a.test'], keyOf('a.test'))]]), NOTHING);
  assert.notEqual(serverFor('a.test'), serverFor(null));
});

test('many names share the server of one certificate', () => {
  const { servers, serverFor } = makeServers(leaves);
  servers.certificates.apply(NOTHING, upserts([['b.test' as HostPattern, keyOf('a.test')]]));
  assert.equal(serverFor('b.test'), serverFor('a.test'));
});

test('more certificates than servers are all served', () => {
  const names = Object.fromEntries(['a', 'b', 'c'].map((label) => [`${label}.test`, makeLeaf(authority, `${label}.test`)]));
  const { serverFor } = makeServers({ default: leaves.default, ...names }, 2);
  const first = serverFor('a.test');
  for (const name of ['b.test', 'c.test']) assert.notEqual(serverFor(name), serverFor(null));
  assert.notEqual(serverFor('a.test'), first);
  assert.notEqual(serverFor('a.test'), serverFor(null));
});

test('a certificate OpenSSL refuses is reported once, its name gets the default, the others are served', () => {
  const { servers, serverFor, refusals } = makeServers({ ...leaves, 'weak.test': makeLeaf(null, 'weak.test', { keyType: 'rsa1024' }) });
  for (let round = 0; round < 3; round += 1) assert.equal(serverFor('weak.test'), serverFor(null));
  assert.deepEqual(refusals.map(({ key, code }) => [key, code]), [['test/weak.test', 'ERR_SSL_EE_KEY_TOO_SMALL']]);
  assert.notEqual(serverFor('a.test'), serverFor(null));

  applyNames(servers.certificates, { 'weak.test': makeLeaf(null, 'weak.test') });
  assert.notEqual(serverFor('weak.test'), serverFor(null));
  assert.equal(refusals.length, 1);
});

test('unreadable and mismatched certificates are refused without an exception', () => {
  const other = makeLeaf(null, 'other.test');
  const { serverFor, refusals } = makeServers({
    ...leaves,
    'garbage.test': { ...other, chainPem: 'garbage' },
    'mismatch.test': { ...other, privateKeyPem: leaves['a.test'].privateKeyPem },
  });
  for (const name of ['garbage.test', 'mismatch.test']) assert.equal(serverFor(name), serverFor(null));
  assert.equal(refusals.length, 2);
  assert.ok(!JSON.stringify(refusals).includes('PRIVATE'));
});

test('a new default certificate is served at once, an unchanged, refused or removed one changes nothing', () => {
  const { servers, serverFor, refusals } = makeServers({});
  const empty = serverFor(null);
  applyNames(servers.certificates, leaves);
  const good = serverFor(null);
  assert.notEqual(good, empty);
  applyNames(servers.certificates, leaves);
  assert.equal(serverFor(null), good);

  applyNames(servers.certificates, { default: makeLeaf(null, 'default.test', { keyType: 'rsa1024' }) });
  servers.certificates.apply({ upsert: [], remove: ['default' as CertificateKey] }, NOTHING);
  assert.equal(serverFor(null), good);
  assert.equal(refusals.length, 1);

  applyNames(servers.certificates, { default: makeLeaf(authority, 'default.test') });
  assert.notEqual(serverFor(null), good);
});

const auth: ClientAuth = {
  identity: 'policy-1', authoritiesPem: authority.certificatePem, crlPem: null, mode: 'required', depth: 1,
  passCertificate: false, errorPage: null, matchCommonName: null,
};

test('each client policy of a name has a server of its own, and none shares the one without', () => {
  const { servers } = makeServers(leaves);
  const [first, same, second] = [auth, { ...auth }, { ...auth, identity: 'policy-2' }].map((one) => servers.choose('a.test', compileClientAuth(one)).server);
  assert.equal(first, same);
  assert.equal(new Set([first, second, servers.choose('a.test', null).server]).size, 3);
});

test('a client policy whose authorities or revocation lists cannot be read lets nobody in, and is reported once', () => {
  const { servers, refusals } = makeServers(leaves);
  const broken = compileClientAuth({ ...auth, crlPem: '-----BEGIN X509 CRL-----\nbroken\n-----END X509 CRL-----\n' });
  for (let round = 0; round < 3; round += 1) assert.equal(servers.choose('a.test', broken).certificate, null);
  assert.deepEqual(refusals.map(({ key, clientAuth }) => [key, clientAuth]), [['test/a.test', 'policy-1']]);
  assert.equal(servers.choose('a.test', null).certificate, 'test/a.test');
});

test('a connection covers its host, what shares its certificate, and copies of the same leaf under another key', () => {
  const { servers } = makeServers({ ...leaves, '*.w.test': leaves['a.test'] });
  servers.certificates.apply(NOTHING, upserts([['b.test' as HostPattern, keyOf('a.test')]]));
  const covered = ['a.test', 'b.test', 'x.w.test', 'y.x.w.test', 'other.test', '', '[::1]'].filter((host) => servers.certificates.covers(keyOf('a.test'), host));
  assert.deepEqual(covered, ['a.test', 'b.test', 'x.w.test']);
  assert.equal(servers.certificates.covers('default' as CertificateKey, 'other.test'), true);
  assert.equal(servers.certificates.covers('default' as CertificateKey, 'a.test'), false);
});
