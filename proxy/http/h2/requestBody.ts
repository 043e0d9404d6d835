import type { Fields } from '../fields.ts';
import { FRAME_HEADER_BYTES } from './frames.ts';

/** Octets of one request body that a client may send ahead of what the handler takes (Envoy's edge guide). */
export const STREAM_WINDOW_BYTES = 65_536;

/** DATA behind END_STREAM; more than the window; another length than content-length. */
export type BodyFault = 'closed' | 'window' | 'length';

/**
 * The request body of one stream: what has come and is not delivered yet, its window, and its announced length, which
 * must be met exactly (RFC 9113 section 8.1.1).
 */
export class RequestBody {
  /** Nothing is delivered. */
  held = true;
  trailers: Fields | null = null;
  /** Octets of all frames of the request. */
  wireBytes: number;
  /** The end has been delivered. */
  endTaken = false;
  /** END_STREAM has come. */
  ended: boolean;
  readonly #pending: Buffer[] = [];
  readonly #credit: (bytes: number) => void;
  #pendingBytes = 0;
  #left: number | null;
  #window = STREAM_WINDOW_BYTES;
  /** Taken, and not yet given back to the client's window. */
  #owed = 0;
  #discards = false;

  /** `credit`: octets of the connection's window that are free again. */
  constructor(request: { readonly contentLength: number | null; readonly endStream: boolean; readonly headBytes: number }, credit: (bytes: number) => void) {
    this.#left = request.contentLength;
    this.ended = request.endStream;
    this.wireBytes = request.headBytes;
    this.#credit = credit;
  }

  receive(payload: Buffer, flowBytes: number, endStream: boolean): BodyFault | null {
    this.wireBytes += FRAME_HEADER_BYTES + flowBytes;
    this.#window -= flowBytes;
    if (this.ended || this.#window < 0 || !this.#fits(payload.length, endStream)) {
      this.#credit(flowBytes);
      if (this.ended) return 'closed';
      return this.#window < 0 ? 'window' : 'length';
    }
    this.ended = endStream;
    if (this.#discards) {
      this.#give(flowBytes);
      return null;
    }
    this.#give(flowBytes - payload.length);
    if (payload.length > 0) this.#pending.push(payload);
    this.#pendingBytes += payload.length;
    return null;
  }

  receiveTrailers(trailers: Fields, bytes: number): BodyFault | null {
    this.wireBytes += bytes;
    if (this.ended) return 'closed';
    if (!this.#fits(0, true)) return 'length';
    this.ended = true;
    this.trailers = trailers;
    return null;
  }

  /** The next piece to deliver; its octets may be sent anew from now on. */
  next(): Buffer | null {
    const chunk = this.#pending.shift();
    if (chunk === undefined) return null;
    this.#pendingBytes -= chunk.length;
    this.#give(chunk.length);
    return chunk;
  }

  /** True once, when everything has been taken and the end has come. */
  takeEnd(): boolean {
    if (this.endTaken || !this.ended || this.#pending.length > 0) return false;
    this.endTaken = true;
    return true;
  }

  /** Nobody wants it any more: frees what waits, and drops what comes. */
  discard(): void {
    this.#discards = true;
    const bytes = this.#pendingBytes;
    this.#pending.length = 0;
    this.#pendingBytes = 0;
    if (bytes > 0) this.#credit(bytes);
  }

  /** Octets to announce by WINDOW_UPDATE; 0: not yet worth a frame. */
  takeOwed(): number {
    if (this.ended || this.#discards || this.#owed < STREAM_WINDOW_BYTES / 2) return 0;
    const owed = this.#owed;
    this.#owed = 0;
    this.#window += owed;
    return owed;
  }

  #fits(bytes: number, isLast: boolean): boolean {
    if (this.#left === null) return true;
    this.#left -= bytes;
    return isLast ? this.#left === 0 : this.#left >= 0;
  }

  #give(bytes: number): void {
    if (bytes === 0) return;
    this.#owed += bytes;
    this.#credit(bytes);
  }
}
