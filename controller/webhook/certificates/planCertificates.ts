import type { X509Certificate } from 'node:crypto';
import type { WebhookSecret } from './webhookSecret.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** A year, so that every rotation is an ordinary event and not one that nobody has ever seen. */
export const AUTHORITY_VALIDITY_MS = 365 * DAY_MS;
export const SERVING_VALIDITY_MS = 90 * DAY_MS;
/** Peers whose clock is behind take new certificates too. */
export const BACKDATE_MS = 60 * 60 * 1000;
/**
 * How long a new authority stands in the configuration before it signs: every API server has then seen it, as they follow
 * webhook configurations by a watch.
 */
export const SETTLE_MS = 60 * 1000;
/** Beyond that many in the bundle no older one is adopted: losing the Secret again and again must not fill it. */
const MAX_ADOPTED = 12;
/** Every authority of ours has a common name that begins so. */
export const AUTHORITY_NAME = 'gatehouse-webhook-ca';

/** One step towards good certificates. All but `publish` change the Secret only. */
export type CertificateAction =
  /** Authorities that have expired leave the bundle. */
  | { readonly type: 'removeExpired' }
  /** Unexpired authorities of ours that the configuration trusts enter the bundle: replicas may still show what they have signed. */
  | { readonly type: 'adopt' }
  /** A new authority: `signer` at once where nobody trusts any yet, else as the next one. */
  | { readonly type: 'addAuthority'; readonly as: 'signer' | 'next' }
  /** The next authority signs from now on; the key of the one before is thrown away. */
  | { readonly type: 'promoteNext' }
  /** A new serving certificate. */
  | { readonly type: 'issueServing'; readonly reason: string }
  /** The configuration is told to trust exactly the bundle. */
  | { readonly type: 'publish' };

/** What is planned from. */
export interface CertificateState {
  /** Wall clock, ms since the epoch. */
  readonly nowMs: number;
  readonly secret: WebhookSecret;
  /** Names the serving certificate must have. */
  readonly dnsNames: readonly string[];
  /** What the configuration trusts, in every one of its webhooks; null: there is no configuration. */
  readonly published: readonly X509Certificate[] | null;
  /** For how long it has been known to trust the whole bundle; null: it does not. */
  readonly publishedForMs: number | null;
}

/**
 * The next thing to do, or null when all is well. Two rules make rotation safe: an authority signs only after the API
 * server has been told of it, and it stays trusted until it has expired, longer than anything it has signed.
 */
export function planCertificates(state: CertificateState): CertificateAction | null {
  return planAuthorities(state) ?? planServing(state) ?? planPublication(state);
}

/** When two thirds of its validity have passed, so that a third is left to find out why renewal fails. */
export function renewalDueMs(certificate: X509Certificate): number {
  const from = certificate.validFromDate.getTime();
  return from + ((certificate.validToDate.getTime() - from) * 2) / 3;
}

/** Authorities of ours that the configuration trusts and the Secret no longer knows. Others' are not taken over: they may be for ever. */
export function adoptable({ nowMs, secret, published }: Pick<CertificateState, 'nowMs' | 'secret' | 'published'>): readonly X509Certificate[] {
  const known = new Set(secret.authorities.map(({ fingerprint256 }) => fingerprint256));
  const fits = (certificate: X509Certificate): boolean =>
    certificate.subject.startsWith(`CN=${AUTHORITY_NAME} `) && !isExpired(certificate, nowMs) && !known.has(certificate.fingerprint256);
  const newestFirst = (published ?? []).filter(fits).toSorted((a, b) => b.validFromDate.getTime() - a.validFromDate.getTime());
  return newestFirst.slice(0, Math.max(0, MAX_ADOPTED - known.size)).toReversed();
}

/** When what the signer issues now ends: never after the signer itself, which is trusted until it expires and no longer. */
export function servingEndMs(signer: X509Certificate, nowMs: number): number {
  return Math.min(nowMs + SERVING_VALIDITY_MS, signer.validToDate.getTime());
}

function planAuthorities({ nowMs, secret, published, publishedForMs }: CertificateState): CertificateAction | null {
  const { authorities, signer, next } = secret;
  if (authorities.some((authority) => isExpired(authority, nowMs))) return { type: 'removeExpired' };
  if (adoptable({ nowMs, secret, published }).length > 0) return { type: 'adopt' };
  if (next !== null) return mayPromote(secret, publishedForMs) ? { type: 'promoteNext' } : null;
  if (signer === null) return { type: 'addAuthority', as: authorities.length === 0 ? 'signer' : 'next' };
  return nowMs >= renewalDueMs(signer.certificate) ? { type: 'addAuthority', as: 'next' } : null;
}

/** Nobody can trust what comes from elsewhere when the next authority is the only one left: then there is nothing to wait for. */
function mayPromote({ authorities, signer }: WebhookSecret, publishedForMs: number | null): boolean {
  const alone = signer === null && authorities.length === 1;
  return alone || (publishedForMs !== null && publishedForMs >= SETTLE_MS);
}

function planServing(state: CertificateState): CertificateAction | null {
  const { signer } = state.secret;
  if (signer === null) return null;
  const reason = whyReissue(state, signer.certificate);
  return reason === null ? null : { type: 'issueServing', reason };
}

function whyReissue({ nowMs, secret, dnsNames }: CertificateState, signer: X509Certificate): string | null {
  if (secret.serving === null) return 'there is none';
  const { certificate } = secret.serving;
  if (!secret.authorities.some((authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey))) {
    return 'no known authority has signed it';
  }
  if (!dnsNames.every((name) => certificate.checkHost(name, { wildcards: false }) !== undefined)) return 'it lacks a name of the Service';
  // Near its own end a signer could only repeat itself.
  const gainMs = servingEndMs(signer, nowMs) - certificate.validToDate.getTime();
  return nowMs >= renewalDueMs(certificate) && gainMs >= DAY_MS ? 'two thirds of its validity have passed' : null;
}

function planPublication({ secret, published }: CertificateState): CertificateAction | null {
  if (published === null || secret.authorities.length === 0) return null;
  const wanted = new Set(secret.authorities.map(({ fingerprint256 }) => fingerprint256));
  const same = wanted.size === published.length && published.every(({ fingerprint256 }) => wanted.has(fingerprint256));
  return same ? null : { type: 'publish' };
}

function isExpired(certificate: X509Certificate, nowMs: number): boolean {
  return certificate.validToDate.getTime() <= nowMs;
}
