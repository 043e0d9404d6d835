import { createHash, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { pemBlocks, type PemBlock } from './pemBlocks.ts';
import type { Secret } from '../model/objects.ts';

/** Authorities that certificates of the other side are judged by. */
export interface Authorities {
  /** One certificate after the other, printed anew from what was parsed. */
  readonly authoritiesPem: string;
  /** Revocation lists (`ca.crl`), one PEM block after the other; null: none. */
  readonly crlPem: string | null;
  /** SHA-256 of both, hex. */
  readonly digest: string;
}

/** The authorities of a Secret; the rule it breaks; or none, when it has no `ca.crt`. */
export type AuthoritiesReading =
  | { readonly type: 'authorities'; readonly authorities: Authorities }
  | { readonly type: 'fault'; readonly field: string; readonly rule: string }
  | { readonly type: 'none' };

const CA_KEY = 'ca.crt';
const CRL_KEY = 'ca.crl';
const CERTIFICATE_LABELS: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE']);
const CRL_LABEL = 'X509 CRL';
/** The bundles of operating systems hold about 150. */
const MAX_AUTHORITIES = 512;
const MAX_LISTS = 128;

/** Secrets are immutable: a change is a new object, so its identity stands for its content. */
const readings = new WeakMap<Secret, AuthoritiesReading>();

/**
 * Reads `ca.crt` and `ca.crl`. Everything in them must be readable: an authority or a revocation list that is left out would
 * change who is let in. Done once for each Secret object. Never throws.
 */
export function readAuthorities(secret: Secret): AuthoritiesReading {
  const known = readings.get(secret) ?? read(secret);
  readings.set(secret, known);
  return known;
}

function read(secret: Secret): AuthoritiesReading {
  const octets = secret.data.get(CA_KEY);
  if (octets === undefined || octets.length === 0) return { type: 'none' };
  const authoritiesPem = readCertificates(octets);
  if (authoritiesPem === null) return fault(CA_KEY, `must be 1 to ${MAX_AUTHORITIES} PEM certificates that can be read`);
  const lists = secret.data.get(CRL_KEY);
  const crlPem = lists === undefined ? null : readLists(lists);
  if (lists !== undefined && crlPem === null) return fault(CRL_KEY, `must be 1 to ${MAX_LISTS} PEM revocation lists that can be read`);
  const digest = createHash('sha256').update(authoritiesPem).update(crlPem ?? '').digest('hex');
  return { type: 'authorities', authorities: { authoritiesPem, crlPem, digest } };
}

function readCertificates(octets: Buffer): string | null {
  const blocks = blocksOf(octets, MAX_AUTHORITIES).filter(({ label }) => CERTIFICATE_LABELS.has(label));
  if (blocks.length === 0 || blocks.length > MAX_AUTHORITIES) return null;
  try {
    return blocks.map(({ text }) => new X509Certificate(text).toString()).join('');
  } catch {
    return null;
  }
}

function readLists(octets: Buffer): string | null {
  const blocks = blocksOf(octets, MAX_LISTS).filter(({ label }) => label === CRL_LABEL);
  if (blocks.length === 0 || blocks.length > MAX_LISTS) return null;
  try {
    // Node reads the first list of a text only, so each is asked for alone.
    for (const { text } of blocks) createSecureContext({ ca: [], crl: text });
    return blocks.map(({ text }) => `${text}\n`).join('');
  } catch {
    return null;
  }
}

/** One more than wanted shows that there are too many. */
function blocksOf(octets: Buffer, wanted: number): readonly PemBlock[] {
  return pemBlocks(octets.toString('latin1'), 2 * wanted + 1);
}

function fault(key: string, rule: string): AuthoritiesReading {
  return { type: 'fault', field: `data[${key}]`, rule };
}
