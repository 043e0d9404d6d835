import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { readCertificate, type CertificateReading } from './readCertificate.ts';
import {
  makeAuthority, makeIntermediate, makeKeyPem, makeLeaf, makeSha1Leaf, secretOf, tlsSecret, type KeyType,
} from '../../test/support/certificates.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const authority = makeAuthority();
const leaf = makeLeaf(authority, 'a.test');

function readData(chain: string, key: string, type?: string): CertificateReading {
  return readCertificate(tlsSecret({ 'tls.crt': chain, 'tls.key': key }, type), Date.now());
}

function rules(reading: CertificateReading): string[] {
  return reading.faults.map(({ severity, field, rule }) => `${severity} ${field}: ${rule}`);
}

function assertRefused(reading: CertificateReading, ...expected: string[]): void {
  assert.equal(reading.certificate, null);
  assert.deepEqual(reading.names, []);
  assert.deepEqual(rules(reading), expected);
}

for (const keyType of ['ec', 'ec384', 'rsa', 'ed25519'] as const) {
  test(`a good Secret with a key of type ${keyType} gives a certificate OpenSSL takes`, () => {
    const good = makeLeaf(authority, 'a.test', { keyType, dnsNames: ['a.test', '*.a.test'] });
    const { certificate, names, faults } = readCertificate(secretOf(good), Date.now());
    assert.deepEqual(faults, []);
    assert.deepEqual(names, ['a.test', '*.a.test']);
    assert.ok(certificate);
    assert.equal(certificate.key, 'shop/web');
    const parsed = new X509Certificate(good.certificatePem);
    assert.equal(certificate.fingerprint, parsed.fingerprint256.replaceAll(':', '').toLowerCase());
    assert.equal(certificate.notAfterMs, parsed.validToDate.getTime());
    createSecureContext({ cert: certificate.chainPem, key: certificate.privateKeyPem });
  });
}

test('traditional key forms, EC PARAMETERS, CRLF and text around the blocks are accepted', () => {
  const key = createPrivateKey(leaf.privateKeyPem).export({ type: 'sec1', format: 'pem' }).toString();
  const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
  const reading = readData(`subject=/CN=a.test\r\n${leaf.chainPem.replaceAll('\n', '\r\n')}`, parameters + key);
  assert.deepEqual(reading.faults, []);
  assert.equal(reading.certificate?.chainPem, leaf.chainPem);
  assert.equal(reading.certificate?.privateKeyPem, leaf.privateKeyPem);
});

test('reading is done once per Secret object', () => {
  const secret = secretOf(leaf);
  const first = readCertificate(secret, Date.now());
  assert.equal(readCertificate(secret, Date.now() + 1), first);
  assert.notEqual(readCertificate(secretOf(leaf), Date.now()), first);
});

test('a Secret ages through not yet valid, valid, expiring and expired, and is served all the time', () => {
  const born = Date.parse('2026-01-01T00:00:00Z');
  const aging = makeLeaf(authority, 'a.test', { notBeforeMs: born, notAfterMs: born + 30 * DAY_MS });
  const secret = secretOf(aging);
  const phases: [number, string[]][] = [
    [born - 1, ['error data[tls.crt]: must be valid already']],
    [born, []],
    [born + 20 * DAY_MS - 1, []],
    [born + 20 * DAY_MS, ['warning data[tls.crt]: must be renewed within 10 days']],
    [born + 30 * DAY_MS, ['warning data[tls.crt]: must be renewed within 10 days']],
    [born + 30 * DAY_MS + 1, ['error data[tls.crt]: must not have expired']],
  ];
  const certificate = readCertificate(secret, born).certificate;
  for (const [nowMs, expected] of phases) {
    const reading = readCertificate(secret, nowMs);
    assert.deepEqual(rules(reading), expected);
    assert.equal(reading.certificate, certificate);
  }
  const expired = readCertificate(secret, born + 31 * DAY_MS).faults[0];
  assert.equal(expired?.value, 'not after 2026-01-31T00:00:00.000Z');
  assert.equal(expired?.effect, 'it is served, but clients refuse it');
});

