/** Longest number a reader or writer handles, octets. */
const MAX_INTEGER_OCTETS = 6;

/**
 * Reads numbers (big endian) and octets one behind the other. Beyond the end it answers zeros and nothing, and `failed` is true
 * from then on: a decoder looks once, at its end.
 */
export class OctetReader {
  readonly #octets: Buffer;
  #at = 0;
  failed = false;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  /** Octets that are not read yet. */
  get left(): number {
    return this.#octets.length - this.#at;
  }

  /** A number of 1 to 6 octets. */
  integer(length: number): number {
    if (length > MAX_INTEGER_OCTETS || !this.#has(length)) return 0;
    const value = this.#octets.readUIntBE(this.#at, length);
    this.#at += length;
    return value;
  }

  /** A view of the next octets, not a copy. */
  take(length: number): Buffer {
    if (!this.#has(length)) return Buffer.alloc(0);
    const taken = this.#octets.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }

  #has(length: number): boolean {
    if (length > this.left) this.failed = true;
    return !this.failed;
  }
}

/** Writes into a buffer of fixed size. Throws RangeError when that is full: encoders know their bounds. */
export class OctetWriter {
  readonly #octets: Buffer;
  #at = 0;

  constructor(capacity: number) {
    this.#octets = Buffer.allocUnsafe(capacity);
  }

  /** A number of 1 to 6 octets. */
  integer(value: number, length: number): void {
    this.#at = this.#octets.writeUIntBE(value, this.#at, length);
  }

  octets(octets: Uint8Array): void {
    if (this.#at + octets.length > this.#octets.length) throw new RangeError(`${octets.length} octets do not fit`);
    this.#octets.set(octets, this.#at);
    this.#at += octets.length;
  }

  /** What is written so far: a view. */
  written(): Buffer {
    return this.#octets.subarray(0, this.#at);
  }
}
