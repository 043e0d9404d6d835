import type { Socket } from 'node:net';
import type { Tunnel, TunnelHandler } from './exchange.ts';

/** A socket as one end of a tunnel. Takes the socket over: whoever had it before has removed its listeners. */
export class SocketTunnel implements Tunnel {
  readonly #socket: Socket;
  readonly #early: Buffer;

  /** `early`: octets of the tunnel that were read together with the head. */
  constructor(socket: Socket, early: Buffer) {
    this.#socket = socket;
    this.#early = early;
    socket.pause();
    // The close event follows every error; the error itself says nothing that the other end could use.
    socket.on('error', () => socket.destroy());
  }

  start(handler: TunnelHandler): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => handler.onData(chunk));
    socket.on('end', () => handler.onEnd());
    socket.on('drain', () => handler.onWritable());
    socket.on('close', () => handler.onClose());
    if (socket.destroyed) return handler.onClose();
    if (this.#early.length > 0) handler.onData(this.#early);
    socket.resume();
  }

  write(chunk: Buffer): boolean {
    return this.#socket.destroyed || this.#socket.writableEnded ? true : this.#socket.write(chunk);
  }

  end(): void {
    if (!this.#socket.writableEnded) this.#socket.end();
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
}
