/** Reads the fields of a TLS structure (RFC 8446 section 3) one after the other. Past the end it gives zeros and `failed` is set. */
export class WireReader {
  readonly #octets: Buffer;
  #at = 0;
  #failed = false;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  /** Something was read that is not there. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Everything has been read, and nothing beyond. */
  get ended(): boolean {
    return !this.#failed && this.#at === this.#octets.length;
  }

  /** An unsigned integer of 1 to 3 octets. */
  uint(size: 1 | 2 | 3): number {
    const at = this.#advance(size);
    return at === -1 ? 0 : this.#octets.readUIntBE(at, size);
  }

  /** `length` octets as they stand, not copied. */
  octets(length: number): Buffer {
    const at = this.#advance(length);
    return at === -1 ? Buffer.alloc(0) : this.#octets.subarray(at, at + length);
  }

  /** A vector whose length stands before it in `lengthSize` octets. */
  vector(lengthSize: 1 | 2 | 3): Buffer {
    return this.octets(this.uint(lengthSize));
  }

  #advance(length: number): number {
    if (this.#failed || length > this.#octets.length - this.#at) {
      this.#failed = true;
      return -1;
    }
    this.#at += length;
    return this.#at - length;
  }
}
