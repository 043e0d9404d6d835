import { CR, FIELD_TEXT_OCTETS, LF, SP } from '../octets.ts';
import { H1_ERRORS } from './errors.ts';
import type { H1Error } from './events.ts';

/** `HTTP/1.x SP ddd`. */
const FIXED_BYTES = 12;
const MINOR_AT = 7;
const STATUS_AT = 9;
const FIXED = Buffer.from('HTTP/1.0 000', 'latin1');

const FIXED_PART = 0;
const SPACE = 1;
const REASON = 2;
const LINE_LF = 3;

/**
 * The status line (RFC 9112 section 4), read once in any number of calls; marks are relative to the start of the
 * element.
 */
export class StatusLine {
  /** Next octet to look at, relative to the base given to `scan`. */
  at = 0;
  error: H1Error | null = null;
  /** 100 to 999. */
  status = 0;
  minorVersion: 0 | 1 = 1;
  reasonStart = 0;
  reasonEnd = 0;
  readonly #maxBytes: number;
  #phase = FIXED_PART;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  begin(): void {
    this.at = 0;
    this.error = null;
    this.status = 0;
    this.#phase = FIXED_PART;
  }

  /**
   * Reads from `base + at` towards `end`. True: the line is complete with its CRLF, or `error` is set; false: more
   * octets are needed.
   */
  scan(octets: Buffer, base: number, end: number): boolean {
    for (; base + this.at < end; this.at += 1) {
      const octet = octets[base + this.at] as number;
      if (this.#phase === FIXED_PART) this.#takeFixed(octet);
      else if (this.#phase === SPACE) this.#takeSpace(octet);
      else if (this.#phase === REASON) this.#takeReason(octet);
      else return this.#endLine(octet);
      if (this.error !== null) return true;
    }
    return false;
  }

  #takeFixed(octet: number): void {
    const index = this.at;
    const digit = octet - 0x30;
    if (index === MINOR_AT) {
      if (digit !== 0 && digit !== 1) this.error = H1_ERRORS.versionUnknown;
      this.minorVersion = digit === 0 ? 0 : 1;
    } else if (index < STATUS_AT) {
      if (octet !== FIXED[index]) this.error = H1_ERRORS.statusLine;
    } else {
      if (digit < 0 || digit > 9 || (index === STATUS_AT && digit === 0)) this.error = H1_ERRORS.statusLine;
      this.status = this.status * 10 + digit;
    }
    if (index === FIXED_BYTES - 1) this.#phase = SPACE;
  }

  /** The space before the reason phrase is required by the grammar and missing in practice when there is no phrase. */
  #takeSpace(octet: number): void {
    this.reasonStart = this.at + 1;
    if (octet === SP) {
      this.#phase = REASON;
      return;
    }
    this.reasonStart = this.at;
    this.#takeReasonEnd(octet, this.at);
  }

  #takeReason(octet: number): void {
    if (FIELD_TEXT_OCTETS[octet] === 1) {
      if (this.at >= this.#maxBytes) this.error = H1_ERRORS.statusLineLength;
      return;
    }
    this.#takeReasonEnd(octet, this.at);
  }

  #takeReasonEnd(octet: number, end: number): void {
    if (octet === LF) this.error = H1_ERRORS.bareLineFeed;
    else if (octet !== CR) this.error = H1_ERRORS.statusLine;
    this.reasonEnd = end;
    this.#phase = LINE_LF;
  }

  #endLine(octet: number): boolean {
    if (octet !== LF) this.error = H1_ERRORS.bareCarriageReturn;
    this.at += 1;
    return true;
  }
}
