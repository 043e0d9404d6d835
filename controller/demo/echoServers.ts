import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttp2Server, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { DemoCertificate } from './demoCertificates.ts';

/** A server on a free port of 127.0.0.1. */
export interface RunningServer {
  readonly port: number;
  /** Ends every connection. Idempotent. */
  stop(): Promise<void>;
}

/** Sends every octet back as it came, and ends when the client does. */
export function startTcpEcho(): Promise<RunningServer> {
  return listen(createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  }));
}

/** Sends every datagram back to where it came from. */
export async function startUdpEcho(): Promise<RunningServer> {
  const socket = createSocket('udp4');
  socket.on('message', (datagram, { port, address }) => socket.send(datagram, port, address));
  // A client that is gone answers by ICMP; the next datagram may be somebody else's.
  socket.on('error', () => {});
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  let closed: Promise<void> | null = null;
  return {
    port: socket.address().port,
    stop: () => (closed ??= new Promise((resolve) => socket.close(() => resolve()))),
  };
}

/** Answers every gRPC call, whatever its method, with the messages it was sent and status OK. */
export function startGrpcEcho(): Promise<RunningServer> {
  const sessions = new Set<Http2Session>();
  const server = createHttp2Server();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
  });
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => stream.close());
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.pipe(stream);
  });
  return listen(server, () => { for (const session of sessions) session.destroy(); });
}

/** Speaks TLS itself and answers every request of HTTP/1.1 with one sentence. */
export function startVault({ certificatePem, privateKeyPem }: DemoCertificate): Promise<RunningServer> {
  const body = 'Only you and the vault can read this.\n';
  return listen(createTlsServer({ cert: certificatePem, key: privateKeyPem }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => {
      socket.end(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
    });
  }));
}

/** `end` ends what the server itself does not know as a connection. */
async function listen(server: Pick<Server, 'listen' | 'close' | 'address' | 'on' | 'once'>, end = (): void => {}): Promise<RunningServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const listening = new Promise<void>((resolve) => server.once('listening', () => resolve()));
  server.listen(0, '127.0.0.1');
  await listening;
  let closed: Promise<void> | null = null;
  const stop = (): Promise<void> => new Promise((resolve) => {
    server.close(() => resolve());
    end();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, stop: () => (closed ??= stop()) };
}
