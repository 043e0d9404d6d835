import type { ClientHttp2Stream } from 'node:http2';
import { constants } from 'node:http2';
import type { Tunnel, TunnelHandler } from '../exchange.ts';

/** A stream to a backend as one end of a tunnel, once an extended CONNECT has been accepted (RFC 8441). */
export class UpstreamTunnel implements Tunnel {
  readonly #stream: ClientHttp2Stream;

  /** Whoever had the stream before has removed its listeners, but for an `error` one. */
  constructor(stream: ClientHttp2Stream) {
    this.#stream = stream;
    stream.pause();
  }

  start(handler: TunnelHandler): void {
    const stream = this.#stream;
    stream.on('data', (chunk: Buffer) => handler.onData(chunk));
    stream.on('end', () => handler.onEnd());
    stream.on('drain', () => handler.onWritable());
    if (stream.destroyed) return queueMicrotask(() => handler.onClose());
    stream.on('close', () => handler.onClose());
    stream.resume();
  }

  write(chunk: Buffer): boolean {
    if (this.#stream.closed || this.#stream.writableEnded) return true;
    return this.#stream.write(chunk);
  }

  end(): void {
    if (!this.#stream.writableEnded) this.#stream.end();
  }

  close(): void {
    // Nobody reads any more, and a stream closes only once it has been read to its end.
    if (this.#stream.writableEnded && this.#stream.writableFinished) return this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#stream.once('finish', () => this.#stream.close(constants.NGHTTP2_CANCEL));
    this.end();
  }

  abort(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#stream.destroy();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }
}
