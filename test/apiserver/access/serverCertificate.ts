import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

/** A key pair with a certificate, PEM. */
export interface KeyAndCertificate {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
let pairs = 0;

/** What a certificate is for; `issuer` null: it signs itself and may sign others. */
export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
  readonly issuer: KeyAndCertificate | null;
}

/** Makes a certificate with subject and alternative names as an API server and its clients need them, good for a day. */
export function makeCertificate({ commonName, organizations = [], dnsNames = [], addresses = [], issuer }: CertificateRequest): KeyAndCertificate {
  const { pki } = forge;
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs1', format: 'pem' } });
  const certificate = pki.createCertificate();
  certificate.publicKey = pki.publicKeyFromPem(pair.publicKey);
  pairs += 1;
  certificate.serialNumber = (0x1000 + pairs).toString(16);
  certificate.validity.notBefore = new Date(Date.now() - DAY_MS / 24);
  certificate.validity.notAfter = new Date(Date.now() + DAY_MS);
  certificate.setSubject([{ name: 'commonName', value: commonName }, ...organizations.map((value) => ({ name: 'organizationName', value }))]);
  certificate.setIssuer(issuer === null ? certificate.subject.attributes : pki.certificateFromPem(issuer.certificatePem).subject.attributes);
  const altNames = [...dnsNames.map((value) => ({ type: 2, value })), ...addresses.map((ip) => ({ type: 7, ip }))];
  certificate.setExtensions([
    { name: 'basicConstraints', cA: issuer === null, critical: true },
    issuer === null ? { name: 'keyUsage', keyCertSign: true, digitalSignature: true, critical: true } : { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
    ...(altNames.length === 0 ? [] : [{ name: 'subjectAltName', altNames }]),
  ]);
  certificate.sign(pki.privateKeyFromPem(issuer?.privateKeyPem ?? pair.privateKey), forge.md.sha256.create());
  return { certificatePem: pki.certificateToPem(certificate).replaceAll('\r\n', '\n'), privateKeyPem: pair.privateKey };
}
