import { generateKeyPairSync } from 'node:crypto';
import { issueCertificate } from '../certificates/issueCertificate.ts';

/** PEM texts of a certificate made for the demo. */
export interface DemoCertificate {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** One authority, which curl is told to trust, and what it has signed. */
export interface DemoCertificates<Name extends string> {
  readonly authorityPem: string;
  readonly certificates: Readonly<Record<Name, DemoCertificate>>;
}

const AUTHORITY = 'Gatehouse Demo Authority';
const VALIDITY_MS = 30 * 24 * 3_600_000;
/** For machines whose clocks differ a little. */
const BACKDATE_MS = 3_600_000;

/** Makes an authority whose key is forgotten at once, and a server certificate that it signed for each DNS name. */
export function makeDemoCertificates<Name extends string>(dnsNames: readonly Name[], nowMs: number): DemoCertificates<Name> {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = { commonName: AUTHORITY, privateKey: authority.privateKey };
  const validity = { notBeforeMs: nowMs - BACKDATE_MS, notAfterMs: nowMs + VALIDITY_MS };
  const template = { ...validity, commonName: AUTHORITY, dnsNames: [], usage: 'authority' } as const;
  const signed = dnsNames.map((dnsName) => {
    const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const serverTemplate = { ...validity, commonName: dnsName, dnsNames: [dnsName], usage: 'server' } as const;
    const certificatePem = issueCertificate(serverTemplate, server.publicKey, issuer);
    return [dnsName, { certificatePem, privateKeyPem: server.privateKey.export({ type: 'pkcs8', format: 'pem' }) }] as const;
  });
  return {
    authorityPem: issueCertificate(template, authority.publicKey, issuer),
    certificates: Object.fromEntries(signed) as Record<Name, DemoCertificate>,
  };
}
