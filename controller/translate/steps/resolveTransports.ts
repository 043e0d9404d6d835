import type { Certificate, CertificateKey } from '../../../core/ir/certificate.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import { readAuthorities } from '../../certificates/readAuthorities.ts';
import { readCertificate } from '../../certificates/readCertificate.ts';
import type { Secret } from '../../model/objects.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { denialEffect, widerDenial } from '../annotations/judgeUnsupported.ts';
import type { IngressPlan } from '../ingressPlan.ts';
import { findOwnSecret, printSecretName } from '../ownSecret.ts';
import { problemOf, type Finding } from '../problemOf.ts';
import { digestTransport, type BackendTlsWish, type TransportPolicy, type TransportWish } from '../transportPolicy.ts';

/** Plans whose backend policies say how backends are spoken to. */
export interface ResolvedTransports {
  readonly plans: readonly IngressPlan[];
  /** Shown to backends that ask for one. */
  readonly certificates: ReadonlyMap<CertificateKey, Certificate>;
  readonly problems: readonly Problem[];
}

/** What the Secret of one Ingress gives. */
interface Material {
  readonly authorities: { readonly pem: string; readonly digest: string } | null;
  readonly certificate: Certificate | null;
}

type Outcome<T> = { readonly type: 'found'; readonly value: T } | { readonly type: 'fault'; readonly finding: Finding };

const NO_MATERIAL: Material = { authorities: null, certificate: null };

/**
 * Looks up the Secrets of backend TLS. An Ingress whose Secret is missing or broken, or that wants certificates verified and
 * has no authority to verify them by, is denied: its requests never go out in clear text or to whoever answers.
 */
export function resolveTransports(plans: readonly IngressPlan[], objects: ObjectIndex, nowMs: number): ResolvedTransports {
  const certificates = new Map<CertificateKey, Certificate>();
  const problems: Problem[] = [];
  const resolved = plans.map((plan) => {
    const wish = plan.transportWish;
    if (wish === null) return plan;
    const material = wish.tls === null ? found(NO_MATERIAL) : materialOf(plan, wish.tls, objects);
    if (material.type === 'fault') {
      const { finding } = material;
      const effect = plan.canary === null ? finding.effect : 'the canary takes no requests';
      problems.push(problemOf(plan.ingress, { ...finding, effect }));
      return deny(plan, finding);
    }
    const { certificate } = material.value;
    if (certificate !== null) certificates.set(certificate.key, certificate);
    if (wish.tls !== null && certificate !== null && certificate.notAfterMs < nowMs) {
      problems.push(problemOf(plan.ingress, expired(wish.tls, certificate)));
    }
    return { ...plan, backendPolicy: { ...plan.backendPolicy, transport: policyOf(wish, material.value) } };
  });
  return { plans: resolved, certificates, problems };
}

function deny(plan: IngressPlan, { field, rule }: Finding): IngressPlan {
  return { ...plan, denial: widerDenial(plan.denial, { scope: 'ingress', reason: `${field} ${rule}` }) };
}

function materialOf(plan: IngressPlan, tls: BackendTlsWish, objects: ObjectIndex): Outcome<Material> {
  if (tls.secret === null) return tls.verify ? unverifiable(tls) : found(NO_MATERIAL);
  const secret = findOwnSecret(plan.ref.namespace, tls.secret, objects);
  if (!secret.ok) return secretFault(tls, secret.rule);
  const authorities = readAuthorities(secret.value);
  if (authorities.type === 'fault') return secretFault(tls, `must name a Secret whose ${authorities.field} ${authorities.rule}`);
  const certificate = certificateOf(secret.value, tls);
  if (certificate.type === 'fault') return certificate;
  if (authorities.type === 'none') {
    if (tls.verify) return unverifiable(tls);
    if (certificate.value === null) return secretFault(tls, 'must name a Secret with ca.crt, or with tls.crt and tls.key');
    return found({ authorities: null, certificate: certificate.value });
  }
  const { authoritiesPem: pem, digest } = authorities.authorities;
  return found({ authorities: tls.verify ? { pem, digest } : null, certificate: certificate.value });
}

/** A Secret of authorities alone has neither key, or has them empty as the type kubernetes.io/tls demands them. */
function certificateOf(secret: Secret, tls: BackendTlsWish): Outcome<Certificate | null> {
  const lengths = ['tls.crt', 'tls.key'].map((key) => secret.data.get(key)?.length ?? 0);
  if (lengths.every((length) => length === 0)) return found(null);
  // Its age is judged here: the reader speaks of certificates for clients.
  const { certificate, faults } = readCertificate(secret, 0);
  if (certificate !== null) return found(certificate);
  const fault = faults.find(({ severity }) => severity === 'error');
  return secretFault(tls, `must name a Secret with a usable certificate: ${fault?.field ?? ''} ${fault?.rule ?? ''}`);
}

function policyOf(wish: TransportWish, { authorities, certificate }: Material): TransportPolicy | null {
  const { protocol, tlsWhen, tls } = wish;
  if (tls === null) {
    // Plain HTTP/1.1 said out loud is still the default.
    return protocol === 'http1' ? null : { protocol, tlsWhen, tls: null, digest: digestTransport([protocol, tlsWhen]) };
  }
  const { verifyDepth, name, sendsName, versions, ciphers } = tls;
  const authoritiesPem = authorities?.pem ?? null;
  const clientCertificate = certificate?.key ?? null;
  const secrets = [authorities?.digest ?? null, clientCertificate, certificate?.fingerprint ?? null];
  return {
    protocol,
    tlsWhen,
    tls: { authoritiesPem, verifyDepth, name, sendsName, clientCertificate, versions, ciphers },
    digest: digestTransport([protocol, tlsWhen, verifyDepth, name, sendsName, versions.min, versions.max, ciphers, ...secrets]),
  };
}

function unverifiable(tls: BackendTlsWish): Outcome<never> {
  const rule = 'needs the authorities of backend certificates: proxy-ssl-secret must name a Secret with ca.crt';
  return { type: 'fault', finding: { severity: 'error', field: tls.verifyField, rule, value: 'on', effect: denialEffect('ingress') } };
}

function secretFault(tls: BackendTlsWish, rule: string): Outcome<never> {
  const value = tls.secret === null ? undefined : printSecretName(tls.secret);
  return { type: 'fault', finding: { severity: 'error', field: tls.secretField, rule, value, effect: denialEffect('ingress') } };
}

function expired(tls: BackendTlsWish, { notAfterMs }: Certificate): Finding {
  return {
    severity: 'error',
    field: tls.secretField,
    rule: 'must name a Secret whose tls.crt has not expired',
    value: `not after ${new Date(notAfterMs).toISOString()}`,
    effect: 'it is shown to backends, but they may refuse it',
  };
}

function found<T>(value: T): Outcome<T> {
  return { type: 'found', value };
}
