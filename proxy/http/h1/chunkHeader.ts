import { CR, FIELD_TEXT_OCTETS, HEX_VALUES, LF, TOKEN_OCTETS } from '../octets.ts';
import { H1_ERRORS } from './errors.ts';
import type { H1Error } from './events.ts';

/** Hex digits of a size: those of 64 bits, far above what `MAX_SAFE_INTEGER` lets through. Leading zeros count. */
const MAX_SIZE_DIGITS = 16;
/** Octets of extensions in one message, size lines of all chunks together (RFC 9112 section 7.1.1). Ours. */
export const MAX_EXTENSION_BYTES = 16_384;

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const SIZE = 0;
const EXTENSION_START = 1;
const EXTENSION_NAME = 2;
const VALUE_START = 3;
const VALUE_TOKEN = 4;
const VALUE_QUOTED = 5;
const VALUE_ESCAPE = 6;
const VALUE_END = 7;
const LINE_LF = 8;
const COMPLETE = 9;

/**
 * The size line of a chunk (RFC 9112 section 7.1), one octet at a time. Extensions are checked against the grammar
 * without its optional whitespace, counted over the whole message, and forgotten.
 */
export class ChunkHeader {
  /** Octets of data in the chunk; 0: last chunk. Valid once `take` has answered true. */
  size = 0;
  error: H1Error | null = null;
  #digits = 0;
  #phase = SIZE;
  #extensionBytes = 0;

  /** Starts the first size line of a message. */
  beginMessage(): void {
    this.#extensionBytes = 0;
    this.error = null;
    this.begin();
  }

  begin(): void {
    this.size = 0;
    this.#digits = 0;
    this.#phase = SIZE;
  }

  /** Takes the next octet; true: the line is complete, or `error` is set. */
  take(octet: number): boolean {
    if (this.#phase === SIZE) this.#takeSize(octet);
    else if (this.#phase === LINE_LF) this.#takeLineFeed(octet);
    else this.#takeExtension(octet);
    return this.#phase === COMPLETE || this.error !== null;
  }

  #takeSize(octet: number): void {
    const value = HEX_VALUES[octet] as number;
    if (value === 255) {
      this.#endSize(octet);
      return;
    }
    this.#digits += 1;
    this.size = this.size * 16 + value;
    if (this.#digits > MAX_SIZE_DIGITS || this.size > Number.MAX_SAFE_INTEGER) this.error = H1_ERRORS.chunkSizeRange;
  }

  #endSize(octet: number): void {
    if (this.#digits === 0) this.error = H1_ERRORS.chunkSize;
    else if (octet === CR) this.#phase = LINE_LF;
    else if (octet === SEMICOLON) this.#phase = EXTENSION_START;
    else this.error = octet === LF ? H1_ERRORS.bareLineFeed : H1_ERRORS.chunkSize;
  }

  #takeLineFeed(octet: number): void {
    if (octet === LF) this.#phase = COMPLETE;
    else this.error = H1_ERRORS.bareCarriageReturn;
  }

  #takeExtension(octet: number): void {
    this.#extensionBytes += 1;
    if (this.#extensionBytes > MAX_EXTENSION_BYTES) {
      this.error = H1_ERRORS.chunkExtensionBytes;
      return;
    }
    const next = nextPhase(this.#phase, octet);
    if (next === -1) this.error = octet === LF ? H1_ERRORS.bareLineFeed : H1_ERRORS.chunkExtension;
    else this.#phase = next;
  }
}

/** The phase behind `octet` in an extension; -1: the octet may not stand there. */
function nextPhase(phase: number, octet: number): number {
  switch (phase) {
    case EXTENSION_START:
      return isTokenOctet(octet) ? EXTENSION_NAME : -1;
    case EXTENSION_NAME:
      if (octet === EQUALS) return VALUE_START;
      return isTokenOctet(octet) ? EXTENSION_NAME : afterExtension(octet);
    case VALUE_START:
      if (octet === QUOTE) return VALUE_QUOTED;
      return isTokenOctet(octet) ? VALUE_TOKEN : -1;
    case VALUE_TOKEN:
      return isTokenOctet(octet) ? VALUE_TOKEN : afterExtension(octet);
    case VALUE_QUOTED:
      if (octet === QUOTE) return VALUE_END;
      if (octet === BACKSLASH) return VALUE_ESCAPE;
      return FIELD_TEXT_OCTETS[octet] === 1 ? VALUE_QUOTED : -1;
    case VALUE_ESCAPE:
      return FIELD_TEXT_OCTETS[octet] === 1 ? VALUE_QUOTED : -1;
    default:
      return afterExtension(octet);
  }
}

function afterExtension(octet: number): number {
  if (octet === SEMICOLON) return EXTENSION_START;
  return octet === CR ? LINE_LF : -1;
}

function isTokenOctet(octet: number): boolean {
  return TOKEN_OCTETS[octet] !== 0;
}
