import { createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ListenerProtocol } from '../core/ipc/messages.ts';
import type { Certificate, CertificateKey } from '../core/ir/certificate.ts';
import type { L4Route } from '../core/ir/l4.ts';
import type { Settings } from '../core/ir/settings.ts';
import type { MapDelta } from '../core/ir/snapshot.ts';
import type { HostPattern } from '../core/net/hostPattern.ts';
import { LISTEN_BACKLOG } from '../core/os/listeningSockets.ts';
import type { Clock } from '../core/time/clock.ts';
import { Arrivals, type Arrival } from './accept/arrival.ts';
import { endsOf, type ConnectionEnds } from './accept/connectionEnds.ts';
import type { ClientConnection, ClientTls } from './http/exchange.ts';
import type { FrontConnection } from './http/frontConnection.ts';
import { ServerConnection, type ServerConnectionContext } from './http/h1/serverConnection.ts';
import { rereading, rereadingTls } from './http/octetSource.ts';
import type { Deadlines } from './limits/deadlines.ts';
import type { HandshakeFailure } from './observe/workerMetrics.ts';
import type { ClientAuthPolicy } from './tls/clientAuthPolicy.ts';
import { TlsAcceptor } from './tls/tlsAcceptor.ts';
import { TlsServers, type CertificateRefusal, type TlsSettings } from './tls/tlsServers.ts';

/** What the owner of the listeners is told. */
export interface ListenerEvents {
  connectionOpened(protocol: 'http' | 'https'): void;
  connectionClosed(protocol: 'http' | 'https'): void;
  /** Over the limit: closed unread. Or closed for want of a PROXY header. */
  connectionRefused(): void;
  /** `version` as `TLSSocket.getProtocol` names it. */
  handshakeCompleted(version: string | null): void;
  handshakeFailed(reason: HandshakeFailure): void;
}

/** Takes a TLS connection that is not opened here: paused, `firstBytes` read of it, its client as a PROXY header names it. */
export type Passthrough = (socket: Socket, firstBytes: Buffer, client: ConnectionEnds, route: L4Route) => void;

export interface ListenersOptions {
  /** Present settings; a change holds for the next connection. */
  readonly settings: () => Settings;
  readonly clock: Clock;
  /** Milliseconds since the epoch. */
  readonly wallClock: () => number;
  readonly deadlines: Deadlines;
  /** Servers kept, as `TlsServersOptions.maxServers`. */
  readonly maxTlsServers: number;
  /** At least 32 octets, the same for all who are to resume each other's sessions. */
  readonly ticketSecret: Buffer;
  /** Makes the context of connections of one scheme. */
  readonly contextFor: (scheme: 'http' | 'https', onClose: (connection: FrontConnection) => void) => ServerConnectionContext;
  /** Takes a connection that speaks HTTP/2. Octets read of it already come as a data event right after. */
  readonly createH2: (socket: Socket, client: ClientConnection, context: ServerConnectionContext) => FrontConnection;
  /** The client-authentication policy of the virtual host for a server name; null: no name was sent. */
  readonly policyFor: (serverName: string | null) => ClientAuthPolicy | null;
  /** Where a server name's connections go unopened; null: they end here. */
  readonly passthroughFor: (serverName: string) => L4Route | null;
  readonly passthrough: Passthrough;
  readonly onCertificateRefused: (refusal: CertificateRefusal) => void;
  /** A peer that must send a PROXY header did not; its connection is closed. */
  readonly onProxyHeaderRefused: (peer: string, reason: string) => void;
  readonly events: ListenerEvents;
}

/** A descriptor to accept on, owned by the listeners from `listen` on. */
export interface ListenSocket {
  readonly protocol: ListenerProtocol;
  readonly descriptor: number;
}

const SOCKET_OPTIONS = { noDelay: true, keepAlive: true } as const;
/** RFC 7301 ids, most wanted first. Some clients offer `http/1.0` alone. */
const HTTP1_ALPN: readonly string[] = ['http/1.1', 'http/1.0'];
const HTTP2_ALPN: readonly string[] = ['h2', ...HTTP1_ALPN];

