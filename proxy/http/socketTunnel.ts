import type { Socket } from 'node:net';
import type { OctetSource } from './octetSource.ts';
import type { Tunnel, TunnelHandler } from './exchange.ts';

/** A socket as one end of a tunnel. Takes the socket over: whoever had it before has removed its listeners. */
export class SocketTunnel implements Tunnel {
  /** Octets delivered to the handler. */
  received = 0;
  /** Octets taken by `write`. */
  sent = 0;
  readonly #socket: Socket;
  readonly #early: Buffer;
  readonly #source: OctetSource;
  #closeTold = false;

  /** `early`: octets of the tunnel that were read together with the head. `source`: where those that follow come from. */
  constructor(socket: Socket, early: Buffer, source: OctetSource) {
    this.#socket = socket;
    this.#source = source;
    this.#early = early;
    socket.pause();
    // The close event follows every error; the error itself says nothing that the other end could use.
    socket.on('error', () => socket.destroy());
  }

  start(handler: TunnelHandler): void {
    const socket = this.#socket;
    this.#source((chunk) => this.#deliver(handler, chunk));
    socket.on('end', () => handler.onEnd());
    socket.on('drain', () => handler.onWritable());
    socket.on('close', () => this.#tellClose(handler));
    // A socket that is destroyed but not closed yet still has its close event to come.
    if (socket.closed) return this.#tellClose(handler);
    // Takes effect later, so the early octets come first, and a handler that pauses on them stays paused.
    socket.resume();
    if (this.#early.length > 0) this.#deliver(handler, this.#early);
    // The peer ended its half before the tunnel began: that event is over.
    if (socket.readableEnded) handler.onEnd();
  }

  write(chunk: Buffer): boolean {
    if (this.#socket.destroyed || this.#socket.writableEnded) return true;
    this.sent += chunk.length;
    return this.#socket.write(chunk);
  }

  end(): void {
    if (!this.#socket.writableEnded) this.#socket.end();
  }

  close(): void {
    this.#socket.destroySoon();
  }

  abort(): void {
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  #deliver(handler: TunnelHandler, chunk: Buffer): void {
    this.received += chunk.length;
    handler.onData(chunk);
  }

  #tellClose(handler: TunnelHandler): void {
    if (this.#closeTold) return;
    this.#closeTold = true;
    handler.onClose();
  }
}
