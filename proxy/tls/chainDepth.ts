import type { X509Certificate } from 'node:crypto';

/** Certificates of what a client sent that are looked at. */
const MAX_SENT = 16;

/**
 * Whether a verified certificate leads to one of `authorities` that is self-signed over at most `depth` certificates in
 * between (OpenSSL's and nginx's verify depth, which `node:tls` has no option for). `leaf` comes from
 * `getPeerX509Certificate`, so its `issuerCertificate` is what the client sent with it. Each step checks names and signature:
 * a client may send anything.
 */
export function leadsToAuthority(leaf: X509Certificate, authorities: readonly X509Certificate[], depth: number): boolean {
  const anchors = authorities.filter(isSelfIssued);
  const between = new Set([...authorities, ...sentWith(leaf)].filter((certificate) => !isSelfIssued(certificate)));
  let reached = [leaf];
  for (let length = 0; reached.length > 0; length += 1) {
    if (reached.some((certificate) => anchors.some((anchor) => isIssuedBy(certificate, anchor)))) return true;
    if (length === depth) return false;
    const next = [...between].filter((issuer) => reached.some((certificate) => isIssuedBy(certificate, issuer)));
    for (const certificate of next) between.delete(certificate);
    reached = next;
  }
  return false;
}

function sentWith(leaf: X509Certificate): readonly X509Certificate[] {
  const sent: X509Certificate[] = [];
  for (let next = leaf.issuerCertificate; next !== undefined && sent.length < MAX_SENT; next = next.issuerCertificate) sent.push(next);
  return sent;
}

function isSelfIssued(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    // A key of a kind that OpenSSL does not know has signed nothing here.
    return false;
  }
}
