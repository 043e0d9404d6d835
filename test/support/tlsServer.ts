import { once } from 'node:events';
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { TestContext } from 'node:test';
import { TlsContexts, type CertificateRefusal } from '../../proxy/tls/tlsContexts.ts';
import { createTlsServer, HTTP1_ALPN, type HandshakeFailure } from '../../proxy/tls/tlsServer.ts';
import { certificateFrom, type Issued } from './certificates.ts';
import type { CertificateKey } from '../../core/ir/certificate.ts';
import type { MapDelta } from '../../core/ir/snapshot.ts';
import type { HostPattern } from '../../core/net/hostPattern.ts';

/** Server name pattern → the certificate it gets; `default` is the default certificate. */
export type Names = Readonly<Record<string, Issued>>;

/** A TLS server under test that echoes what it is sent. */
export interface EchoServer {
  readonly port: number;
  readonly contexts: TlsContexts;
  readonly failures: readonly HandshakeFailure[];
  readonly refusals: readonly CertificateRefusal[];
  /** Handshakes that succeeded. */
  readonly connections: () => number;
  /** Resolves with the next failed handshake. */
  readonly nextFailure: () => Promise<HandshakeFailure>;
}

/** Gives each pattern a certificate of its own key in the snapshot's form. */
export function applyNames(contexts: TlsContexts, names: Names): void {
  const patterns = Object.entries(names);
  const serverNames = patterns.filter(([pattern]) => pattern !== 'default');
  contexts.apply(
    upserts(patterns.map(([pattern, leaf]) => [keyOf(pattern), certificateFrom(leaf, keyOf(pattern))])),
    upserts(serverNames.map(([pattern]) => [pattern as HostPattern, keyOf(pattern)])),
  );
}

/** The certificate key `applyNames` uses for a pattern. */
export function keyOf(pattern: string): CertificateKey {
  return (pattern === 'default' ? 'default' : `test/${pattern}`) as CertificateKey;
}

/** A delta that only adds. */
export function upserts<K, V>(upsert: readonly (readonly [K, V])[]): MapDelta<K, V> {
  return { upsert, remove: [] };
}

/** Starts an echo server on a free loopback port; closed with all its connections when the test ends. */
export async function startEchoServer(
  t: TestContext,
  names: Names,
  options: {
    readonly handshakeTimeoutMs?: number;
    readonly maxContexts?: number;
    /** Instead of echoing. */
    readonly onConnection?: (socket: TLSSocket) => void;
  } = {},
): Promise<EchoServer> {
  const failures: HandshakeFailure[] = [];
  const refusals: CertificateRefusal[] = [];
  const waiting: ((failure: HandshakeFailure) => void)[] = [];
  let connections = 0;
  const contexts = new TlsContexts({ maxContexts: options.maxContexts ?? 100 }, { onRefused: (refusal) => refusals.push(refusal) });
  applyNames(contexts, names);
  const server = createTlsServer(
    contexts,
    { alpnProtocols: HTTP1_ALPN, handshakeTimeoutMs: options.handshakeTimeoutMs ?? 30_000 },
    {
      onHandshakeFailure: (failure) => {
        failures.push(failure);
        for (const resolve of waiting.splice(0)) resolve(failure);
      },
    },
  );
  server.on('secureConnection', (socket) => {
    connections += 1;
    // Clients of these tests leave without ceremony.
    socket.on('error', () => socket.destroy());
    if (options.onConnection === undefined) socket.pipe(socket);
    else options.onConnection(socket);
  });
  const port = await listen(t, server);
  const nextFailure = (): Promise<HandshakeFailure> => new Promise((resolve) => waiting.push(resolve));
  return { port, contexts, failures, refusals, connections: () => connections, nextFailure };
}

/** Connects and waits for the handshake; the socket is destroyed when the test ends. Rejects when the handshake fails. */
export async function connectTls(t: TestContext, port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  // What happens to the connection from here on is seen by what is read from it.
  socket.on('error', () => socket.destroy());
  return socket;
}

/** Common name of the certificate a client gets. */
export async function servedName(t: TestContext, port: number, options: ConnectionOptions = {}): Promise<string> {
  const socket = await connectTls(t, port, options);
  const name = commonName(socket);
  socket.destroy();
  return name;
}

/** Common name of the peer's certificate. */
export function commonName(socket: TLSSocket): string {
  return (socket.getPeerX509Certificate()?.subject ?? '').replace('CN=', '');
}

/** Sends a text and waits for its echo. */
export async function echo(socket: TLSSocket, text: string): Promise<void> {
  socket.write(text);
  let received = '';
  while (received.length < text.length) {
    const [chunk] = await once(socket, 'data') as [Buffer];
    received += chunk.toString('latin1');
  }
  if (received !== text) throw new Error(`echo: expected ${text}, got ${received}`);
}

/** A relay to `port` that hands each chunk from the client to `forward`; returns its own port. */
export async function startRelay(
  t: TestContext,
  port: number,
  forward: (chunk: Buffer, toServer: Socket) => Promise<void>,
): Promise<number> {
  const relay = createTcpServer((client) => {
    const server = connectTcp({ host: '127.0.0.1', port, noDelay: true });
    const destroy = (): void => {
      client.destroy();
      server.destroy();
    };
    client.on('error', destroy).on('close', destroy);
    server.on('error', destroy).on('close', destroy);
    server.pipe(client);
    let last: Promise<void> = Promise.resolve();
    client.on('data', (chunk: Buffer) => {
      last = last.then(() => forward(chunk, server));
    });
  });
  return listen(t, relay);
}

/** The first flight a Node client sends for these options. */
export async function captureClientHello(t: TestContext, options: ConnectionOptions): Promise<Buffer> {
  const server = createTcpServer();
  const port = await listen(t, server);
  const client = connect({ host: '127.0.0.1', port, ...options });
  client.on('error', () => client.destroy());
  const [socket] = await once(server, 'connection') as [Socket];
  const [hello] = await once(socket, 'data') as [Buffer];
  client.destroy();
  return hello;
}

async function listen(t: TestContext, server: Server): Promise<number> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    for (const socket of open) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}
