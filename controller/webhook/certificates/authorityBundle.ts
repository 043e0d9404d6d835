import { X509Certificate } from 'node:crypto';
import { pemBlocks } from '../../certificates/pemBlocks.ts';

/** Certificates of one bundle that are read (ours): two while an authority is replaced, and what was adopted. */
const MAX_AUTHORITIES = 16;
/** A bundle of that many EC certificates is 12 KB; of RSA ones, 32 KB. */
const MAX_BUNDLE_BYTES = 64 * 1024;

/** Authorities of a bundle, each once, and how many of its blocks could not be read. */
export interface BundleReading {
  readonly authorities: readonly X509Certificate[];
  readonly unreadable: number;
}

/** Reads PEM certificates. What is no certificate of an authority counts as unreadable. */
export function readBundle(octets: Buffer): BundleReading {
  if (octets.length > MAX_BUNDLE_BYTES) return { authorities: [], unreadable: 1 };
  const blocks = pemBlocks(octets.toString('latin1'), MAX_AUTHORITIES);
  const byPrint = new Map<string, X509Certificate>();
  let unreadable = 0;
  for (const { label, text } of blocks) {
    const certificate = label === 'CERTIFICATE' ? parseCertificate(text) : null;
    if (certificate?.ca === true) byPrint.set(certificate.fingerprint256, certificate);
    else unreadable += 1;
  }
  if (blocks.length === 0 && octets.length > 0) unreadable = 1;
  return { authorities: [...byPrint.values()], unreadable };
}

/** The certificates as one PEM text. */
export function printBundle(authorities: readonly X509Certificate[]): string {
  return authorities.map((certificate) => certificate.toString()).join('');
}

/** Null for what is no certificate; what OpenSSL says of it may depend on the octets and is not repeated. */
export function parseCertificate(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}