test('an Opaque Secret with both keys is used and reported, another type is refused', () => {
  for (const type of ['Opaque', '']) {
    const reading = readData(leaf.chainPem, leaf.privateKeyPem, type);
    assert.ok(reading.certificate);
    assert.deepEqual(rules(reading), ['warning type: must be kubernetes.io/tls']);
  }
  for (const type of ['kubernetes.io/dockerconfigjson', 'kubernetes.io/TLS', '__proto__']) {
    assertRefused(readData(leaf.chainPem, leaf.privateKeyPem, type), 'error type: must be kubernetes.io/tls');
  }
});

test('missing keys are all reported at once', () => {
  assertRefused(readCertificate(tlsSecret({}), 0), 'error data[tls.crt]: is required', 'error data[tls.key]: is required');
  assertRefused(readCertificate(tlsSecret({ 'tls.key': leaf.privateKeyPem }), 0), 'error data[tls.crt]: is required');
});

test('the private key of another certificate is refused', () => {
  assertRefused(readData(leaf.chainPem, makeKeyPem()), 'error data[tls.key]: must be the private key of the certificate in tls.crt');
  assertRefused(readData(leaf.chainPem, makeKeyPem('rsa')), 'error data[tls.key]: must be the private key of the certificate in tls.crt');
});

