import { normalizeHostName } from '../../../core/net/hostPattern.ts';
import { accept, refuse, type Parsed } from './parsed.ts';

const MAX_PATH_CHARS = 1024;

/** Path attribute of a cookie (RFC 6265 section 4.1.1 path-value): begins with `/`, no `;`, printable ASCII. */
export function parseCookiePath(text: string): Parsed<string> {
  const fine = text.length <= MAX_PATH_CHARS && /^\/[\x20-\x3a\x3c-\x7e]*$/.test(text);
  return fine ? accept(text) : refuse('must begin with "/" and hold printable ASCII without ";", at most 1024 characters');
}

/** Domain attribute of a cookie: a DNS name; the leading dot of old cookies is dropped (RFC 6265 section 5.2.3). */
export function parseCookieDomain(text: string): Parsed<string> {
  const name = normalizeHostName(text.startsWith('.') ? text.slice(1) : text);
  return name === null ? refuse('must be a DNS name') : accept(name);
}
