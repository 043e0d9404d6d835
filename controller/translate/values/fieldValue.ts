import { accept, refuse, type Parsed } from './parsed.ts';

const MAX_VALUE_CHARS = 1024;

/** A header field value (RFC 9110 section 5.5): visible ASCII, spaces and tabs inside; case counts. */
export function parseFieldValue(text: string): Parsed<string> {
  const fine = text.length <= MAX_VALUE_CHARS && /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(text);
  return fine ? accept(text) : refuse('must be a header value: at most 1024 printable ASCII characters, no space at either end');
}
