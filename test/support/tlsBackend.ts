import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import type { Issued } from './certificates.ts';

/** What a TLS backend saw of a request and the connection below, as it says in its answer. */
export interface SeenByBackend {
  readonly backend: string;
  readonly httpVersion: string;
  readonly host: string;
  readonly secure: boolean;
  /** SNI; null: none was sent. */
  readonly serverName: string | null;
  readonly tlsVersion: string | null;
  /** Common name of the certificate the proxy showed; null: none. */
  readonly client: string | null;
}

export interface TlsBackendOptions {
  /** PEM of those whose certificates clients must show; default: no certificate is asked for. */
  readonly clientAuthority?: string;
}

export interface TlsBackend {
  readonly address: string;
  readonly port: number;
}

/** HTTP/1.1 and HTTP/2 over TLS, and plain HTTP/1.1, on one port of loopback; lives until the test ends. */
export async function startTlsBackend(t: TestContext, name: string, leaf: Issued, { clientAuthority }: TlsBackendOptions = {}): Promise<TlsBackend> {
  const answer = (request: Pick<IncomingMessage, 'httpVersion' | 'headers' | 'socket'>, response: Pick<ServerResponse, 'end'>, socket: Socket): void => {
    const host = request.headers.host ?? String(request.headers[':authority'] ?? '');
    response.end(JSON.stringify({ backend: name, httpVersion: request.httpVersion, host, ...securityOf(socket) }));
  };
  const plain = createHttpServer((request, response) => answer(request, response, request.socket));
  const asked = clientAuthority === undefined ? {} : { ca: clientAuthority, requestCert: true, rejectUnauthorized: true };
  const secure = createSecureServer({ cert: leaf.chainPem, key: leaf.privateKeyPem, allowHTTP1: true, ...asked });
  secure.on('request', (request, response) => {
    const socket = request.httpVersion === '2.0' ? (request.stream.session?.socket as TLSSocket) : request.socket;
    answer(request as unknown as IncomingMessage, response as unknown as ServerResponse, socket);
  });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.once('data', (chunk: Buffer) => {
      socket.pause();
      socket.unshift(chunk);
      // 22: a TLS handshake record.
      (chunk[0] === 22 ? secure : plain).emit('connection', socket);
      process.nextTick(() => socket.resume());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { address: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

function securityOf(socket: Socket): Pick<SeenByBackend, 'secure' | 'serverName' | 'tlsVersion' | 'client'> {
  if (!('encrypted' in socket)) return { secure: false, serverName: null, tlsVersion: null, client: null };
  const secured = socket as TLSSocket & { readonly servername?: string | false };
  const { servername } = secured;
  return {
    secure: true,
    serverName: typeof servername === 'string' && servername !== '' ? servername : null,
    tlsVersion: secured.getProtocol(),
    client: /CN=(.*)/.exec(secured.getPeerX509Certificate()?.subject ?? '')?.[1] ?? null,
  };
}
