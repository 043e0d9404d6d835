import type { KeyObject, X509Certificate } from 'node:crypto';
import { readPrivateKey } from '../../certificates/privateKey.ts';
import { parseCertificate, printBundle, readBundle } from './authorityBundle.ts';

/** An authority that can sign: its certificate and key. */
export interface Signer {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

/** The certificate that replicas show, and its key. */
export interface Serving {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

/** What the Secret that all replicas share says. Parts that cannot be used are null, and named in `faults`. */
export interface WebhookSecret {
  /** Whom the API server is to trust; of what is in use the oldest first. */
  readonly authorities: readonly X509Certificate[];
  /** Signs serving certificates. */
  readonly signer: Signer | null;
  /** Will sign once the API server trusts it. */
  readonly next: Signer | null;
  readonly serving: Serving | null;
  /** Keys of the Secret whose content is of no use, with the rule they break; never a part of the content. */
  readonly faults: readonly string[];
}

/** Keys of the Secret's data. */
export const SECRET_KEYS = {
  authorities: 'ca.crt',
  signerKey: 'ca.key',
  nextKey: 'next-ca.key',
  serving: 'tls.crt',
  servingKey: 'tls.key',
} as const;

/** The Secret before anything was written to it: the chart makes it empty. */
export const EMPTY_SECRET: WebhookSecret = { authorities: [], signer: null, next: null, serving: null, faults: [] };

/** Reads the Secret's data; never throws. */
export function readWebhookSecret(data: ReadonlyMap<string, Buffer>): WebhookSecret {
  const faults: string[] = [];
  const bundle = readBundle(data.get(SECRET_KEYS.authorities) ?? Buffer.alloc(0));
  if (bundle.unreadable > 0) faults.push(`${SECRET_KEYS.authorities} must hold PEM certificates of authorities only`);
  const { authorities } = bundle;
  return {
    authorities,
    signer: readSigner(SECRET_KEYS.signerKey, { data, authorities, faults }),
    next: readSigner(SECRET_KEYS.nextKey, { data, authorities, faults }),
    serving: readServing(data, faults),
    faults,
  };
}

/** The Secret's data as texts; null: the key is to be removed. */
export function printWebhookSecret(secret: WebhookSecret): ReadonlyMap<string, string | null> {
  const text = (key: KeyObject | undefined): string | null => (key === undefined ? null : printKey(key));
  return new Map([
    [SECRET_KEYS.authorities, printBundle(secret.authorities)],
    [SECRET_KEYS.signerKey, text(secret.signer?.key)],
    [SECRET_KEYS.nextKey, text(secret.next?.key)],
    [SECRET_KEYS.serving, secret.serving?.certificate.toString() ?? null],
    [SECRET_KEYS.servingKey, text(secret.serving?.key)],
  ]);
}

/** PKCS #8 in PEM. */
export function printKey(key: KeyObject): string {
  return String(key.export({ type: 'pkcs8', format: 'pem' }));
}

interface Reading {
  readonly data: ReadonlyMap<string, Buffer>;
  readonly authorities: readonly X509Certificate[];
  readonly faults: string[];
}

function readSigner(name: string, { data, authorities, faults }: Reading): Signer | null {
  const key = readKey(name, data, faults);
  if (key === null) return null;
  const certificate = authorities.find((authority) => authority.checkPrivateKey(key));
  if (certificate !== undefined) return { certificate, key };
  faults.push(`${name} must belong to a certificate in ${SECRET_KEYS.authorities}`);
  return null;
}

function readServing(data: ReadonlyMap<string, Buffer>, faults: string[]): Serving | null {
  const octets = data.get(SECRET_KEYS.serving) ?? Buffer.alloc(0);
  const key = readKey(SECRET_KEYS.servingKey, data, faults);
  if (octets.length === 0) return null;
  const certificate = parseCertificate(octets.toString('latin1'));
  if (certificate === null) faults.push(`${SECRET_KEYS.serving} must be a PEM certificate`);
  if (certificate === null || key === null) return null;
  if (certificate.checkPrivateKey(key)) return { certificate, key };
  faults.push(`${SECRET_KEYS.servingKey} must belong to the certificate in ${SECRET_KEYS.serving}`);
  return null;
}

function readKey(name: string, data: ReadonlyMap<string, Buffer>, faults: string[]): KeyObject | null {
  const octets = data.get(name) ?? Buffer.alloc(0);
  if (octets.length === 0) return null;
  const reading = readPrivateKey(octets);
  if (reading.type === 'key') return reading.key;
  faults.push(`${name} ${reading.fault.rule}`);
  return null;
}
