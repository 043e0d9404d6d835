import { accept, refuse, type Parsed } from './parsed.ts';

const MAX_TOKEN_CHARS = 256;
/** RFC 9110 section 5.6.2 token. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function isToken(text: string): boolean {
  return text.length <= MAX_TOKEN_CHARS && TOKEN.test(text);
}

/** A header field name (RFC 9110 section 5.1), folded to lower case. */
export function parseHeaderName(text: string): Parsed<string> {
  return isToken(text) ? accept(text.toLowerCase()) : refuse('must be a header name of at most 256 characters');
}

/** A cookie name (RFC 6265 section 4.1.1); case counts. */
export function parseCookieName(text: string): Parsed<string> {
  return isToken(text) ? accept(text) : refuse('must be a cookie name of at most 256 characters');
}
