import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { TlsContexts } from './tlsContexts.ts';

/** Protocols the HTTP/1 codec serves, in order of preference. Some clients offer `http/1.0` alone. */
export const HTTP1_ALPN: readonly string[] = ['http/1.1', 'http/1.0'];

export interface TlsServerOptions {
  /**
   * ALPN protocol ids, most wanted first; the choice is `alpnProtocol` of each socket. A client that offers only others is
   * refused (RFC 7301 3.2), one that offers none is served.
   */
  readonly alpnProtocols: readonly string[];
  /** From the accepted connection to the end of the handshake; later it is cut. Holds for the server's life. */
  readonly handshakeTimeoutMs: number;
}

/** Why a connection never became a TLS connection, for metrics: an error code such as `ERR_SSL_NO_SHARED_CIPHER` or `ECONNRESET`. */
export interface HandshakeFailure {
  readonly code: string;
}

export interface TlsServerDependencies {
  /** Called once per failed handshake; the connection is closed already. */
  readonly onHandshakeFailure: (failure: HandshakeFailure) => void;
}

/**
 * A TLS server that is not yet listening; `secureConnection` delivers sockets whose handshake is done. It follows the
 * contexts' default certificate until it is closed. Sockets are half-open capable, as HTTP and tunnels need.
 */
export function createTlsServer(
  contexts: TlsContexts,
  options: TlsServerOptions,
  dependencies: TlsServerDependencies,
): Server {
  const server = createServer({
    ...contexts.defaultOptions,
    ALPNProtocols: [...options.alpnProtocols],
    handshakeTimeout: options.handshakeTimeoutMs,
    noDelay: true,
    SNICallback: (serverName, done) => done(null, contexts.contextFor(serverName)),
  });
  // Not from the start: a client that closes its side during the handshake would be kept until the timeout.
  server.on('secureConnection', (socket) => (socket.allowHalfOpen = true));
  const stopFollowing = contexts.onDefaultChanged(() => server.setSecureContext(contexts.defaultOptions));
  server.once('close', stopFollowing);
  // Node leaves the socket open after a handshake timeout unless somebody listens here.
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    socket.destroy();
    dependencies.onHandshakeFailure({ code: 'code' in error ? String(error.code) : 'unknown' });
  });
  return server;
}
