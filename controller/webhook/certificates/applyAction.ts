import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { issueCertificate } from '../../certificates/issueCertificate.ts';
import {
  adoptable,
  AUTHORITY_NAME,
  AUTHORITY_VALIDITY_MS,
  BACKDATE_MS,
  servingEndMs,
  type CertificateAction,
  type CertificateState,
} from './planCertificates.ts';
import type { Serving, Signer, WebhookSecret } from './webhookSecret.ts';

/** An action that changes the Secret. */
export type SecretAction = Exclude<CertificateAction, { readonly type: 'publish' }>;

/** The Secret after an action; makes keys where the action asks for them. */
export function applyAction(action: SecretAction, state: CertificateState): WebhookSecret {
  const { secret, nowMs } = state;
  switch (action.type) {
    case 'removeExpired':
      return withoutExpired(secret, nowMs);
    case 'adopt':
      return { ...secret, authorities: [...adoptable(state), ...secret.authorities] };
    case 'addAuthority': {
      const signer = makeAuthority(nowMs);
      return { ...secret, authorities: [...secret.authorities, signer.certificate], [action.as]: signer };
    }
    case 'promoteNext':
      return { ...secret, signer: secret.next, next: null };
    case 'issueServing':
      return secret.signer === null ? secret : { ...secret, serving: issueServing(secret.signer, state) };
  }
}

function withoutExpired(secret: WebhookSecret, nowMs: number): WebhookSecret {
  const authorities = secret.authorities.filter(({ validToDate }) => validToDate.getTime() > nowMs);
  const kept = (signer: Signer | null): Signer | null =>
    signer !== null && authorities.includes(signer.certificate) ? signer : null;
  return { ...secret, authorities, signer: kept(secret.signer), next: kept(secret.next) };
}

/** Each authority has a name of its own: a client that finds two by one name may try the wrong key only. */
function makeAuthority(nowMs: number): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const commonName = `${AUTHORITY_NAME} ${new Date(nowMs).toISOString().slice(0, 10)} ${randomBytes(4).toString('hex')}`;
  const template = {
    commonName,
    dnsNames: [],
    notBeforeMs: nowMs - BACKDATE_MS,
    notAfterMs: nowMs + AUTHORITY_VALIDITY_MS,
    usage: 'authority',
  } as const;
  const pem = issueCertificate(template, publicKey, { commonName, privateKey });
  return { certificate: new X509Certificate(pem), key: privateKey };
}

function issueServing(signer: Signer, { nowMs, dnsNames }: CertificateState): Serving {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const template = {
    commonName: dnsNames[0] ?? 'gatehouse-webhook',
    dnsNames,
    notBeforeMs: nowMs - BACKDATE_MS,
    notAfterMs: servingEndMs(signer.certificate, nowMs),
    usage: 'server',
  } as const;
  const issuer = { commonName: commonNameOf(signer.certificate), privateKey: signer.key };
  return { certificate: new X509Certificate(issueCertificate(template, publicKey, issuer)), key: privateKey };
}

/** Of a subject that is a common name and nothing else, as ours are. */
function commonNameOf(certificate: X509Certificate): string {
  return certificate.subject.replace(/^CN=/, '');
}
