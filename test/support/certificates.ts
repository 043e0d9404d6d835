import { generateKeyPairSync, sign, X509Certificate, type KeyObject } from 'node:crypto';
import forge from 'node-forge';
import { issueCertificate } from '../../controller/certificates/issueCertificate.ts';
import type { Certificate, CertificateKey } from '../../core/ir/certificate.ts';
import type { Secret } from '../../controller/model/objects.ts';

/** Kinds of key a test may ask for. The weak and odd ones exist to be refused. */
export type KeyType = 'ec' | 'rsa' | 'ed25519' | 'ec384' | 'rsa1024' | 'secp256k1';

/** A certificate with its key and, for a leaf, the certificates between it and the root. */
export interface Issued {
  readonly commonName: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly privateKey: KeyObject;
  /** The leaf and its intermediates, leaf first: what belongs into `tls.crt`. */
  readonly chainPem: string;
}

export interface LeafOptions {
  /** subjectAltName; default: the common name. */
  readonly dnsNames?: readonly string[];
  readonly keyType?: KeyType;
  /** Validity relative to now; default: an hour ago to 90 days ahead. */
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  /** Default: a TLS server's. */
  readonly usage?: 'server' | 'client';
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** RSA keys take long to make: each size is made once per test process, and no test depends on keys being different by chance. */
const rsaKeys = new Map<number, { readonly privateKey: KeyObject; readonly publicKey: KeyObject }>();

/** A self-signed root that signs leaves and intermediates. */
export function makeAuthority(commonName = 'Test Root', keyType: KeyType = 'ec'): Issued {
  return issue(commonName, null, { keyType, dnsNames: [] }, 'authority');
}

/** An authority signed by another one. */
export function makeIntermediate(authority: Issued, commonName = 'Test Intermediate'): Issued {
  return issue(commonName, authority, { dnsNames: [] }, 'authority');
}

/** A server certificate for `name`, signed by `authority`; null: self-signed. */
export function makeLeaf(authority: Issued | null, name: string, options: LeafOptions = {}): Issued {
  return issue(name, authority, options, options.usage ?? 'server');
}

/** A certificate revocation list (RFC 5280 section 5) of an EC authority, PEM, good for a day. */
export function makeRevocationList(authority: Issued, revoked: readonly Issued[]): string {
  const { asn1 } = forge;
  const make = (type: forge.asn1.Type, value: string | forge.asn1.Asn1[]): forge.asn1.Asn1 =>
    asn1.create(asn1.Class.UNIVERSAL, type, typeof value !== 'string', value);
  const time = (atMs: number): forge.asn1.Asn1 => make(asn1.Type.UTCTIME, asn1.dateToUtcTime(new Date(atMs)));
  // ecdsa-with-SHA256 (RFC 5758).
  const algorithm = make(asn1.Type.SEQUENCE, [make(asn1.Type.OID, asn1.oidToDer('1.2.840.10045.4.3.2').getBytes())]);
  const [tbs] = asn1.fromDer(new X509Certificate(authority.certificatePem).raw.toString('latin1')).value as forge.asn1.Asn1[];
  const subject = (tbs?.value as forge.asn1.Asn1[] | undefined)?.[5];
  const entries = revoked.map((issued) => {
    const serial = Buffer.from(new X509Certificate(issued.certificatePem).serialNumber, 'hex').toString('latin1');
    return make(asn1.Type.SEQUENCE, [make(asn1.Type.INTEGER, serial), time(Date.now() - DAY_MS / 24)]);
  });
  const list = make(asn1.Type.SEQUENCE, [
    make(asn1.Type.INTEGER, '\x01'),
    algorithm,
    ...(subject === undefined ? [] : [subject]),
    time(Date.now() - DAY_MS / 24),
    time(Date.now() + DAY_MS),
    ...(entries.length === 0 ? [] : [make(asn1.Type.SEQUENCE, entries)]),
  ]);
  const signature = sign('sha256', Buffer.from(asn1.toDer(list).getBytes(), 'latin1'), authority.privateKey);
  const signed = make(asn1.Type.SEQUENCE, [list, algorithm, make(asn1.Type.BITSTRING, `\x00${signature.toString('latin1')}`)]);
  return forge.pem.encode({ type: 'X509 CRL', body: asn1.toDer(signed).getBytes() }).replaceAll('\r\n', '\n');
}

/** A server certificate signed with SHA-1 by an RSA root of its own. */
export function makeSha1Leaf(name: string): Issued {
  const { privateKey } = makeKey('rsa');
  const privateKeyPem = pemOf(privateKey);
  const key = forge.pki.privateKeyFromPem(privateKey.export({ type: 'pkcs1', format: 'pem' }).toString());
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  certificate.serialNumber = '01';
  certificate.validity.notBefore = new Date(Date.now() - DAY_MS);
  certificate.validity.notAfter = new Date(Date.now() + 90 * DAY_MS);
  certificate.setSubject([{ name: 'commonName', value: name }]);
  certificate.setIssuer([{ name: 'commonName', value: 'Test SHA-1 Root' }]);
  certificate.setExtensions([{ name: 'subjectAltName', altNames: [{ type: 2, value: name }] }]);
  certificate.sign(key, forge.md.sha1.create());
  const certificatePem = forge.pki.certificateToPem(certificate);
  return { commonName: name, certificatePem, chainPem: certificatePem, privateKey, privateKeyPem };
}

/** A Secret as the decoder makes it; `type` and data may be anything. */
export function tlsSecret(data: Readonly<Record<string, string>>, type = 'kubernetes.io/tls', name = 'web'): Secret {
  return {
    kind: 'Secret',
    type,
    data: new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'utf8')])),
    metadata: { name, namespace: 'shop', labels: new Map(), annotations: new Map(), createdAtMs: null, uid: '', resourceVersion: '' },
    origin: null,
  };
}

