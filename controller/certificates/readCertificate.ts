import { createSecureContext } from 'node:tls';
import { CHAIN_FIELD, KEY_FIELD, refusal, warning, type CertificateFault } from './certificateFault.ts';
import { orderChain, readCertificates } from './certificateChain.ts';
import { namesOf } from './certificateNames.ts';
import { fingerprintOf } from './defaultCertificate.ts';
import { readPrivateKey } from './privateKey.ts';
import { printValue } from '../../core/ir/problem.ts';
import type { KeyObject, X509Certificate } from 'node:crypto';
import type { Certificate, CertificateKey } from '../../core/ir/certificate.ts';
import type { Secret } from '../model/objects.ts';

export type { CertificateFault } from './certificateFault.ts';
export { certificateCovers } from './certificateNames.ts';

/** What a TLS Secret gives. */
export interface CertificateReading {
  /** Null: nothing that could be served. An expired certificate is still served, as ingress-nginx does. */
  readonly certificate: Certificate | null;
  /** DNS names the certificate is for, for `certificateCovers`; empty when there is no certificate. */
  readonly names: readonly string[];
  readonly faults: readonly CertificateFault[];
}

/** Where a certificate stands in its life; the only part of a reading that changes with time. */
type Phase = 'notYetValid' | 'valid' | 'expiring' | 'expired';

/** A reading without what time adds. */
interface StaticReading extends CertificateReading {
  /** ms since the epoch. */
  readonly notBeforeMs: number;
}

interface Memo {
  readonly base: StaticReading;
  phase: Phase;
  reading: CertificateReading;
}

const EXPIRY_WARNING_MS = 10 * 24 * 60 * 60 * 1000;
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ANY_EXTENDED_KEY_USAGE = '2.5.29.37.0';

/** Secrets are immutable: a change is a new object, so its identity stands for its content. */
const memos = new WeakMap<Secret, Memo>();

/**
 * Reads certificate chain and private key of a Secret of type kubernetes.io/tls (or Opaque with the same keys). Reading is
 * done once per Secret object; the same object is returned for as long as the certificate's age changes nothing.
 * `nowMs` is wall-clock time since the epoch. Never throws.
 */
export function readCertificate(secret: Secret, nowMs: number): CertificateReading {
  const memo = memos.get(secret);
  const base = memo?.base ?? readSafely(secret);
  const phase = phaseOf(base, nowMs);
  if (memo?.phase === phase) return memo.reading;
  const age = base.certificate === null ? null : ageFault(base, base.certificate.notAfterMs, phase);
  const { certificate, names } = base;
  const reading = { certificate, names, faults: age === null ? base.faults : [...base.faults, age] };
  memos.set(secret, { base, phase, reading });
  return reading;
}

/** Getters of X509Certificate throw for extensions they cannot print: one such Secret must not stop the translation. */
function readSafely(secret: Secret): StaticReading {
  try {
    return readStatic(secret);
  } catch {
    return nothing([refusal(CHAIN_FIELD, 'must hold certificates that can be read', 'a malformed field or extension')]);
  }
}

function readStatic(secret: Secret): StaticReading {
  const faults: CertificateFault[] = [];
  const chainOctets = secret.data.get('tls.crt');
  const keyOctets = secret.data.get('tls.key');
  const type = secretTypeFault(secret.type);
  if (type !== null) faults.push(type);
  if (chainOctets === undefined) faults.push(refusal(CHAIN_FIELD, 'is required', ''));
  if (keyOctets === undefined) faults.push(refusal(KEY_FIELD, 'is required', ''));
  if (type?.severity === 'error' || chainOctets === undefined || keyOctets === undefined) return nothing(faults);

  // Both are read before either is judged: all faults of a Secret are reported at once.
  const certificates = readCertificates(chainOctets);
  const key = readPrivateKey(keyOctets);
  if (certificates.type === 'fault') faults.push(certificates.fault);
  else faults.push(...certificates.faults);
  if (key.type === 'fault') faults.push(key.fault);
  if (certificates.type === 'fault' || key.type === 'fault') return nothing(faults);

  const ordered = orderChain(certificates.certificates, key.key);
  if (ordered.type === 'fault') return nothing([...faults, ordered.fault]);
  return certificateOf(secret, ordered.chain, { key: key.key, faults: [...faults, ...ordered.faults] });
}

