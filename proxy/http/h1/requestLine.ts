import { CR, LF, SP, TOKEN_OCTETS } from '../octets.ts';
import { TARGET_OCTETS, TARGET_PERCENT, TARGET_PLAIN, TARGET_QUERY, TARGET_QUERY_ONLY } from '../requestTarget.ts';
import { H1_ERRORS } from './errors.ts';
import type { H1Error } from './events.ts';

/** Longest method taken, octets: twice the longest registered one (UPDATEREDIRECTREF, 17). Ours. */
const MAX_METHOD_BYTES = 32;
/** `HTTP/1.1` and CRLF. */
const VERSION_LINE_BYTES = 10;
const MAJOR_AT = 5;
const MINOR_AT = 7;
/** Octets of `HTTP/d.d` CRLF; the digits are compared apart. */
const VERSION_LINE = Buffer.from('HTTP/0.0\r\n', 'latin1');

const METHOD = 0;
const TARGET = 1;
const VERSION = 2;

/**
 * The request line (RFC 9112 section 3), read once in any number of calls; marks are relative to the start of the
 * element.
 */
export class RequestLine {
  /** Next octet to look at, relative to the base given to `scan`. */
  at = 0;
  error: H1Error | null = null;
  methodEnd = 0;
  targetEnd = 0;
  /** The target holds a percent sign, so its encodings are still to be checked. */
  hasPercent = false;
  minorVersion: 0 | 1 = 1;
  readonly #maxBytes: number;
  #phase = METHOD;
  #inQuery = false;
  #major = 0;
  #minor = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  begin(): void {
    this.at = 0;
    this.error = null;
    this.hasPercent = false;
    this.#phase = METHOD;
    this.#inQuery = false;
  }

  /**
   * Reads from `base + at` towards `end`. True: the line is complete with its CRLF, or `error` is set; false: more
   * octets are needed.
   */
  scan(octets: Buffer, base: number, end: number): boolean {
    if (this.#phase === METHOD && !this.#scanMethod(octets, base, end)) return this.error !== null;
    if (this.#phase === TARGET && !this.#scanTarget(octets, base, end)) return this.error !== null;
    return this.#scanVersion(octets, base, end);
  }

  #scanMethod(octets: Buffer, base: number, end: number): boolean {
    let at = base + this.at;
    const limit = Math.min(end, base + MAX_METHOD_BYTES + 1);
    while (at < limit && TOKEN_OCTETS[octets[at] as number] !== 0) at += 1;
    this.at = at - base;
    if (this.at > MAX_METHOD_BYTES) return this.#fail(H1_ERRORS.methodLength);
    if (at === end) return false;
    const octet = octets[at];
    if (octet !== SP || this.at === 0) return this.#fail(octet === LF ? H1_ERRORS.bareLineFeed : H1_ERRORS.method);
    this.methodEnd = this.at;
    this.at += 1;
    this.#phase = TARGET;
    return true;
  }

  #scanTarget(octets: Buffer, base: number, end: number): boolean {
    let at = base + this.at;
    const cap = base + this.#maxBytes;
    const limit = Math.min(end, cap);
    let kind = TARGET_PLAIN;
    while (at < limit) {
      kind = TARGET_OCTETS[octets[at] as number] as number;
      if (kind !== TARGET_PLAIN && !this.#passes(kind)) break;
      at += 1;
    }
    this.at = at - base;
    if (at >= cap) return this.#fail(H1_ERRORS.requestLineLength);
    if (at === end) return false;
    const octet = octets[at];
    const isEmpty = this.at === this.methodEnd + 1;
    if (octet !== SP || isEmpty) return this.#fail(octet === LF ? H1_ERRORS.bareLineFeed : H1_ERRORS.target);
    this.targetEnd = this.at;
    this.at += 1;
    this.#phase = VERSION;
    return true;
  }

  /** Takes what is plain only in some places. */
  #passes(kind: number): boolean {
    if (kind === TARGET_PERCENT) this.hasPercent = true;
    else if (kind === TARGET_QUERY) this.#inQuery = true;
    else return kind === TARGET_QUERY_ONLY && this.#inQuery;
    return true;
  }

  #scanVersion(octets: Buffer, base: number, end: number): boolean {
    const start = this.targetEnd + 1;
    for (; this.at < start + VERSION_LINE_BYTES; this.at += 1) {
      if (base + this.at >= end) return false;
      if (!this.#takeVersionOctet(this.at - start, octets[base + this.at] as number)) return true;
    }
    if (this.at - 2 > this.#maxBytes) this.error = H1_ERRORS.requestLineLength;
    else if (this.#major !== 1 || this.#minor > 1) this.error = H1_ERRORS.versionUnknown;
    this.minorVersion = this.#minor === 0 ? 0 : 1;
    return true;
  }

  #takeVersionOctet(index: number, octet: number): boolean {
    const digit = octet - 0x30;
    const isDigit = digit >= 0 && digit <= 9;
    if (index === MAJOR_AT) this.#major = digit;
    if (index === MINOR_AT) this.#minor = digit;
    if (index === MAJOR_AT || index === MINOR_AT ? isDigit : octet === VERSION_LINE[index]) return true;
    if (octet === LF) this.error = H1_ERRORS.bareLineFeed;
    else if (VERSION_LINE[index] === LF) this.error = H1_ERRORS.bareCarriageReturn;
    else this.error = octet === CR ? H1_ERRORS.requestLine : H1_ERRORS.versionSyntax;
    return false;
  }

  #fail(error: H1Error): false {
    this.error = error;
    return false;
  }
}
