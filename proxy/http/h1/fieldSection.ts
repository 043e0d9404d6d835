import type { ClientLimits } from '../../../core/ir/settings.ts';
import { Fields } from '../fields.ts';
import { COLON, CR, FIELD_TEXT_OCTETS, HTAB, LF, SP, TOKEN_OCTETS } from '../octets.ts';
import { H1_ERRORS } from './errors.ts';
import type { H1Error } from './events.ts';
import { noControlFields, noteControlField, resetControlFields } from './controlFields.ts';
import type { ControlFields } from './controlFields.ts';
import { HASH_START, findKnownField, findKnownFieldInAnyCase, hashOctet } from './knownFields.ts';

/** The ceilings a decoder enforces; everything beyond is an error event, never a silent cut. */
export type HeadLimits = Pick<ClientLimits, 'requestLineBytes' | 'fieldLineBytes' | 'headerBytes' | 'headerCount'>;

/** How a section departs from what is the same everywhere. */
export interface FieldSectionRules {
  /** Lines whose name holds an underscore vanish: `Content_Length` reads as Content-Length to CGI-like backends. */
  readonly dropUnderscores: boolean;
  /**
   * Whitespace before the colon is removed instead of refused: what RFC 9112 section 5.1 wants of a proxy for
   * responses.
   */
  readonly stripNameSpace: boolean;
}

const CRLF_BYTES = 2;
/** Numbers kept per line: name start, name end, value start, value end, hash of the name. */
const MARKS_PER_LINE = 5;

const LINE_START = 0;
const NAME = 1;
const NAME_SPACE = 2;
const VALUE_SPACE = 3;
const VALUE = 4;
const LINE_LF = 5;
const SECTION_LF = 6;

/**
 * Field lines up to the empty line (RFC 9112 section 5), for heads and trailer sections. Octets are looked at once,
 * in any number of calls; what was found is kept as marks relative to the start of the element, so it survives a
 * merge of chunks.
 */
export class FieldSection {
  /** Next octet to look at, relative to the base given to `scan`. */
  at = 0;
  error: H1Error | null = null;
  readonly control: ControlFields = noControlFields();
  readonly #limits: HeadLimits;
  readonly #rules: FieldSectionRules;
  readonly #marks: number[] = [];
  #lines = 0;
  #phase = LINE_START;
  #hash = HASH_START;
  #lineStart = 0;
  #nameEnd = 0;
  #valueStart = 0;
  #valueEnd = 0;
  /** No octet of the current line may lie here or behind; relative. */
  #lineCap = 0;
  #sectionCap = 0;

  constructor(limits: HeadLimits, rules: FieldSectionRules) {
    this.#limits = limits;
    this.#rules = rules;
  }

  /** Field lines seen, dropped ones included. */
  get lines(): number {
    return this.#lines;
  }

  /** Starts a section whose first octet lies `at` octets behind the base. */
  begin(at: number): void {
    this.at = at;
    this.error = null;
    this.#lines = 0;
    this.#phase = LINE_START;
    this.#sectionCap = at + this.#limits.headerBytes + CRLF_BYTES;
    this.#lineCap = this.#sectionCap;
  }

  /**
   * Reads from `base + at` towards `end`. True: the section is complete, or `error` is set; false: more octets are
   * needed.
   */
  scan(octets: Buffer, base: number, end: number): boolean {
    let at = base + this.at;
    while (at < end) {
      const phase = this.#phase;
      if (phase === NAME) at = this.#scanName(octets, at, Math.min(end, base + this.#lineCap), base);
      else if (phase === VALUE) at = this.#scanValue(octets, at, Math.min(end, base + this.#lineCap), base);
      else if (phase === VALUE_SPACE || phase === LINE_START) at = this.#scanStart(octets, at, base);
      else if (phase === SECTION_LF) return this.#endSection(octets, at, base);
      else at = this.#scanRare(octets, at, base);
      if (this.error !== null) return true;
      if (at - base >= this.#lineCap && this.#isInLine()) return this.#refuseLength();
    }
    this.at = at - base;
    return false;
  }

  /**
   * Builds the fields of a complete section out of `text`, the octets from the base on; and fills `control` of a
   * head.
   */
  take(octets: Buffer, base: number, text: string): Fields {
    const fields = new Fields();
    const marks = this.#marks;
    resetControlFields(this.control);
    const count = this.#lines * MARKS_PER_LINE;
    for (let mark = 0; mark < count; mark += MARKS_PER_LINE) {
      const start = marks[mark] as number;
      const end = marks[mark + 1] as number;
      const hash = marks[mark + 4] as number;
      const value = text.slice(marks[mark + 2], marks[mark + 3]);
      const known = findKnownField(octets, base + start, base + end, hash);
      if (known === undefined) {
        this.#appendOther(fields, text.slice(start, end), value, hash);
        continue;
      }
      fields.append(known.name, known.lowerName, value);
      if (known.role !== 'other') noteControlField(this.control, known.role, value);
    }
    return fields;
  }

  #appendOther(fields: Fields, name: string, value: string, hash: number): void {
    if (this.#rules.dropUnderscores && name.includes('_')) return;
    const lowerName = name.toLowerCase();
    const known = findKnownFieldInAnyCase(lowerName, hash);
    fields.append(name, known?.lowerName ?? lowerName, value);
    if (known !== undefined && known.role !== 'other') noteControlField(this.control, known.role, value);
  }

  /** First octet of a line, and whitespace in front of a value. */
  #scanStart(octets: Buffer, at: number, base: number): number {
    const octet = octets[at] as number;
    if (this.#phase === VALUE_SPACE) {
      if (octet === SP || octet === HTAB) return at + 1;
      this.#valueStart = at - base;
      this.#phase = VALUE;
      return at;
    }
    if (octet === CR) {
      this.#phase = SECTION_LF;
      return at + 1;
    }
    if (this.#lines >= this.#limits.headerCount) return this.#fail(H1_ERRORS.headerCount, at);
    this.#lineStart = at - base;
    this.#lineCap = Math.min(this.#sectionCap - CRLF_BYTES, this.#lineStart + this.#limits.fieldLineBytes + CRLF_BYTES);
    this.#hash = HASH_START;
    this.#phase = NAME;
    return at;
  }

  #scanName(octets: Buffer, start: number, limit: number, base: number): number {
    let at = start;
    let hash = this.#hash;
    while (at < limit) {
      const lower = TOKEN_OCTETS[octets[at] as number] as number;
      if (lower === 0) break;
      hash = hashOctet(hash, lower);
      at += 1;
    }
    this.#hash = hash;
    if (at === limit) return at;
    const octet = octets[at] as number;
    const isEmpty = at - base === this.#lineStart;
    if (isEmpty || octet !== COLON) return this.#endNameOddly(octet, at, base);
    this.#nameEnd = at - base;
    this.#phase = VALUE_SPACE;
    return at + 1;
  }

