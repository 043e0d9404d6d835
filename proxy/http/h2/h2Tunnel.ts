import type { Fields } from '../fields.ts';
import type { AbortReason, ExchangeHandler, Tunnel, TunnelHandler } from '../exchange.ts';

/** What a tunnel does with its stream. */
export interface TunnelStream {
  resumeBody(): void;
  /** Holds delivery back from the next chunk on. */
  hold(): void;
  write(chunk: Buffer): boolean;
  end(trailers: Fields | null): void;
  /** Ends the sending half, and the stream once that is out. */
  close(): void;
  cancel(): void;
}

/**
 * A stream as one end of a tunnel (RFC 8441 section 5): DATA is octets, END_STREAM ends one half, RST_STREAM both. It
 * stands in the handler's place of its exchange.
 */
export class H2Tunnel implements Tunnel, ExchangeHandler {
  readonly requestId: string;
  readonly #stream: TunnelStream;
  #handler: TunnelHandler | null = null;
  #paused = false;
  #isClosed = false;

  constructor(stream: TunnelStream, requestId: string) {
    this.#stream = stream;
    this.requestId = requestId;
  }

  start(handler: TunnelHandler): void {
    this.#handler = handler;
    if (this.#isClosed) return handler.onClose();
    // Later, so that whoever starts both ends of a bridge has started the other one too.
    setImmediate(() => this.resume());
  }

  write(chunk: Buffer): boolean {
    return this.#isClosed || this.#stream.write(chunk);
  }

  end(): void {
    if (!this.#isClosed) this.#stream.end(null);
  }

  close(): void {
    if (!this.#isClosed) this.#stream.close();
  }

  abort(): void {
    if (!this.#isClosed) this.#stream.cancel();
  }

  pause(): void {
    this.#paused = true;
    this.#stream.hold();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#isClosed) this.#stream.resumeBody();
  }

  // The stream's side.

  onBody(chunk: Buffer): boolean {
    this.#handler?.onData(chunk);
    return !this.#paused;
  }

  onBodyEnd(): void {
    this.#handler?.onEnd();
  }

  onWritable(): void {
    this.#handler?.onWritable();
  }

  onAbort(_reason: AbortReason): void {
    this.closed();
  }

  /** The stream is gone, one way or the other. */
  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handler?.onClose();
  }
}
