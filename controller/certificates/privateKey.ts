import { createPrivateKey, type KeyObject } from 'node:crypto';
import { KEY_FIELD, refusal, type CertificateFault } from './certificateFault.ts';
import { pemBlocks } from './pemBlocks.ts';

/** A private key a server may use, or why there is none. */
export type PrivateKeyReading =
  | { readonly type: 'key'; readonly key: KeyObject }
  | { readonly type: 'fault'; readonly fault: CertificateFault };

/** An RSA key of 8192 bits is 6.4 KB in PEM. */
const MAX_KEY_BYTES = 32 * 1024;
const MIN_RSA_BITS = 2048;
/** One signature of a larger key holds the worker up for tens of milliseconds. */
const MAX_RSA_BITS = 8192;
/** The curves TLS 1.3 can sign with (RFC 8446 4.2.3), by OpenSSL's names. */
const CURVES: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);
/** `EC PARAMETERS` before the key, as `openssl ecparam -genkey` writes it, and the like. */
const MAX_BLOCKS = 4;

/** Reads a PEM private key (PKCS #8, PKCS #1 or SEC 1). Faults name the kind of key at most, never a part of it. */
export function readPrivateKey(octets: Buffer): PrivateKeyReading {
  if (octets.length > MAX_KEY_BYTES) return fault(`must be at most ${MAX_KEY_BYTES} octets`, `${octets.length} octets`);
  const block = pemBlocks(octets.toString('latin1'), MAX_BLOCKS).find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (block === undefined) return fault('must be a PEM private key', `${octets.length} octets without one`);
  // RFC 1421 encryption of the traditional forms is announced inside the block.
  if (block.label === 'ENCRYPTED PRIVATE KEY' || block.text.includes('Proc-Type: 4,ENCRYPTED')) {
    return fault('must not be encrypted', 'a key with a passphrase');
  }
  const key = parse(block.text);
  if (key === null) return fault('must be a private key that can be read', 'unreadable');
  const weakness = unfitness(key);
  return weakness === null ? { type: 'key', key } : fault(weakness.rule, weakness.value);
}

function parse(text: string): KeyObject | null {
  try {
    return createPrivateKey(text);
  } catch {
    // The reason OpenSSL gives ("unsupported", "asn1 encoding routines") helps nobody and may depend on the octets.
    return null;
  }
}

function unfitness(key: KeyObject): { readonly rule: string; readonly value: string } | null {
  const type = key.asymmetricKeyType;
  if (type === 'ed25519') return null;
  if (type === 'rsa' || type === 'rsa-pss') {
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    if (bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS) return null;
    return { rule: `an RSA key must have ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits`, value: `${bits} bits` };
  }
  if (type === 'ec') {
    const curve = key.asymmetricKeyDetails?.namedCurve ?? 'explicit parameters';
    return CURVES.has(curve) ? null : { rule: 'an EC key must be on P-256, P-384 or P-521', value: curve };
  }
  return { rule: 'must be an RSA, EC or Ed25519 key', value: String(type) };
}

function fault(rule: string, value: string): PrivateKeyReading {
  return { type: 'fault', fault: refusal(KEY_FIELD, rule, value) };
}
