import type { X509Certificate } from 'node:crypto';

/** A longer path is none: OpenSSL's own default bound. */
const LONGEST_PATH = 100;

/**
 * Intermediate certificates between a leaf and the authority it leads to, as OpenSSL counts for `verify_depth`: neither
 * leaf nor root. The path prefers authorities over what the peer sent, as OpenSSL does. OpenSSL has verified already that
 * there is a path; Infinity: none was found again. `leaf.issuerCertificate` is the chain the peer sent.
 */
export function intermediatesOf(leaf: X509Certificate, authorities: readonly X509Certificate[]): number {
  const sent: X509Certificate[] = [];
  for (let each = leaf.issuerCertificate; each !== undefined && sent.length < LONGEST_PATH; each = each.issuerCertificate) {
    if (each === sent.at(-1) || each.fingerprint256 === leaf.fingerprint256) break;
    sent.push(each);
  }
  let current = leaf;
  for (let intermediates = -1; intermediates < LONGEST_PATH; intermediates += 1) {
    if (isSelfIssued(current)) return Math.max(intermediates, 0);
    const issuer = issuerOf(current, authorities) ?? issuerOf(current, sent);
    if (issuer === undefined) return Infinity;
    current = issuer;
  }
  return Infinity;
}

function issuerOf(certificate: X509Certificate, among: readonly X509Certificate[]): X509Certificate | undefined {
  return among.find((each) => certificate.checkIssued(each) && certificate.verify(each.publicKey));
}

function isSelfIssued(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer;
}
