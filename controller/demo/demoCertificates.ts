import { generateKeyPairSync } from 'node:crypto';
import { issueCertificate } from '../certificates/issueCertificate.ts';

/** PEM texts of a certificate made for the demo, and of the authority that signed it, which curl is told to trust. */
export interface DemoCertificate {
  readonly authorityPem: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

const AUTHORITY = 'Gatehouse Demo Authority';
const VALIDITY_MS = 30 * 24 * 3_600_000;
/** For machines whose clocks differ a little. */
const BACKDATE_MS = 3_600_000;

/** Makes an authority whose key is forgotten at once, and a server certificate for `dnsName` that it signed. */
export function makeDemoCertificate(dnsName: string, nowMs: number): DemoCertificate {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = { commonName: AUTHORITY, privateKey: authority.privateKey };
  const validity = { notBeforeMs: nowMs - BACKDATE_MS, notAfterMs: nowMs + VALIDITY_MS };
  const authorityTemplate = { ...validity, commonName: AUTHORITY, dnsNames: [], usage: 'authority' } as const;
  const serverTemplate = { ...validity, commonName: dnsName, dnsNames: [dnsName], usage: 'server' } as const;
  return {
    authorityPem: issueCertificate(authorityTemplate, authority.publicKey, issuer),
    certificatePem: issueCertificate(serverTemplate, server.publicKey, issuer),
    privateKeyPem: server.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
}
