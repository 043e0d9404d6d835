const EMPTY = Buffer.alloc(0);
/** Spare room of a merged buffer, octets: what keeps a head that comes octet by octet from being copied each time. */
const MAX_SPARE_BYTES = 8192;
const MIN_SPARE_BYTES = 256;

/**
 * Octets between the socket and a parser. The parser reads `octets` from `start` to `end`, consumes from the front, and
 * asks for `more` when it has to see further. Chunks are used where they lie; only an element that crosses from one
 * chunk to the next is copied together. Octets that were consumed are never written to again, so views of them last.
 */
export class OctetInput {
  octets: Buffer = EMPTY;
  /** First octet not consumed. */
  start = 0;
  /** Behind the last octet in reach. */
  end = 0;
  /** Octets consumed since the beginning. */
  consumed = 0;
  #queue: Buffer[] = [];
  #queueStart = 0;
  #queuedBytes = 0;
  /** `octets` was made here, and may be written to behind `end`. */
  #merged = false;

  /** Octets pushed and not consumed. */
  get buffered(): number {
    return this.end - this.start + this.#queuedBytes;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.start === this.end && this.#queuedBytes === 0) {
      this.#use(chunk);
      return;
    }
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
  }

  consume(count: number): void {
    this.start += count;
    this.consumed += count;
    // Lets go of the chunk, which may be a view of a much larger read buffer.
    if (this.start === this.end && this.#queuedBytes === 0) this.#release();
  }

  /** Brings further octets into reach behind those not consumed; false when none have been pushed. */
  more(): boolean {
    if (this.#queuedBytes === 0) return false;
    const chunk = this.#shift();
    if (this.start === this.end) this.#use(chunk);
    else this.#append(chunk);
    return true;
  }

  /** Everything not consumed, in one piece; nothing is left. */
  takeRest(): Buffer {
    const pieces = [this.octets.subarray(this.start, this.end), ...this.#queue.slice(this.#queueStart)];
    const rest = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
    this.clear();
    return rest;
  }

  /** Drops everything not consumed. */
  clear(): void {
    this.consumed += this.buffered;
    this.#queue = [];
    this.#queueStart = 0;
    this.#queuedBytes = 0;
    this.#release();
  }

  #use(chunk: Buffer): void {
    this.octets = chunk;
    this.start = 0;
    this.end = chunk.length;
    this.#merged = false;
  }

  #release(): void {
    this.#use(EMPTY);
  }

  #shift(): Buffer {
    const chunk = this.#queue[this.#queueStart] as Buffer;
    this.#queueStart += 1;
    this.#queuedBytes -= chunk.length;
    if (this.#queueStart === this.#queue.length) {
      this.#queue.length = 0;
      this.#queueStart = 0;
    }
    return chunk;
  }

  #append(chunk: Buffer): void {
    if (!this.#merged || this.octets.length - this.end < chunk.length) this.#makeRoom(chunk.length);
    chunk.copy(this.octets, this.end);
    this.end += chunk.length;
  }

  #makeRoom(bytes: number): void {
    const kept = this.end - this.start;
    const needed = kept + bytes;
    const room = Buffer.allocUnsafeSlow(needed + Math.max(MIN_SPARE_BYTES, Math.min(needed, MAX_SPARE_BYTES)));
    this.octets.copy(room, 0, this.start, this.end);
    this.octets = room;
    this.start = 0;
    this.end = kept;
    this.#merged = true;
  }
}
