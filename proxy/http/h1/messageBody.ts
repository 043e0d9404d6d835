import type { Fields } from '../fields.ts';
import { CR, LF } from '../octets.ts';
import { ChunkHeader } from './chunkHeader.ts';
import { H1_ERRORS } from './errors.ts';
import type { DataEvent, EndEvent, Framing, H1Error } from './events.ts';
import type { FieldSection } from './fieldSection.ts';
import { isForbiddenTrailer } from './forbiddenTrailers.ts';
import type { OctetInput } from './octetInput.ts';

/** Null: more octets are needed, or `error` is set. */
type BodyResult = DataEvent | EndEvent | null;

const END: EndEvent = Object.freeze({ type: 'end', trailers: null });

/** Chunks below this many octets are copied together when several lie ready. */
const SMALL_CHUNK_BYTES = 256;
/** Most octets gathered into one piece: still cut from the pool of small buffers. */
const GATHERED_BYTES = 4000;
/** Octets behind the data of a chunk that can hold another chunk: CRLF, `1`, CRLF, and one of data. */
const NEXT_CHUNK_BYTES = 6;

const NO_BODY: Framing = Object.freeze({ type: 'none' });

const LENGTH = 0;
const CHUNK_HEADER = 1;
const CHUNK_DATA = 2;
const CHUNK_CR = 3;
const CHUNK_LF = 4;
const TRAILERS = 5;
const CLOSE = 6;

/**
 * Cuts a message body out of the input (RFC 9112 sections 6 and 7). Used for one message after the other. Data are
 * views of the input, except for tiny chunks: those are gathered, so that a sender of one-octet chunks costs one
 * event per read and not one, with all that every stage makes of it, per octet.
 */
export class MessageBody {
  /** What is wrong with the body; it has no further events then. */
  error: H1Error | null = null;
  readonly #input: OctetInput;
  readonly #trailers: FieldSection;
  readonly #header = new ChunkHeader();
  #phase = LENGTH;
  /** Octets still to come, of the body or of the chunk. */
  #remaining = 0;

  /** `trailers` reads trailer sections; the decoder that owns it uses it for heads in between. */
  constructor(input: OctetInput, trailers: FieldSection) {
    this.#input = input;
    this.#trailers = trailers;
  }

  begin(framing: Framing): void {
    this.error = null;
    switch (framing.type) {
      case 'none':
        this.#phase = LENGTH;
        this.#remaining = 0;
        return;
      case 'length':
        this.#phase = LENGTH;
        this.#remaining = framing.bytes;
        return;
      case 'chunked':
        this.#phase = CHUNK_HEADER;
        this.#header.beginMessage();
        return;
      case 'close':
        this.#phase = CLOSE;
        this.#remaining = Infinity;
    }
  }

