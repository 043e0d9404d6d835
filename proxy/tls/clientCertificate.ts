import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { ClientAuthResult } from '../http/exchange.ts';
import { leadsToAuthority } from './chainDepth.ts';
import type { ClientAuthPolicy } from './clientAuthPolicy.ts';
import { distinguishedName } from './distinguishedName.ts';
import { verifyReason } from './verifyReason.ts';

/**
 * What a finished handshake under `policy` says of the client's certificate. Asks for the X509Certificate only: the older
 * `getPeerCertificate()` of Node 26.10 crashes the process for keys on secp256k1.
 */
export function judgeClientCertificate(socket: TLSSocket, policy: ClientAuthPolicy): ClientAuthResult {
  const { identity } = policy.auth;
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return { identity, verify: 'NONE', certificate: null };
  try {
    const certificate = { subjectDn: distinguishedName(leaf.subject), issuerDn: distinguishedName(leaf.issuer), pem: leaf.toString() };
    return { identity, verify: verdictOf(socket, leaf, policy), certificate };
  } catch {
    // Whatever a stranger's certificate holds, it ends no more than his own hopes.
    return { identity, verify: 'FAILED:the certificate cannot be read', certificate: null };
  }
}

function verdictOf(socket: TLSSocket, leaf: X509Certificate, policy: ClientAuthPolicy): string {
  if (!socket.authorized) return `FAILED:${verifyReason(codeOf(socket.authorizationError))}`;
  const isShort = leadsToAuthority(leaf, policy.authorities(), policy.auth.depth);
  return isShort ? 'SUCCESS' : `FAILED:${verifyReason('CERT_CHAIN_TOO_LONG')}`;
}

/** Node gives a code where its types promise an Error. */
function codeOf(error: unknown): string {
  if (typeof error === 'string') return error;
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
