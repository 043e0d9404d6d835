import type { CertificateKey } from '../../core/ir/certificate.ts';
import type { ClientTls } from '../http/exchange.ts';
import type { LocalAnswer } from '../observe/answerReason.ts';
import type { ClientAuthPolicy } from '../tls/clientAuthPolicy.ts';
import { commonNames } from '../tls/distinguishedName.ts';

/** Why a connection may not carry a request, and what its client is answered. */
export interface Unfit {
  readonly status: 302 | 400 | 403 | 421;
  readonly by: Extract<LocalAnswer, 'misdirected' | 'clientCertificate'>;
  readonly fields: readonly [string, string][];
  /** In words, for `explain` and tests. */
  readonly reason: string;
}

/** Whether a connection that was given the certificate `key` may carry requests for `host`. */
export type CertificateCoverage = (key: CertificateKey, host: string) => boolean;

/**
 * Whether the server name of the TLS connection allows a request for `host` (lower case, no port); null: it does. RFC 9110
 * section 7.4: a request is misdirected (421) when its host would have been given another certificate than the connection has.
 * So a connection for one name of a certificate serves its other names (HTTP/2 clients share connections so, RFC 9113 section
 * 9.1.1), and nothing else.
 *
 * A client that sent no server name has selected nothing, so there is nothing to contradict: it was shown the default
 * certificate and may ask for any host, as health checks and old clients do that connect by address
 * (`curl -k https://192.0.2.1/ -H 'Host: shop.test'`). What protects a host, its client policy, is judged by `unfitClient` in
 * any case.
 */
export function misdirected(tls: ClientTls, host: string, covers: CertificateCoverage): Unfit | null {
  if (tls.serverName === null || tls.serverName === host || covers(tls.certificate, host)) return null;
  return refusal(421, 'misdirected', `the connection was made for ${tls.serverName}, whose certificate is not the one of this host`);
}

/**
 * Whether the connection fulfils what the host asks of its clients' certificates; null: it does. A certificate counts only on a
 * connection whose handshake was made under this very policy; on any other the client is told to make a new connection for the
 * host (421). Over plain HTTP there is none to show: 403 where one is required. A missing or invalid certificate is answered 400, a common name that
 * does not match 403, as by ingress-nginx; with an error page all but 421 and the name lead there (302).
 */
export function unfitClient(tls: ClientTls | null, { auth, allowsCommonName }: ClientAuthPolicy): Unfit | null {
  if (tls === null && auth.mode === 'required') {
    return elsewhere(auth.errorPage) ?? refusal(403, 'clientCertificate', 'the host asks for a client certificate, and the connection is not TLS');
  }
  // Where a certificate is optional, a connection that cannot show one is as good as one that does not.
  const shown = tls === null ? { identity: auth.identity, verify: 'NONE', certificate: null } : tls.clientAuth;
  if (shown?.identity !== auth.identity) {
    return refusal(421, 'misdirected', 'the TLS handshake did not ask for the client certificate that the host asks for');
  }
  const isMissing = shown.verify === 'NONE' && auth.mode === 'required';
  const isInvalid = shown.verify !== 'NONE' && shown.verify !== 'SUCCESS' && auth.mode !== 'optionalNoCa';
  if (isMissing || isInvalid) {
    const reason = isMissing ? 'the client sent no certificate' : `the client's certificate was not accepted (${shown.verify})`;
    return elsewhere(auth.errorPage) ?? refusal(400, 'clientCertificate', reason);
  }
  if (auth.matchCommonName === null || commonNames(shown.certificate?.subjectDn ?? '').some(allowsCommonName)) return null;
  return refusal(403, 'clientCertificate', 'the common name of the client\'s certificate does not match');
}

function elsewhere(errorPage: string | null): Unfit | null {
  if (errorPage === null) return null;
  return { ...refusal(302, 'clientCertificate', 'no client certificate was accepted'), fields: [['Location', errorPage]] };
}

function refusal(status: Unfit['status'], by: Unfit['by'], reason: string): Unfit {
  return { status, by, fields: [], reason };
}
