import type { Fields } from '../fields.ts';
import { isFieldText } from '../h1/encodeFields.ts';
import { EncodeFault } from '../h1/encodeFault.ts';
import { isForbiddenTrailer } from '../h1/forbiddenTrailers.ts';
import { trimSpace } from '../h1/listMembers.ts';
import { isToken } from '../octets.ts';
import { isConnectionSpecific } from './connectionSpecific.ts';
import { STATIC_TABLE } from './staticTable.ts';

/** First of each name in the static table. */
const STATIC_NAMES: ReadonlyMap<string, number> = new Map(STATIC_TABLE.map(([name], index) => [name, index + 1] as const).toReversed());
const STATUS_INDEX = 8;
/** Statuses that the static table holds whole. */
const STATIC_STATUSES: ReadonlyMap<number, number> = new Map(
  STATIC_TABLE.flatMap(([name, value], index) => (name === ':status' ? [[Number(value), index + 1] as const] : [])),
);
const FIRST_BYTES = 4096;
/** Two lengths of at most five octets and the first octet. */
const LINE_OVERHEAD = 12;

/** Blocks are made here one at a time and copied out. */
let scratch: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
let length = 0;

/**
 * Field block of a response head: status, fields, and `content-length` unless null. Only the static table is used
 * (as nginx does): no state between blocks, and nothing a secret could be guessed by (RFC 7541 section 7.1).
 * `resetTable`: begins with the size update that tells the decoder so. Throws `EncodeFault` for what no field may hold;
 * connection-specific fields are left out.
 */
export function encodeResponseBlock(status: number, fields: Fields, options: { contentLength: number | null; resetTable: boolean }): Buffer {
  length = 0;
  if (options.resetTable) scratch[length++] = 0x20;
  appendStatus(status);
  fields.forEach(appendField);
  if (options.contentLength !== null) appendLine('content-length', String(options.contentLength));
  return Buffer.from(scratch.subarray(0, length));
}

/** Field block of a trailer section; fields that may not stand there are left out. Null: nothing is left. */
export function encodeTrailerBlock(fields: Fields, resetTable: boolean): Buffer | null {
  length = 0;
  if (resetTable) scratch[length++] = 0x20;
  const start = length;
  fields.forEach(appendTrailer);
  return length === start ? null : Buffer.from(scratch.subarray(0, length));
}

function appendStatus(status: number): void {
  if (!Number.isInteger(status) || status < 100 || status > 999) throw new EncodeFault('startLine');
  const index = STATIC_STATUSES.get(status);
  if (index !== undefined) scratch[length++] = 0x80 | index;
  else appendIndexedName(STATUS_INDEX, String(status));
}

function appendField(_name: string, lowerName: string, value: string): void {
  if (isConnectionSpecific(lowerName) || lowerName === 'content-length') return;
  appendLine(lowerName, value);
}

function appendTrailer(name: string, lowerName: string, value: string): void {
  if (!isForbiddenTrailer(lowerName)) appendField(name, lowerName, value);
}

function appendLine(lowerName: string, value: string): void {
  if (!isFieldText(value)) throw new EncodeFault('fieldValue');
  const index = STATIC_NAMES.get(lowerName);
  // RFC 9113 section 8.2.1: no whitespace around a value.
  const trimmed = trimSpace(value, 0, value.length);
  if (index !== undefined) return appendIndexedName(index, trimmed);
  if (!isToken(lowerName)) throw new EncodeFault('fieldName');
  reserve(lowerName.length + trimmed.length);
  scratch[length++] = 0x00;
  appendString(lowerName);
  appendString(trimmed);
}

function appendIndexedName(index: number, value: string): void {
  reserve(value.length);
  appendInteger(index, 0x0f);
  appendString(value);
}

function appendString(text: string): void {
  appendInteger(text.length, 0x7f);
  length += scratch.write(text, length, 'latin1');
}

/** RFC 7541 section 5.1; `mask`: the prefix, all bits above it 0. */
function appendInteger(value: number, mask: number): void {
  if (value < mask) {
    scratch[length++] = value;
    return;
  }
  scratch[length++] = mask;
  let rest = value - mask;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) scratch[length++] = 0x80 | (rest & 0x7f);
  scratch[length++] = rest;
}

function reserve(bytes: number): void {
  const needed = length + bytes + LINE_OVERHEAD;
  if (needed <= scratch.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(needed, scratch.length * 2));
  scratch.copy(larger, 0, 0, length);
  scratch = larger;
}
