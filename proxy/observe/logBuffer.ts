import { escapeText } from './logEscape.ts';

/** What a buffer holds at first and again after a long line: a batch, and room for the line that goes over it. */
const START_BYTES = 160 * 1024;
/** Most octets one character becomes: three of UTF-8, each as `\xHH`. */
const MOST_BYTES_PER_CHARACTER = 12;
const MOST_DIGITS = 20;
/** Above, a call into Node costs less than a loop. */
const LOOP_CHARACTERS = 200;

const SPACE = 0x20;
const ZERO = 0x30;
const POINT = 0x2e;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;

/**
 * Gathers lines as octets. They are written one by one straight into memory: joining strings leaves a tree of some 25
 * nodes a line that has to live until the batch is sent, and and be found again by the garbage collector (bench/NOTES.md).
 */
export class LogBuffer {
  #bytes = Buffer.allocUnsafeSlow(START_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Printable ASCII the program itself made. */
  add(text: string): this {
    const bytes = this.#room(text.length);
    if (text.length > LOOP_CHARACTERS) {
      this.#length += bytes.write(text, this.#length, 'latin1');
      return this;
    }
    let at = this.#length;
    for (let index = 0; index < text.length; index += 1) bytes[at++] = text.charCodeAt(index);
    this.#length = at;
    return this;
  }

  /** A value from outside, escaped as `escapeText` says. */
  addEscaped(text: string): this {
    const bytes = this.#room(text.length);
    let at = this.#length;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code < SPACE || code >= DELETE || code === QUOTE || code === BACKSLASH) return this.#escape(text, index, at);
      bytes[at++] = code;
    }
    this.#length = at;
    return this;
  }

  /** A whole number from 0 to 2^53. */
  addInteger(value: number): this {
    const bytes = this.#room(MOST_DIGITS);
    let digits = 1;
    for (let limit = 10; value >= limit; limit *= 10) digits += 1;
    let rest = value;
    for (let at = this.#length + digits - 1; at >= this.#length; at -= 1) {
      const quotient = Math.floor(rest / 10);
      bytes[at] = ZERO + (rest - quotient * 10);
      rest = quotient;
    }
    this.#length += digits;
    return this;
  }

  /** Milliseconds as seconds with three decimals, cut like nginx's `$request_time`: `0.004`. Negative becomes zero. */
  addSeconds(ms: number): this {
    const whole = Math.max(0, Math.trunc(ms));
    const seconds = Math.floor(whole / 1000);
    const rest = whole - seconds * 1000;
    this.addInteger(seconds);
    const bytes = this.#room(MOST_DIGITS);
    const at = this.#length;
    bytes[at] = POINT;
    bytes[at + 1] = ZERO + Math.floor(rest / 100);
    bytes[at + 2] = ZERO + (Math.floor(rest / 10) % 10);
    bytes[at + 3] = ZERO + (rest % 10);
    this.#length = at + 4;
    return this;
  }

  /** What was gathered, in an ArrayBuffer of its own, so that it can be transferred; the buffer is empty again. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = new Uint8Array(this.#length);
    taken.set(this.#bytes.subarray(0, this.#length));
    this.clear();
    return taken;
  }

  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > START_BYTES) this.#bytes = Buffer.allocUnsafeSlow(START_BYTES);
  }

  #escape(text: string, from: number, at: number): this {
    this.#length = at;
    return this.add(escapeText(text.slice(from)));
  }

  /** The memory, with room for so many characters in their longest form. */
  #room(characters: number): Buffer {
    const wanted = this.#length + characters * MOST_BYTES_PER_CHARACTER;
    if (wanted > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    return this.#bytes;
  }
}