  #endNameOddly(octet: number, at: number, base: number): number {
    const isEmpty = at - base === this.#lineStart;
    if (octet === SP || octet === HTAB) {
      if (isEmpty) return this.#fail(H1_ERRORS.fieldFold, at);
      if (!this.#rules.stripNameSpace) return this.#fail(H1_ERRORS.fieldNameSpace, at);
      this.#nameEnd = at - base;
      this.#phase = NAME_SPACE;
      return at + 1;
    }
    return this.#fail(octet === LF ? H1_ERRORS.bareLineFeed : H1_ERRORS.fieldName, at);
  }

  #scanValue(octets: Buffer, start: number, limit: number, base: number): number {
    let at = start;
    while (at < limit && FIELD_TEXT_OCTETS[octets[at] as number] === 1) at += 1;
    if (at === limit) return at;
    const octet = octets[at];
    if (octet !== CR) return this.#fail(octet === LF ? H1_ERRORS.bareLineFeed : H1_ERRORS.fieldValue, at);
    this.#valueEnd = at - base;
    this.#phase = LINE_LF;
    return at + 1;
  }

  /** The line feed of a line, and whitespace between a name and its colon. */
  #scanRare(octets: Buffer, at: number, base: number): number {
    const octet = octets[at] as number;
    if (this.#phase === LINE_LF) {
      if (octet !== LF) return this.#fail(H1_ERRORS.bareCarriageReturn, at);
      this.#endLine(octets, base);
      return at + 1;
    }
    if (octet === SP || octet === HTAB) return at + 1;
    if (octet !== COLON) return this.#fail(H1_ERRORS.fieldName, at);
    this.#phase = VALUE_SPACE;
    return at + 1;
  }

  #endLine(octets: Buffer, base: number): void {
    let valueEnd = this.#valueEnd;
    while (valueEnd > this.#valueStart && isSpace(octets[base + valueEnd - 1] as number)) valueEnd -= 1;
    const mark = this.#lines * MARKS_PER_LINE;
    const marks = this.#marks;
    marks[mark] = this.#lineStart;
    marks[mark + 1] = this.#nameEnd;
    marks[mark + 2] = this.#valueStart;
    marks[mark + 3] = valueEnd;
    marks[mark + 4] = this.#hash;
    this.#lines += 1;
    this.#phase = LINE_START;
    this.#lineCap = this.#sectionCap;
  }

  #endSection(octets: Buffer, at: number, base: number): boolean {
    if (octets[at] !== LF) this.error = H1_ERRORS.bareCarriageReturn;
    this.at = at + 1 - base;
    return true;
  }

  #isInLine(): boolean {
    return this.#phase !== LINE_START && this.#phase !== SECTION_LF;
  }

  #refuseLength(): boolean {
    const isWholeSection = this.#lineCap === this.#sectionCap - CRLF_BYTES;
    this.error = isWholeSection ? H1_ERRORS.headerBytes : H1_ERRORS.fieldLineLength;
    return true;
  }

  #fail(error: H1Error, at: number): number {
    this.error = error;
    return at + 1;
  }
}

function isSpace(octet: number): boolean {
  return octet === SP || octet === HTAB;
}
