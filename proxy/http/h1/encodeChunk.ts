import type { Fields } from '../fields.ts';
import { EncodeFault } from './encodeFault.ts';
import { encodeTrailerFields } from './encodeFields.ts';

/** What follows the data of each chunk (RFC 9112 section 7.1). */
export const CRLF = '\r\n';

const LAST_CHUNK = '0\r\n\r\n';

/**
 * Size line of a chunk of `bytes` octets, latin1 text. A received size line is never passed on, so this one is always
 * made here. Throws `EncodeFault` for 0, which would end the body, and for what is no size.
 */
export function encodeChunkHeader(bytes: number): string {
  if (!Number.isSafeInteger(bytes) || bytes <= 0) throw new EncodeFault('length');
  return `${bytes.toString(16)}\r\n`;
}

/**
 * Last chunk and trailer section, latin1 text. Forbidden trailers (RFC 9110 section 6.5.1) are left out.
 * Throws as `encodeFields`.
 */
export function encodeLastChunk(trailers: Fields | null): string {
  if (trailers === null) return LAST_CHUNK;
  return `0\r\n${encodeTrailerFields(trailers)}\r\n`;
}
