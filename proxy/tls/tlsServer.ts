import { createHash, constants } from 'node:crypto';
import { createServer, type SecureContextOptions, type Server, type TlsOptions } from 'node:tls';
import type { Certificate } from '../../core/ir/certificate.ts';
import type { ClientAuthPolicy } from './clientAuthPolicy.ts';
import { pemBlocks } from './pemBlocks.ts';
import { TLS_PROTOCOL } from './tlsProtocol.ts';

export interface TlsServerOptions {
  /** Null: none, so that every handshake fails, with the alert that OpenSSL finds right for it. */
  readonly certificate: Certificate | null;
  /** Null: no client certificate is asked for. */
  readonly policy: ClientAuthPolicy | null;
  /**
   * ALPN protocol ids, most wanted first; the choice is `alpnProtocol` of each socket. A client that offers only others is
   * refused (RFC 7301 3.2), one that offers none is served.
   */
  readonly alpnProtocols: readonly string[];
  /** From the ClientHello to the end of the handshake; later it is cut. */
  readonly handshakeTimeoutMs: number;
  /** 48 octets; null: sessions are not resumed. */
  readonly ticketKeys: Buffer | null;
}

/** How long a session may be resumed, seconds: ingress-nginx's `ssl-session-timeout`. */
const SESSION_TIMEOUT_SECONDS = 600;

/** What a context shows of a certificate. Throws OpenSSL's error when the certificate cannot be used. */
export function certificateOptions(certificate: Certificate | null): SecureContextOptions {
  if (certificate === null) return TLS_PROTOCOL;
  return { ...TLS_PROTOCOL, cert: certificate.chainPem, key: certificate.privateKeyPem };
}

/**
 * A TLS server that never listens: connections are given to it as `connection` events, and `secureConnection` delivers sockets
 * whose handshake is done, half-open capable, as HTTP and tunnels need. A client's certificate is asked for and verified, but
 * decides nothing here. Throws OpenSSL's error when certificate, authorities or revocation lists cannot be used.
 */
export function createTlsServer(options: TlsServerOptions): Server {
  const { certificate, policy, ticketKeys } = options;
  const shown = certificateOptions(certificate);
  const server = createServer({
    ...shown,
    ...(policy === null ? {} : clientAuthOptions(policy)),
    secureOptions: (shown.secureOptions ?? 0) | (ticketKeys === null ? constants.SSL_OP_NO_TICKET : 0),
    ...(ticketKeys === null ? {} : { ticketKeys }),
    sessionIdContext: sessionIdContextOf(certificate, policy),
    sessionTimeout: SESSION_TIMEOUT_SECONDS,
    ALPNProtocols: [...options.alpnProtocols],
    handshakeTimeout: options.handshakeTimeoutMs,
    noDelay: true,
  });
  // Not from the start: a client that closes its side during the handshake would be kept until the timeout.
  server.on('secureConnection', (socket) => (socket.allowHalfOpen = true));
  return server;
}

function clientAuthOptions(policy: ClientAuthPolicy): TlsOptions {
  const { authoritiesPem, crlPem } = policy.auth;
  return {
    requestCert: true,
    // Requests are judged one by one: whom a missing certificate keeps out is answered, not cut.
    rejectUnauthorized: false,
    ca: authoritiesPem,
    // One by one: Node reads only the first of a text.
    ...(crlPem === null ? {} : { crl: [...pemBlocks(crlPem, 'X509 CRL')] }),
  };
}

/** OpenSSL resumes no session of another context; Node's own choice would depend on the command line. At most 32 characters. */
function sessionIdContextOf(certificate: Certificate | null, policy: ClientAuthPolicy | null): string {
  const scope = JSON.stringify([certificate?.fingerprint, policy?.auth.identity]);
  return createHash('sha256').update(scope).digest('hex').slice(0, 32);
}
