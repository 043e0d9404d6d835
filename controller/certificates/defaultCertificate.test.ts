import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { makeDefaultCertificate } from './defaultCertificate.ts';
import { issueCertificate } from './issueCertificate.ts';
import { makeAuthority, makeLeaf } from '../../test/support/certificates.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

test('the default certificate is self-signed, names its hosts, is valid now and for at most 366 days', () => {
  const nowMs = Date.parse('2026-11-20T12:00:00Z');
  const made = makeDefaultCertificate(nowMs);
  const leaf = new X509Certificate(made.chainPem);
  assert.equal(made.key, 'default');
  assert.equal(leaf.subject, 'CN=Gatehouse Default Certificate');
  assert.equal(leaf.subjectAltName, 'DNS:gatehouse.local, DNS:ingress.local');
  assert.ok(leaf.verify(leaf.publicKey));
  assert.ok(leaf.checkPrivateKey(createPrivateKey(made.privateKeyPem)));
  assert.ok(leaf.validFromDate.getTime() < nowMs && leaf.validToDate.getTime() > nowMs);
  assert.ok(leaf.validToDate.getTime() - leaf.validFromDate.getTime() <= 366 * DAY_MS);
  assert.equal(made.notAfterMs, leaf.validToDate.getTime());
  assert.match(made.fingerprint, /^[0-9a-f]{64}$/);
});

test('every start makes another key', () => {
  assert.notEqual(makeDefaultCertificate(0).privateKeyPem, makeDefaultCertificate(0).privateKeyPem);
});

for (const keyType of ['ec', 'ec384', 'rsa', 'ed25519'] as const) {
  test(`an authority with a key of type ${keyType} issues certificates that verify`, () => {
    const authority = makeAuthority('Root', keyType);
    const root = new X509Certificate(authority.certificatePem);
    const leaf = new X509Certificate(makeLeaf(authority, 'a.test').certificatePem);
    assert.ok(root.ca && root.verify(root.publicKey));
    assert.ok(!leaf.ca && leaf.verify(root.publicKey) && leaf.checkIssued(root));
    assert.equal(leaf.checkHost('a.test'), 'a.test');
  });
}

test('a validity beyond 2049 is encoded as GeneralizedTime', () => {
  const leaf = new X509Certificate(makeLeaf(null, 'a.test', { notAfterMs: Date.parse('2071-02-03T04:05:06Z') }).certificatePem);
  assert.equal(leaf.validToDate.toISOString(), '2071-02-03T04:05:06.000Z');
});

test('a key that cannot sign certificates is refused', () => {
  const authority = makeAuthority('Root');
  const publicKey = new X509Certificate(authority.certificatePem).publicKey;
  const template = { commonName: 'a', dnsNames: [], notBeforeMs: 0, notAfterMs: 1, usage: 'server' } as const;
  assert.throws(() => issueCertificate(template, publicKey, { commonName: 'a', privateKey: x25519() }), TypeError);
});

function x25519(): ReturnType<typeof createPrivateKey> {
  const der = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), Buffer.alloc(32, 7)]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}
