import { createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { LISTEN_BACKLOG } from '../core/os/listeningSockets.ts';
import type { ClientConnection } from './http/exchange.ts';
import type { HandshakeFailure } from './observe/workerMetrics.ts';
import { rereading, rereadingTls } from './http/octetSource.ts';
import { ServerConnection, type ServerConnectionContext } from './http/h1/serverConnection.ts';

/** What the owner of the listeners is told. */
export interface ListenerEvents {
  connectionOpened(protocol: 'http' | 'https'): void;
  connectionClosed(protocol: 'http' | 'https'): void;
  /** Over the limit: closed unread. */
  connectionRefused(): void;
  /** `version` as `TLSSocket.getProtocol` names it. */
  handshakeCompleted(version: string | null): void;
  handshakeFailed(reason: HandshakeFailure): void;
}

export interface ListenersOptions {
  /** Makes the context of connections of one scheme. */
  readonly contextFor: (scheme: 'http' | 'https', onClose: (connection: ServerConnection) => void) => ServerConnectionContext;
  /** A TLS server that never listens: connections are handed to it. `onFailure` gets the code of each failed handshake. */
  readonly createTlsServer: (onFailure: (code: string) => void) => Server;
  readonly events: ListenerEvents;
}

/** A descriptor to accept on, owned by the listeners from `listen` on. */
export interface ListenSocket {
  readonly protocol: 'http' | 'https';
  readonly descriptor: number;
}

const SOCKET_OPTIONS = { noDelay: true, keepAlive: true } as const;

/** The listening sockets of one worker and the connections accepted on them. */
export class Listeners {
  readonly #options: ListenersOptions;
  /** descriptor → server. */
  readonly #servers = new Map<number, Server>();
  readonly #connections = new Set<ServerConnection>();
  /** Peer `address port` → TCP connection whose TLS handshake is still running. */
  readonly #handshakes = new Map<string, Socket>();
  readonly #contexts: { readonly http: ServerConnectionContext; readonly https: ServerConnectionContext };
  #limit = Infinity;
  #onEmpty: (() => void) | null = null;

  constructor(options: ListenersOptions) {
    this.#options = options;
    const closed = (connection: ServerConnection): void => this.#closed(connection);
    this.#contexts = { http: options.contextFor('http', closed), https: options.contextFor('https', closed) };
  }

  /** Open client connections, tunnels included, handshakes not. */
  get size(): number {
    return this.#connections.size;
  }

  /** Most connections at a time; further ones are closed unread. */
  set limit(connections: number) {
    this.#limit = connections;
  }

  /** Resolves once `socket` accepts; rejects with the system's error. */
  listen(socket: ListenSocket): Promise<void> {
    const server = socket.protocol === 'https' ? this.#createTls() : this.#createPlain();
    this.#servers.set(socket.descriptor, server);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (error: Error): void => {
      this.#servers.delete(socket.descriptor);
      reject(error);
    };
    server.once('error', fail);
    // Positional: with a descriptor Node ignores `backlog` among the options, and listens again with 511.
    server.listen({ fd: socket.descriptor }, LISTEN_BACKLOG, () => {
      server.off('error', fail);
      // Running out of descriptors is reported here too; accepting goes on when some are free again.
      server.on('error', () => this.#options.events.connectionRefused());
      resolve();
    });
    return promise;
  }

  unlisten(descriptor: number): void {
    this.#servers.get(descriptor)?.close();
    this.#servers.delete(descriptor);
  }

  /** Stops accepting and lets every connection end with its current response. Resolves when none is left. */
  drain(): Promise<void> {
    for (const descriptor of this.#servers.keys()) this.unlisten(descriptor);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    for (const connection of this.#connections) connection.drain();
    for (const socket of this.#handshakes.values()) socket.destroy();
    if (this.#connections.size === 0) resolve();
    return promise;
  }

  /** Cuts every connection; answers how many of them were in the middle of something. */
  cut(): number {
    return [...this.#connections].filter((connection) => connection.destroy()).length;
  }

  #createPlain(): Server {
    return createServer({ ...SOCKET_OPTIONS, allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      if (this.#admits(socket)) this.#accept(rereading(socket), null);
    });
  }

  /** A plain server that hands what it admits to the TLS server: a refused connection costs no TLS session. */
  #createTls(): Server {
    const tlsServer = this.#options.createTlsServer((code) => this.#options.events.handshakeFailed(failureOf(code)));
    tlsServer.on('secureConnection', (socket: TLSSocket) => {
      this.#handshakes.delete(peerOf(socket));
      this.#accept(rereadingTls(socket).resume(), tlsOf(socket));
    });
    const server = createServer(SOCKET_OPTIONS, (socket) => {
      if (!this.#admits(socket)) return;
      this.#track(socket);
      tlsServer.emit('connection', socket);
    });
    server.once('close', () => tlsServer.close());
    return server;
  }

  /** Counts a TCP connection under the TLS server as open while its handshake runs. */
  #track(socket: Socket): void {
    const peer = peerOf(socket);
    this.#handshakes.set(peer, socket);
    socket.on('close', () => {
      if (this.#handshakes.get(peer) === socket) this.#handshakes.delete(peer);
    });
  }

  #admits(socket: Socket): boolean {
    if (this.#connections.size + this.#handshakes.size < this.#limit) return true;
    this.#options.events.connectionRefused();
    socket.destroy();
    return false;
  }

  #accept(socket: Socket, tls: ClientConnection['tls']): void {
    // A peer that is already gone has no address any more.
    if (socket.destroyed || socket.remoteAddress === undefined) return void socket.destroy();
    const client: ClientConnection = {
      remoteAddress: unmapped(socket.remoteAddress),
      remotePort: socket.remotePort ?? 0,
      localAddress: unmapped(socket.localAddress ?? ''),
      localPort: socket.localPort ?? 0,
      tls,
    };
    if (tls !== null) this.#options.events.handshakeCompleted(tls.protocol);
    this.#options.events.connectionOpened(tls === null ? 'http' : 'https');
    const context = tls === null ? this.#contexts.http : this.#contexts.https;
    this.#connections.add(new ServerConnection(socket, client, context));
  }

  #closed(connection: ServerConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.#options.events.connectionClosed(connection.client.tls === null ? 'http' : 'https');
    if (this.#connections.size === 0) this.#onEmpty?.();
  }
}

function tlsOf(socket: TLSSocket): NonNullable<ClientConnection['tls']> {
  const name: unknown = Reflect.get(socket, 'servername');
  return {
    serverName: typeof name === 'string' && name !== '' ? name.toLowerCase() : null,
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher().name,
  };
}

/** IPv4 clients of a dual-stack socket appear as `::ffff:a.b.c.d`. */
function unmapped(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

function failureOf(code: string): HandshakeFailure {
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'timeout';
  return code === 'ECONNRESET' ? 'clientClosed' : 'protocol';
}