function certificateOf(
  secret: Secret,
  chain: readonly [X509Certificate, ...X509Certificate[]],
  { key, faults }: { readonly key: KeyObject; readonly faults: readonly CertificateFault[] },
): StaticReading {
  const [leaf] = chain;
  const notBeforeMs = leaf.validFromDate.getTime();
  const notAfterMs = leaf.validToDate.getTime();
  if (!Number.isFinite(notBeforeMs) || !Number.isFinite(notAfterMs)) {
    return nothing([...faults, refusal(CHAIN_FIELD, 'must have a validity that can be read', printValue(leaf.validTo))]);
  }
  const { names, faults: nameFaults } = namesOf(leaf);
  const certificate: Certificate = {
    key: `${secret.metadata.namespace}/${secret.metadata.name}` as CertificateKey,
    // Printed anew from what was parsed: what stood around the blocks never leaves this process.
    chainPem: chain.map((member) => member.toString()).join(''),
    privateKeyPem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    fingerprint: fingerprintOf(leaf),
    notAfterMs,
  };
  const refused = tlsRefusal(certificate);
  if (refused !== null) return nothing([...faults, refused]);
  return { certificate, names, faults: [...faults, ...chainFaults(chain), ...nameFaults], notBeforeMs };
}

/** The proxy would learn too late that OpenSSL's security level forbids a chain (an issuer's key too small, say): asked here. */
function tlsRefusal(certificate: Certificate): CertificateFault | null {
  try {
    createSecureContext({ cert: certificate.chainPem, key: certificate.privateKeyPem, ca: [] });
    return null;
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'refused';
    return refusal(CHAIN_FIELD, 'must be strong enough for TLS', reason);
  }
}

/** Faults of certificates that are served nevertheless. */
function chainFaults(chain: readonly [X509Certificate, ...X509Certificate[]]): CertificateFault[] {
  const faults: CertificateFault[] = [];
  const weak = chain.find((certificate) => !isSelfSigned(certificate) && hasWeakSignature(certificate));
  if (weak !== undefined) {
    const rule = 'must not be signed with SHA-1 or MD5';
    faults.push(warning(CHAIN_FIELD, rule, printValue(weak.signatureAlgorithm), 'it is served, but clients may refuse it'));
  }
  const usages = chain[0].keyUsage;
  if (usages !== undefined && !usages.includes(SERVER_AUTH) && !usages.includes(ANY_EXTENDED_KEY_USAGE)) {
    const rule = 'must be for TLS servers (extended key usage serverAuth)';
    faults.push(warning(CHAIN_FIELD, rule, printValue(usages.join(', ')), 'it is served, but clients may refuse it'));
  }
  return faults;
}

/** Nobody checks the signature of a trust anchor. */
function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer;
}

function hasWeakSignature(certificate: X509Certificate): boolean {
  const algorithm = (certificate.signatureAlgorithm ?? '').toLowerCase();
  return algorithm.includes('sha1') || algorithm.includes('md5');
}

function secretTypeFault(type: string): CertificateFault | null {
  switch (type) {
    case 'kubernetes.io/tls':
      return null;
    case '':
    case 'Opaque':
      return warning('type', 'must be kubernetes.io/tls', printValue(type === '' ? 'Opaque' : type), 'its tls.crt and tls.key are used');
    default:
      return refusal('type', 'must be kubernetes.io/tls', printValue(type));
  }
}

function phaseOf(base: StaticReading, nowMs: number): Phase {
  if (base.certificate === null) return 'valid';
  const { notAfterMs } = base.certificate;
  if (nowMs > notAfterMs) return 'expired';
  if (nowMs < base.notBeforeMs) return 'notYetValid';
  return notAfterMs - nowMs <= EXPIRY_WARNING_MS ? 'expiring' : 'valid';
}

function ageFault(base: StaticReading, notAfterMs: number, phase: Phase): CertificateFault | null {
  const servedInVain = 'it is served, but clients refuse it';
  const from = `not before ${new Date(base.notBeforeMs).toISOString()}`;
  const until = `not after ${new Date(notAfterMs).toISOString()}`;
  switch (phase) {
    case 'valid':
      return null;
    case 'expired':
      return { severity: 'error', field: CHAIN_FIELD, rule: 'must not have expired', value: until, effect: servedInVain };
    case 'notYetValid':
      return { severity: 'error', field: CHAIN_FIELD, rule: 'must be valid already', value: from, effect: servedInVain };
    case 'expiring':
      return warning(CHAIN_FIELD, 'must be renewed within 10 days', until, 'it is served until then, after that clients refuse it');
  }
}

function nothing(faults: readonly CertificateFault[]): StaticReading {
  return { certificate: null, names: [], faults, notBeforeMs: 0 };
}
