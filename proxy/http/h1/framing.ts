import { H1_ERRORS } from './errors.ts';
import type { Framing, H1Error } from './events.ts';
import type { ControlFields } from './controlFields.ts';
import { isToken } from '../octets.ts';
import { listMembers } from './listMembers.ts';

/** Digits of 2^53-1, the last length every integer of which a double holds. */
const MAX_LENGTH_DIGITS = 16;

const NO_BODY: Framing = Object.freeze({ type: 'none' });
const CHUNKED: Framing = Object.freeze({ type: 'chunked' });
const UNTIL_CLOSE: Framing = Object.freeze({ type: 'close' });

/** How a body ends, or why that cannot be said without doubt. */
export type FramingResult =
  | { readonly ok: true; readonly framing: Framing }
  | { readonly ok: false; readonly error: H1Error };

const NO_BODY_RESULT: FramingResult = { ok: true, framing: NO_BODY };
const CHUNKED_RESULT: FramingResult = { ok: true, framing: CHUNKED };
const UNTIL_CLOSE_RESULT: FramingResult = { ok: true, framing: UNTIL_CLOSE };

/** Framing of a request (RFC 9112 section 6.3). Where the RFC lets a recipient repair, this refuses. */
export function requestFraming(control: ControlFields, minorVersion: 0 | 1): FramingResult {
  return framingOf(control, minorVersion, NO_BODY_RESULT);
}

/**
 * Framing of a final response that may have a body. The rules for requests hold: a backend whose framing needs guessing
 * is answered for with 502.
 */
export function responseFraming(control: ControlFields, minorVersion: 0 | 1): FramingResult {
  return framingOf(control, minorVersion, UNTIL_CLOSE_RESULT);
}

/** Content-Length as a number (RFC 9110 section 8.6); null when it is not 1 to 16 digits, or above 2^53-1. */
export function parseContentLength(text: string): number | null {
  if (text.length === 0 || text.length > MAX_LENGTH_DIGITS) return null;
  let bytes = 0;
  for (let index = 0; index < text.length; index += 1) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return null;
    bytes = bytes * 10 + digit;
  }
  return bytes <= Number.MAX_SAFE_INTEGER ? bytes : null;
}

function framingOf(control: ControlFields, minorVersion: 0 | 1, unsaid: FramingResult): FramingResult {
  if (control.transferEncoding !== null) {
    const error = codingError(control, control.transferEncoding, minorVersion);
    return error === null ? CHUNKED_RESULT : { ok: false, error };
  }
  if (control.contentLengthLines === 0) return unsaid;
  if (control.contentLengthLines > 1) return { ok: false, error: H1_ERRORS.contentLengthRepeated };
  const bytes = parseContentLength(control.contentLength);
  if (bytes === null) return { ok: false, error: H1_ERRORS.contentLength };
  return { ok: true, framing: { type: 'length', bytes } };
}

function codingError(control: ControlFields, codings: string, minorVersion: 0 | 1): H1Error | null {
  if (minorVersion === 0) return H1_ERRORS.codingInHttp10;
  if (control.contentLengthLines > 0) return H1_ERRORS.lengthAndCoding;
  if (codings === 'chunked') return null;
  const members = listMembers(codings.toLowerCase());
  const last = members.pop();
  if (last !== 'chunked' || members.includes('chunked')) return H1_ERRORS.codingInvalid;
  if (members.length === 0) return null;
  return members.every(isToken) ? H1_ERRORS.codingUnknown : H1_ERRORS.codingInvalid;
}