const unreadableKeys: readonly [string, string, string][] = [
  ['empty', '', 'must be a PEM private key'],
  ['a certificate', leaf.certificatePem, 'must be a PEM private key'],
  ['garbage in a block', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', 'must be a private key that can be read'],
  ['too large', `${leaf.privateKeyPem}${' '.repeat(32 * 1024)}`, 'must be at most 32768 octets'],
  ['encrypted PKCS #8', encrypted('pkcs8'), 'must not be encrypted'],
  ['encrypted SEC 1', encrypted('sec1'), 'must not be encrypted'],
];
for (const [what, key, rule] of unreadableKeys) {
  test(`a private key that is ${what} is refused: ${rule}`, () => {
    assertRefused(readData(leaf.chainPem, key), `error data[tls.key]: ${rule}`);
  });
}

const unfitKeys: readonly [KeyType, string, string][] = [
  ['rsa1024', 'an RSA key must have 2048 to 8192 bits', '1024 bits'],
  ['secp256k1', 'an EC key must be on P-256, P-384 or P-521', 'secp256k1'],
];
for (const [keyType, rule, value] of unfitKeys) {
  test(`a key of type ${keyType} is refused: ${rule}`, () => {
    const reading = readCertificate(secretOf(makeLeaf(authority, 'a.test', { keyType })), Date.now());
    assertRefused(reading, `error data[tls.key]: ${rule}`);
    assert.equal(reading.faults[0]?.value, value);
  });
}

const unreadableChains: readonly [string, string, string][] = [
  ['empty', '', 'must be a PEM certificate'],
  ['a private key', leaf.privateKeyPem, 'must be a PEM certificate'],
  ['garbage in a block', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', 'must hold certificates that can be read'],
  ['good, with garbage after the leaf', `${leaf.chainPem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`, 'must hold certificates that can be read'],
  ['longer than ten certificates', leaf.chainPem.repeat(11), 'must hold at most 10 certificates'],
  ['too large', `${leaf.chainPem}${'#'.repeat(256 * 1024)}`, 'must be at most 262144 octets'],
];
for (const [what, chain, rule] of unreadableChains) {
  test(`a chain that is ${what} is refused: ${rule}`, () => {
    assertRefused(readData(chain, leaf.privateKeyPem), `error data[tls.crt]: ${rule}`);
  });
}

test('faults of chain and key are reported together', () => {
  assertRefused(readData('', ''), 'error data[tls.crt]: must be a PEM certificate', 'error data[tls.key]: must be a PEM private key');
});

test('a chain in the wrong order is put right and reported', () => {
  const intermediate = makeIntermediate(authority);
  const below = makeLeaf(intermediate, 'b.test');
  const right = below.certificatePem + intermediate.certificatePem + authority.certificatePem;
  assert.deepEqual(readData(right, below.privateKeyPem).faults, []);
  for (const wrong of [
    authority.certificatePem + intermediate.certificatePem + below.certificatePem,
    below.certificatePem + authority.certificatePem + intermediate.certificatePem,
  ]) {
    const reading = readData(wrong, below.privateKeyPem);
    assert.deepEqual(rules(reading), ['warning data[tls.crt]: must begin with the server certificate, followed by its issuers in turn']);
    assert.equal(reading.certificate?.chainPem, right);
  }
});

test('certificates that are not part of the chain, repeated ones and other blocks are left out and reported', () => {
  const stranger = makeAuthority('Stranger').certificatePem;
  for (const extra of [stranger, leaf.certificatePem]) {
    const reading = readData(leaf.certificatePem + extra + authority.certificatePem, leaf.privateKeyPem);
    assert.deepEqual(rules(reading), ['warning data[tls.crt]: each certificate must have signed the one before it']);
    assert.equal(reading.certificate?.chainPem, leaf.certificatePem + authority.certificatePem);
  }
  const combined = readData(leaf.chainPem + leaf.privateKeyPem, leaf.privateKeyPem);
  assert.deepEqual(rules(combined), ['warning data[tls.crt]: must hold certificates only']);
  assert.equal(combined.certificate?.chainPem, leaf.chainPem);
});

test('a SHA-1 signature is served and reported', () => {
  const reading = readCertificate(secretOf(makeSha1Leaf('a.test')), Date.now());
  assert.ok(reading.certificate);
  assert.deepEqual(rules(reading), ['warning data[tls.crt]: must not be signed with SHA-1 or MD5']);
});

test('a chain whose issuer has too small a key is refused here, not by the proxy', () => {
  const weak = makeAuthority('Weak Root', 'rsa1024');
  const below = makeLeaf(weak, 'a.test');
  assertRefused(readData(below.certificatePem + weak.certificatePem, below.privateKeyPem), 'error data[tls.crt]: must be strong enough for TLS');
});

test('no fault shows key material, whatever is broken', () => {
  const secretLines = leaf.privateKeyPem.split('\n').filter((line) => !line.startsWith('-----') && line !== '');
  const inputs = [
    [leaf.privateKeyPem, leaf.certificatePem], [leaf.privateKeyPem, leaf.privateKeyPem], [leaf.chainPem, leaf.privateKeyPem.slice(40)],
    [leaf.chainPem, leaf.privateKeyPem.replace('M', 'N')], [leaf.chainPem + leaf.privateKeyPem, makeKeyPem()],
  ] as const;
  for (const [chain, key] of inputs) {
    const text = JSON.stringify(readData(chain, key).faults);
    for (const line of secretLines) assert.ok(!text.includes(line.slice(0, 16)));
  }
});

test('mutated Secrets never throw and never give a certificate whose key does not match', () => {
  const seed = Number(process.env['GATEHOUSE_SEED'] ?? Date.now() % 1_000_000);
  console.log(`seed ${seed} (GATEHOUSE_SEED)`);
  const random = makeRandom(seed);
  const der = new X509Certificate(leaf.certificatePem).raw;
  for (let round = 0; round < 400; round += 1) {
    const mutated = Buffer.from(der);
    for (let flips = 0; flips <= random() % 3; flips += 1) mutated.writeUInt8(random() & 0xff, random() % mutated.length);
    const chain = `-----BEGIN CERTIFICATE-----\n${mutated.toString('base64')}\n-----END CERTIFICATE-----\n`;
    const { certificate, faults } = readData(chain, leaf.privateKeyPem);
    if (certificate === null) assert.notEqual(faults.length, 0);
    else createSecureContext({ cert: certificate.chainPem, key: certificate.privateKeyPem });
  }
});

function encrypted(type: 'pkcs8' | 'sec1'): string {
  return leaf.privateKey.export({ type, format: 'pem', cipher: 'aes-128-cbc', passphrase: 'test' }).toString();
}

function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}
