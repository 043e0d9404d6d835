import { once } from 'node:events';
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { TestContext } from 'node:test';
import type { CertificateKey } from '../../core/ir/certificate.ts';
import type { ClientAuth } from '../../core/ir/clientAuth.ts';
import type { MapDelta } from '../../core/ir/snapshot.ts';
import type { HostPattern } from '../../core/net/hostPattern.ts';
import { systemClock } from '../../core/time/clock.ts';
import { endsOf } from '../../proxy/accept/connectionEnds.ts';
import type { ClientTls } from '../../proxy/http/exchange.ts';
import { Deadlines } from '../../proxy/limits/deadlines.ts';
import type { CertificateTable } from '../../proxy/tls/certificateTable.ts';
import { compileClientAuth, type ClientAuthPolicy } from '../../proxy/tls/clientAuthPolicy.ts';
import { TlsAcceptor } from '../../proxy/tls/tlsAcceptor.ts';
import { TlsServers, type CertificateRefusal, type HandshakeFailure } from '../../proxy/tls/tlsServers.ts';
import { certificateFrom, type Issued } from './certificates.ts';

/** Server name pattern → the certificate it gets; `default` is the default certificate. */
export type Names = Readonly<Record<string, Issued>>;

/** A TLS server under test that echoes what it is sent. */
export interface EchoServer {
  readonly port: number;
  readonly certificates: CertificateTable;
  readonly failures: readonly HandshakeFailure[];
  readonly refusals: readonly CertificateRefusal[];
  /** What the handshakes that succeeded have settled. */
  readonly secured: readonly ClientTls[];
  /** Handshakes that succeeded. */
  readonly connections: () => number;
  /** Resolves with the next failed handshake. */
  readonly nextFailure: () => Promise<HandshakeFailure>;
}

/** What differs from a server without tickets' rotation, policies and HTTP/2. */
export interface EchoOptions {
  readonly handshakeTimeoutMs?: number;
  readonly maxServers?: number;
  readonly sessionTickets?: boolean;
  readonly ticketSecret?: Buffer;
  readonly wallClock?: () => number;
  readonly alpnProtocols?: readonly string[];
  /** Server name → what it asks of clients' certificates. */
  readonly policies?: Readonly<Record<string, ClientAuth>>;
  /** Instead of echoing. */
  readonly onConnection?: (socket: TLSSocket) => void;
}

/** Gives each pattern a certificate of its own key in the snapshot's form. */
export function applyNames(certificates: CertificateTable, names: Names): void {
  const patterns = Object.entries(names);
  const serverNames = patterns.filter(([pattern]) => pattern !== 'default');
  certificates.apply(
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

const SECRET = Buffer.alloc(32, 'secret of the tests');

/** Starts an echo server on a free loopback port; closed with all its connections when the test ends. */
export async function startEchoServer(t: TestContext, names: Names, options: EchoOptions = {}): Promise<EchoServer> {
  const failures: HandshakeFailure[] = [];
  const refusals: CertificateRefusal[] = [];
  const secured: ClientTls[] = [];
  const waiting: ((failure: HandshakeFailure) => void)[] = [];
  const onFailure = (failure: HandshakeFailure): void => {
    failures.push(failure);
    for (const resolve of waiting.splice(0)) resolve(failure);
  };
  const settings = {
    handshakeTimeoutMs: options.handshakeTimeoutMs ?? 30_000,
    alpnProtocols: options.alpnProtocols ?? ['http/1.1', 'http/1.0'],
    sessionTickets: options.sessionTickets ?? true,
  };
  const policies = new Map(Object.entries(options.policies ?? {}).map(([name, auth]): [string, ClientAuthPolicy] => [name, compileClientAuth(auth)]));
  const servers = new TlsServers(
    { maxServers: options.maxServers ?? 100, ticketSecret: options.ticketSecret ?? SECRET, settings: () => settings },
    {
      wallClock: options.wallClock ?? Date.now,
      onRefused: (refusal) => refusals.push(refusal),
      onSecure: (socket, choice) => acceptor.secured(socket, choice),
      onFailure,
    },
  );
  applyNames(servers.certificates, names);
  const deadlines = new Deadlines(systemClock);
  deadlines.start(10);
  t.after(() => deadlines.stop());
  const acceptor = new TlsAcceptor({
    servers,
    deadlines,
    policyFor: (name) => policies.get(name ?? '*') ?? null,
    passthroughFor: () => null,
    onPassthrough: ({ socket }) => socket.destroy(),
    onSecure: (socket, _candidate, tls) => {
      secured.push(tls);
      // Clients of these tests leave without ceremony.
      socket.on('error', () => socket.destroy());
      if (options.onConnection === undefined) socket.pipe(socket);
      else options.onConnection(socket);
    },
    onFailure,
  });
  const server = createTcpServer({ noDelay: true }, (socket) => {
    const ends = endsOf(socket);
    if (ends === null) return void socket.destroy();
    acceptor.accept({ socket, ends, early: Buffer.alloc(0), expiresAtMs: systemClock.now() + settings.handshakeTimeoutMs });
  });
  const port = await listen(t, server);
  const nextFailure = (): Promise<HandshakeFailure> => new Promise((resolve) => waiting.push(resolve));
  return { port, certificates: servers.certificates, failures, refusals, secured, connections: () => secured.length, nextFailure };
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
