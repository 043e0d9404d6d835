import { X509Certificate, type KeyObject } from 'node:crypto';
import { CHAIN_FIELD, KEY_FIELD, refusal, warning, type CertificateFault } from './certificateFault.ts';
import { pemBlocks } from './pemBlocks.ts';

/** Clients such as OpenSSL refuse more than 100 KB of certificates; text around the blocks comes on top. */
const MAX_CHAIN_BYTES = 256 * 1024;
const MAX_CERTIFICATES = 10;
const LABELS: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE']);
/** Long enough to see that a block beyond the limit exists. */
const MAX_BLOCKS = 4 * MAX_CERTIFICATES;

/** Certificates in the order of the file, or why they cannot be used. */
export type CertificatesReading =
  | { readonly type: 'certificates'; readonly certificates: readonly X509Certificate[]; readonly faults: readonly CertificateFault[] }
  | { readonly type: 'fault'; readonly fault: CertificateFault };

/** Reads the PEM certificates of `tls.crt`: 1 to 10 of them, all readable. Other blocks are reported and left out. */
export function readCertificates(octets: Buffer): CertificatesReading {
  if (octets.length > MAX_CHAIN_BYTES) return fault(`must be at most ${MAX_CHAIN_BYTES} octets`, `${octets.length} octets`);
  const blocks = pemBlocks(octets.toString('latin1'), MAX_BLOCKS);
  const wanted = blocks.filter(({ label }) => LABELS.has(label));
  if (wanted.length === 0) return fault('must be a PEM certificate', `${octets.length} octets without one`);
  if (wanted.length > MAX_CERTIFICATES) return fault(`must hold at most ${MAX_CERTIFICATES} certificates`, `${wanted.length}`);
  const certificates: X509Certificate[] = [];
  for (const [index, block] of wanted.entries()) {
    const certificate = parse(block.text);
    if (certificate === null) return fault('must hold certificates that can be read', `certificate ${index + 1} cannot`);
    certificates.push(certificate);
  }
  const other = blocks.find(({ label }) => !LABELS.has(label));
  const faults = other === undefined ? [] : [chainWarning('must hold certificates only', 'a block of another kind', 'that block is ignored')];
  return { type: 'certificates', certificates, faults };
}

/** The chain to serve, leaf first, or why there is none. */
export type ChainReading =
  | { readonly type: 'chain'; readonly chain: readonly [X509Certificate, ...X509Certificate[]]; readonly faults: readonly CertificateFault[] }
  | { readonly type: 'fault'; readonly fault: CertificateFault };

/**
 * Puts certificates in the order of RFC 8446 4.4.2: the one `key` belongs to, then each one's issuer. A file in another order
 * is served in the right one and reported; certificates that are not part of the chain are left out and reported.
 */
export function orderChain(certificates: readonly X509Certificate[], key: KeyObject): ChainReading {
  const leaf = certificates.find((certificate) => certificate.checkPrivateKey(key));
  if (leaf === undefined) {
    return { type: 'fault', fault: refusal(KEY_FIELD, 'must be the private key of the certificate in tls.crt', 'another key') };
  }
  const chain: [X509Certificate, ...X509Certificate[]] = [leaf];
  const rest = new Set(certificates);
  rest.delete(leaf);
  for (let last = leaf; ; ) {
    const issuer = [...rest].find((candidate) => last.checkIssued(candidate));
    if (issuer === undefined) break;
    rest.delete(issuer);
    chain.push(issuer);
    last = issuer;
  }
  return { type: 'chain', chain, faults: orderFaults(certificates, chain) };
}

function orderFaults(certificates: readonly X509Certificate[], chain: readonly X509Certificate[]): CertificateFault[] {
  const faults: CertificateFault[] = [];
  const unused = certificates.length - chain.length;
  if (unused > 0) {
    const rule = 'each certificate must have signed the one before it';
    faults.push(chainWarning(rule, `${unused} of ${certificates.length} have not`, 'they are left out'));
  }
  const kept = certificates.filter((certificate) => chain.includes(certificate));
  if (kept.some((certificate, index) => certificate !== chain[index])) {
    const rule = 'must begin with the server certificate, followed by its issuers in turn';
    faults.push(chainWarning(rule, 'another order', 'they are served in the right order'));
  }
  return faults;
}

function chainWarning(rule: string, value: string, effect: string): CertificateFault {
  return warning(CHAIN_FIELD, rule, value, effect);
}

function parse(text: string): X509Certificate | null {
  try {
    return new X509Certificate(text);
  } catch {
    return null;
  }
}

function fault(rule: string, value: string): { readonly type: 'fault'; readonly fault: CertificateFault } {
  return { type: 'fault', fault: refusal(CHAIN_FIELD, rule, value) };
}
