import type { Fields } from '../fields.ts';
import { FIELD_TEXT_OCTETS, TOKEN_OCTETS } from '../octets.ts';
import { EncodeFault } from './encodeFault.ts';
import { isForbiddenTrailer } from './forbiddenTrailers.ts';

/** Fields of which the encoder writes its own single copy. */
const CONTROL_FIELDS: ReadonlySet<string> = new Set(['connection', 'content-length', 'transfer-encoding', 'upgrade']);

/**
 * Text gathered by `appendLine`: `Fields.forEach` takes a function, and one made per message would cost more than the
 * text.
 */
let text = '';

/**
 * Field lines as latin1 text, each with its CRLF. Throws `EncodeFault` for a name or value that could end its line
 * early, and for framing and connection fields, which only the caller's other arguments may cause.
 */
export function encodeFields(fields: Fields): string {
  return gather(fields, appendLine);
}

/** The same for a request, whose head has its own Host and Expect: lines of those names are left out. */
export function encodeRequestFields(fields: Fields): string {
  return gather(fields, appendRequestLine);
}

/** Fields that nobody changes any more → their lines. */
const sharedLines = new WeakMap<Fields, string>();

/** The same as `encodeRequestFields` for fields that many requests share and nobody changes any more. */
export function encodeSharedFields(fields: Fields): string {
  let lines = sharedLines.get(fields);
  if (lines === undefined) {
    // Through a buffer, so that it is one flat string and not a tree that every request would have to walk.
    lines = Buffer.from(encodeRequestFields(fields), 'latin1').toString('latin1');
    sharedLines.set(fields, lines);
  }
  return lines;
}

/** True for text that stays one element when written as latin1: no controls but HTAB, no character above 0xff. */
export function isFieldText(value: string): boolean {
  for (let index = 0; index < value.length; index += 1) {
    if (FIELD_TEXT_OCTETS[value.charCodeAt(index)] !== 1) return false;
  }
  return true;
}

/** The same for a trailer section: fields that may not stand there (RFC 9110 section 6.5.1) are left out. */
export function encodeTrailerFields(fields: Fields): string {
  return gather(fields, appendTrailerLine);
}

function gather(fields: Fields, append: (name: string, lowerName: string, value: string) => void): string {
  text = '';
  fields.forEach(append);
  const lines = text;
  text = '';
  return lines;
}

function appendRequestLine(name: string, lowerName: string, value: string): void {
  if (lowerName !== 'host' && lowerName !== 'expect') appendLine(name, lowerName, value);
}

function appendTrailerLine(name: string, lowerName: string, value: string): void {
  if (!isForbiddenTrailer(lowerName)) appendLine(name, lowerName, value);
}

function appendLine(name: string, lowerName: string, value: string): void {
  if (CONTROL_FIELDS.has(lowerName)) throw new EncodeFault('controlField');
  if (!isName(name)) throw new EncodeFault('fieldName');
  if (!isFieldText(value)) throw new EncodeFault('fieldValue');
  text += `${name}: ${value}\r\n`;
}

function isName(name: string): boolean {
  for (let index = 0; index < name.length; index += 1) {
    // Undefined above 0xff.
    if (!TOKEN_OCTETS[name.charCodeAt(index)]) return false;
  }
  return name.length > 0;
}
