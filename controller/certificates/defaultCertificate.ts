import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { issueCertificate } from './issueCertificate.ts';
import type { Certificate, CertificateKey } from '../../core/ir/certificate.ts';

/** Key of the certificate for names that no Secret covers. */
export const DEFAULT_CERTIFICATE_KEY = 'default' as CertificateKey;

const COMMON_NAME = 'Gatehouse Default Certificate';
/** `ingress.local` is the name on ingress-nginx's own default certificate: checks that look for it go on working. */
const DNS_NAMES = ['gatehouse.local', 'ingress.local'];
/** Clients with a clock that is behind still take it. */
const BACKDATE_MS = 60 * 60 * 1000;
/** One year with the backdating stays under the 366 days of Mozilla's TLS guidelines. */
const VALIDITY_MS = 365 * 24 * 60 * 60 * 1000;

/**
 * Makes the self-signed certificate served until, and wherever, no Secret covers a name. A new EC P-256 key each time: under
 * 10 ms at start (an RSA 2048 key alone takes 30 to 300), so every start has its own and nothing is stored.
 */
export function makeDefaultCertificate(nowMs: number): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const template = {
    commonName: COMMON_NAME,
    dnsNames: DNS_NAMES,
    notBeforeMs: nowMs - BACKDATE_MS,
    notAfterMs: nowMs + VALIDITY_MS,
    usage: 'server',
  } as const;
  const chainPem = issueCertificate(template, publicKey, { commonName: COMMON_NAME, privateKey });
  const leaf = new X509Certificate(chainPem);
  return {
    key: DEFAULT_CERTIFICATE_KEY,
    chainPem,
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    fingerprint: fingerprintOf(leaf),
    notAfterMs: leaf.validToDate.getTime(),
  };
}

/** SHA-256 of the DER form, lower-case hex without colons: the form of `Certificate.fingerprint`. */
export function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}