  /** The next event; null: push more octets, or see `error`. Not to be called again after an end or an error. */
  next(): BodyResult {
    while (this.error === null) {
      if (this.#phase === LENGTH && this.#remaining === 0) return END;
      const input = this.#input;
      if (input.start === input.end && !input.more()) return null;
      const result = this.#step();
      if (result !== undefined) return result;
    }
    return null;
  }

  /** What the end of the connection means here: the end of a body that lasts until then, else a truncated message. */
  finish(): EndEvent | null {
    if (this.#phase === CLOSE) return END;
    this.error = H1_ERRORS.truncated;
    return null;
  }

  /** Octets of a trailer section looked at but not consumed. */
  get pending(): number {
    return this.#phase === TRAILERS ? this.#trailers.at : 0;
  }

  /** One step on input that is not empty; undefined: take another. */
  #step(): BodyResult | undefined {
    switch (this.#phase) {
      case CHUNK_HEADER:
        return this.#readHeader();
      case CHUNK_CR:
      case CHUNK_LF:
        return this.#readChunkEnd();
      case TRAILERS:
        return this.#readTrailers();
      default:
        return this.#readData();
    }
  }

  #readData(): DataEvent {
    const input = this.#input;
    const { octets, start } = input;
    if (this.#isSmallChunk() && input.end - start >= this.#remaining + NEXT_CHUNK_BYTES) return this.#gatherChunks();
    const bytes = Math.min(this.#remaining, input.end - start);
    const chunk = bytes === octets.length ? octets : octets.subarray(start, start + bytes);
    input.consume(bytes);
    this.#remaining -= bytes;
    if (this.#phase === CHUNK_DATA && this.#remaining === 0) this.#phase = CHUNK_CR;
    return { type: 'data', chunk };
  }

  #isSmallChunk(): boolean {
    return this.#phase === CHUNK_DATA && this.#remaining < SMALL_CHUNK_BYTES;
  }

  /**
   * Data of the small chunks that lie in reach, in one piece. An error among them is told by the next call of `next`.
   */
  #gatherChunks(): DataEvent {
    const input = this.#input;
    const gathered = Buffer.allocUnsafe(Math.min(GATHERED_BYTES, input.end - input.start));
    let bytes = 0;
    while (input.start !== input.end && this.error === null && this.#phase !== TRAILERS) {
      if (this.#phase !== CHUNK_DATA) {
        this.#step();
        continue;
      }
      if (!this.#isSmallChunk() || bytes + this.#remaining > gathered.length) break;
      bytes += this.#copyData(gathered, bytes);
    }
    return { type: 'data', chunk: gathered.subarray(0, bytes) };
  }

  /** Octet by octet: below `SMALL_CHUNK_BYTES` a call into native code would cost more. */
  #copyData(target: Buffer, offset: number): number {
    const input = this.#input;
    const { octets, start } = input;
    const bytes = Math.min(this.#remaining, input.end - start);
    for (let index = 0; index < bytes; index += 1) target[offset + index] = octets[start + index] as number;
    input.consume(bytes);
    this.#remaining -= bytes;
    if (this.#remaining === 0) this.#phase = CHUNK_CR;
    return bytes;
  }

  #readHeader(): BodyResult | undefined {
    const input = this.#input;
    const { octets, start, end } = input;
    const header = this.#header;
    let at = start;
    let isComplete = false;
    while (at < end && !isComplete) {
      isComplete = header.take(octets[at] as number);
      at += 1;
    }
    input.consume(at - start);
    if (header.error !== null) return this.#fail(header.error);
    if (isComplete) this.#beginChunk(header.size);
    return undefined;
  }

  #beginChunk(size: number): void {
    this.#remaining = size;
    if (size > 0) {
      this.#phase = CHUNK_DATA;
      return;
    }
    this.#phase = TRAILERS;
    this.#trailers.begin(0);
  }

  #readChunkEnd(): BodyResult | undefined {
    const input = this.#input;
    const expected = this.#phase === CHUNK_CR ? CR : LF;
    if (input.octets[input.start] !== expected) return this.#fail(H1_ERRORS.chunkEnd);
    input.consume(1);
    if (expected === CR) {
      this.#phase = CHUNK_LF;
    } else {
      this.#phase = CHUNK_HEADER;
      this.#header.begin();
    }
    return undefined;
  }

  #readTrailers(): BodyResult | undefined {
    const input = this.#input;
    const section = this.#trailers;
    if (!section.scan(input.octets, input.start, input.end)) return input.more() ? undefined : null;
    if (section.error !== null) return this.#fail(section.error);
    const trailers = section.lines === 0 ? null : this.#takeTrailers();
    input.consume(section.at);
    this.begin(NO_BODY);
    return trailers === null ? END : { type: 'end', trailers };
  }

  #takeTrailers(): Fields | null {
    const { octets, start } = this.#input;
    const fields = this.#trailers.take(octets, start, octets.toString('latin1', start, start + this.#trailers.at));
    fields.retain((lowerName) => !isForbiddenTrailer(lowerName));
    return fields.size === 0 ? null : fields;
  }

  #fail(error: H1Error): null {
    this.error = error;
    return null;
  }
}
