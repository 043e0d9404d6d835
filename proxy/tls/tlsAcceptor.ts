import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { L4Route } from '../../core/ir/l4.ts';
import type { ConnectionEnds } from '../accept/connectionEnds.ts';
import { readAhead } from '../accept/readAhead.ts';
import type { ClientTls } from '../http/exchange.ts';
import type { Deadlines } from '../limits/deadlines.ts';
import type { ClientAuthPolicy } from './clientAuthPolicy.ts';
import { judgeClientCertificate } from './clientCertificate.ts';
import { serverNameOf } from './certificateTable.ts';
import { ClientHelloReader } from './clientHello.ts';
import type { HandshakeFailure, TlsChoice, TlsServers } from './tlsServers.ts';

/** A TCP connection that is to speak TLS. */
export interface TlsCandidate {
  /** Accepted, flowing. */
  readonly socket: Socket;
  readonly ends: ConnectionEnds;
  /** What was read of it already. */
  readonly early: Buffer;
  /** Clock reading, ms, by which its ClientHello must be there. */
  readonly expiresAtMs: number;
}

export interface TlsAcceptorOptions {
  readonly servers: TlsServers;
  readonly deadlines: Deadlines;
  /** What the virtual host of this server name asks of clients' certificates; `name` null: the client names none. */
  readonly policyFor: (name: string | null) => ClientAuthPolicy | null;
  /** Where connections with this server name go unopened; null: they end here. */
  readonly passthroughFor: (name: string) => L4Route | null;
  /** Takes a connection over, paused, with its octets so far. */
  readonly onPassthrough: (candidate: TlsCandidate, firstOctets: Buffer, route: L4Route) => void;
  /** A handshake is done. `candidate.socket` is what lies under `socket`. */
  readonly onSecure: (socket: TLSSocket, candidate: TlsCandidate, tls: ClientTls) => void;
  readonly onFailure: (failure: HandshakeFailure) => void;
}

interface Handshake {
  readonly candidate: TlsCandidate;
  readonly serverName: string | null;
}

/** Reads ClientHellos and gives each connection to whom its server name belongs: a passthrough route, or a TLS server. */
export class TlsAcceptor {
  readonly #options: TlsAcceptorOptions;
  /** Both ends of the TCP connection → what is known of a handshake that is running. */
  readonly #handshakes = new Map<string, Handshake>();

  constructor(options: TlsAcceptorOptions) {
    this.#options = options;
  }

  /** Takes the connection until its handshake is done, it is passed through, or it has failed. */
  accept(candidate: TlsCandidate): void {
    const { deadlines, onFailure } = this.#options;
    const reader = new ClientHelloReader();
    if (candidate.early.length > 0 && this.#read(candidate, reader, candidate.early)) return;
    readAhead(candidate.socket, {
      deadlines,
      expiresAtMs: candidate.expiresAtMs,
      onOctets: (chunk) => this.#read(candidate, reader, chunk),
      onFailure: (failure) => onFailure({ code: failure === 'timeout' ? 'ERR_TLS_HANDSHAKE_TIMEOUT' : 'ECONNRESET' }),
    });
  }

  /** For the servers: a handshake is done. */
  secured(socket: TLSSocket, { certificate, policy }: TlsChoice): void {
    const key = bothEnds(socket);
    const handshake = this.#handshakes.get(key);
    this.#handshakes.delete(key);
    // Without its record nothing is known of the connection: the peer is gone already.
    if (handshake === undefined || certificate === null || socket.destroyed) return void socket.destroy();
    this.#options.onSecure(socket, handshake.candidate, {
      serverName: handshake.serverName,
      protocol: socket.getProtocol() ?? '',
      cipher: socket.getCipher().name,
      certificate,
      clientAuth: policy === null ? null : judgeClientCertificate(socket, policy),
    });
  }

  #read(candidate: TlsCandidate, reader: ClientHelloReader, chunk: Buffer): boolean {
    const result = reader.push(chunk);
    if (result.type === 'incomplete') return false;
    candidate.socket.pause();
    // What cannot be read is given to a server without a certificate: another reader that makes sense of it finds no host.
    if (result.type === 'invalid') this.#shake(candidate, this.#options.servers.failing(), { serverName: null, octets: reader.octets() });
    else this.#route(candidate, serverNameOf(result.hello.serverName), reader.octets());
    return true;
  }

  #route(candidate: TlsCandidate, serverName: string | null, octets: Buffer): void {
    const { servers, passthroughFor, policyFor, onPassthrough } = this.#options;
    const route = serverName === null ? null : passthroughFor(serverName);
    if (route !== null) return onPassthrough(candidate, octets, route);
    this.#shake(candidate, servers.choose(serverName, policyFor(serverName)), { serverName, octets });
  }

  #shake(candidate: TlsCandidate, { server }: TlsChoice, hello: { serverName: string | null; octets: Buffer }): void {
    const { socket } = candidate;
    const key = bothEnds(socket);
    const handshake: Handshake = { candidate, serverName: hello.serverName };
    this.#handshakes.set(key, handshake);
    socket.once('close', () => {
      if (this.#handshakes.get(key) === handshake) this.#handshakes.delete(key);
    });
    // The TLS socket takes what is buffered here before it reads on.
    socket.unshift(hello.octets);
    server.emit('connection', socket);
  }
}

/** Names a TCP connection among those that are open. */
function bothEnds(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`;
}