/** The listening sockets of one worker for HTTP and HTTPS, and the connections accepted on them. */
export class Listeners {
  readonly #options: ListenersOptions;
  /** descriptor → server. */
  readonly #servers = new Map<number, Server>();
  readonly #connections = new Set<FrontConnection>();
  /** Accepted, but not yet a connection: PROXY header, first octets or TLS handshake are under way. */
  readonly #arriving = new Set<Socket>();
  readonly #arrivals: Arrivals;
  readonly #tlsServers: TlsServers;
  readonly #tlsAcceptor: TlsAcceptor;
  readonly #contexts: { readonly http: ServerConnectionContext; readonly https: ServerConnectionContext };
  #onEmpty: (() => void) | null = null;

  constructor(options: ListenersOptions) {
    this.#options = options;
    const { events, onCertificateRefused, passthrough } = options;
    const closed = (connection: FrontConnection): void => this.#closed(connection);
    this.#contexts = { http: options.contextFor('http', closed), https: options.contextFor('https', closed) };
    this.#arrivals = new Arrivals({ ...options, onProxyHeaderRefused: (peer, reason) => this.#refused(peer, reason) });
    const onFailure = ({ code }: { code: string }): void => events.handshakeFailed(failureOf(code));
    this.#tlsServers = new TlsServers(
      { maxServers: options.maxTlsServers, ticketSecret: options.ticketSecret, settings: () => tlsSettings(options.settings()) },
      {
        wallClock: options.wallClock,
        onRefused: onCertificateRefused,
        onSecure: (socket, choice) => this.#tlsAcceptor.secured(socket, choice),
        onFailure,
      },
    );
    this.#tlsAcceptor = new TlsAcceptor({
      ...options,
      servers: this.#tlsServers,
      onPassthrough: ({ socket, ends }, firstBytes, route) => {
        this.#arriving.delete(socket);
        // Each half of what it carries ends for itself.
        socket.allowHalfOpen = true;
        passthrough(socket, firstBytes, ends, route);
      },
      onSecure: (socket, { socket: underlying, ends }, tls) => this.#secured(socket, underlying, { ...ends, tls }),
      onFailure,
    });
  }

  /** Open client connections, tunnels included, handshakes not. */
  get size(): number {
    return this.#connections.size;
  }

  /** Takes over changed certificates and names. */
  applyCertificates(certificates: MapDelta<CertificateKey, Certificate>, serverNames: MapDelta<HostPattern, CertificateKey>): void {
    this.#tlsServers.certificates.apply(certificates, serverNames);
  }

  /** Whether a connection that was given this certificate may carry requests for `host` (`CertificateTable.covers`). */
  covers(certificate: CertificateKey, host: string): boolean {
    return this.#tlsServers.certificates.covers(certificate, host);
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
    for (const socket of this.#arriving) socket.destroy();
    if (this.#connections.size === 0) resolve();
    return promise;
  }

  /** Cuts every connection; answers how many of them were in the middle of something. */
  cut(): number {
    return [...this.#connections].filter((connection) => connection.destroy()).length;
  }

  #createPlain(): Server {
    return createServer({ ...SOCKET_OPTIONS, allowHalfOpen: true, pauseOnConnect: true }, (accepted) => {
      if (!this.#admits(accepted)) return;
      const socket = rereading(accepted);
      const ends = endsOf(socket);
      if (ends === null) return void socket.destroy();
      const { http2 } = this.#options.settings();
      // Nearly always: the first octets belong to an HTTP/1.1 request.
      if (!http2.cleartext && !this.#arrivals.mustSendProxyHeader(ends.remoteAddress)) return this.#openHttp1(socket, { ...ends, tls: null }, null);
      this.#openPlain(socket, ends);
    });
  }

  #openPlain(socket: Socket, peer: ConnectionEnds): void {
    const { limits, http2 } = this.#options.settings();
    const arrival = this.#arrive(socket, peer, limits.headerTimeoutMs);
    const onFailure = (): void => {};
    this.#arrivals.open(arrival, {
      onFailure,
      onReady: (ends, early) => {
        const client: ClientConnection = { ...ends, tls: null };
        if (!http2.cleartext) return this.#openHttp1(socket, client, early);
        this.#arrivals.chooseProtocol(arrival, early, {
          onFailure,
          onChosen: (protocol, octets) => (protocol === 'http2' ? this.#openHttp2(socket, client, octets) : this.#openHttp1(socket, client, octets)),
        });
      },
    });
  }

  #createTls(): Server {
    return createServer(SOCKET_OPTIONS, (socket) => {
      if (!this.#admits(socket)) return;
      const peer = endsOf(socket);
      if (peer === null) return void socket.destroy();
      const { limits } = this.#options.settings();
      const arrival = this.#arrive(socket, peer, limits.tlsHandshakeTimeoutMs);
      this.#arrivals.open(arrival, {
        onFailure: (failure) => this.#options.events.handshakeFailed(failure === 'invalid' ? 'protocol' : failure),
        onReady: (ends, early) => this.#tlsAcceptor.accept({ ...arrival, ends, early }),
      });
    });
  }

  /** Counts a TCP connection as open until it has become more than that. */
  #arrive(socket: Socket, ends: ConnectionEnds, timeoutMs: number): Arrival {
    this.#arriving.add(socket);
    socket.once('close', () => this.#arriving.delete(socket));
    return { socket, ends, expiresAtMs: this.#options.clock.now() + timeoutMs };
  }

  #admits(socket: Socket): boolean {
    if (this.#connections.size + this.#arriving.size < this.#options.settings().limits.connectionsPerWorker) return true;
    this.#options.events.connectionRefused();
    socket.destroy();
    return false;
  }

  #refused(peer: string, reason: string): void {
    this.#options.events.connectionRefused();
    this.#options.onProxyHeaderRefused(peer, reason);
  }

  #secured(socket: TLSSocket, underlying: Socket, client: ClientConnection & { readonly tls: ClientTls }): void {
    this.#arriving.delete(underlying);
    this.#options.events.handshakeCompleted(client.tls.protocol);
    const reading = rereadingTls(socket).resume();
    if (socket.alpnProtocol === 'h2') this.#openHttp2(reading, client, null);
    else this.#openHttp1(reading, client, null);
  }

  #openHttp1(socket: Socket, client: ClientConnection, early: Buffer | null): void {
    this.#open(socket, early, { client, connect: (context) => new ServerConnection(socket, client, context) });
  }

  #openHttp2(socket: Socket, client: ClientConnection, early: Buffer | null): void {
    this.#open(socket, early, { client, connect: (context) => this.#options.createH2(socket, client, context) });
  }

  #open(
    socket: Socket,
    early: Buffer | null,
    { client, connect }: { readonly client: ClientConnection; readonly connect: (context: ServerConnectionContext) => FrontConnection },
  ): void {
    const protocol = client.tls === null ? 'http' : 'https';
    this.#arriving.delete(socket);
    this.#options.events.connectionOpened(protocol);
    this.#connections.add(connect(this.#contexts[protocol]));
    if (early !== null && early.length > 0) socket.emit('data', early);
  }

  #closed(connection: FrontConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.#options.events.connectionClosed(connection.client.tls === null ? 'http' : 'https');
    if (this.#connections.size === 0) this.#onEmpty?.();
  }
}

function tlsSettings({ limits, http2, sessionTickets }: Settings): TlsSettings {
  return { handshakeTimeoutMs: limits.tlsHandshakeTimeoutMs, alpnProtocols: http2.enabled ? HTTP2_ALPN : HTTP1_ALPN, sessionTickets };
}

function failureOf(code: string): HandshakeFailure {
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'timeout';
  return code === 'ECONNRESET' ? 'clientClosed' : 'protocol';
}