/** The Secret an Ingress would name for this leaf. */
export function secretOf(leaf: Issued, name = 'web'): Secret {
  return tlsSecret({ 'tls.crt': leaf.chainPem, 'tls.key': leaf.privateKeyPem }, 'kubernetes.io/tls', name);
}

/** The snapshot's form of a leaf. */
export function certificateFrom(leaf: Issued, key: string): Certificate {
  const certificate = new X509Certificate(leaf.certificatePem);
  return {
    key: key as CertificateKey,
    chainPem: leaf.chainPem,
    privateKeyPem: leaf.privateKeyPem,
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    notAfterMs: certificate.validToDate.getTime(),
  };
}

/** A new private key in PKCS #8 PEM. */
export function makeKeyPem(keyType: KeyType = 'ec'): string {
  return pemOf(makeKey(keyType).privateKey);
}

function issue(commonName: string, authority: Issued | null, options: LeafOptions, usage: 'authority' | 'server' | 'client'): Issued {
  const { privateKey, publicKey } = makeKey(options.keyType ?? 'ec');
  const template = {
    commonName,
    dnsNames: options.dnsNames ?? [commonName],
    notBeforeMs: options.notBeforeMs ?? Date.now() - DAY_MS / 24,
    notAfterMs: options.notAfterMs ?? Date.now() + 90 * DAY_MS,
    usage,
  };
  const certificatePem = issueCertificate(template, publicKey, authority ?? { commonName, privateKey });
  const root = authority === null || isSelfSigned(authority);
  const chainPem = root ? certificatePem : certificatePem + authority.chainPem;
  return { commonName, certificatePem, privateKey, privateKeyPem: pemOf(privateKey), chainPem };
}

function isSelfSigned(issued: Issued): boolean {
  const certificate = new X509Certificate(issued.certificatePem);
  return certificate.subject === certificate.issuer;
}

function makeKey(keyType: KeyType): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  switch (keyType) {
    case 'ec':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'ec384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' });
    case 'secp256k1':
      return generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    case 'ed25519':
      return generateKeyPairSync('ed25519');
    case 'rsa':
      return rsaKey(2048);
    case 'rsa1024':
      return rsaKey(1024);
  }
}

function rsaKey(modulusLength: number): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  const made = rsaKeys.get(modulusLength) ?? generateKeyPairSync('rsa', { modulusLength });
  rsaKeys.set(modulusLength, made);
  return made;
}

function pemOf(privateKey: KeyObject): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
