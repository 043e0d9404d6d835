import { isAuthority } from './authority.ts';
import { HEX_VALUES, isAlphanumeric, tableOf } from './octets.ts';

/** Octet may stand in a path and a query. */
export const TARGET_PLAIN = 1;
/** A percent sign: two hex digits must follow. */
export const TARGET_PERCENT = 2;
/** The question mark: path ends, or plain inside the query. */
export const TARGET_QUERY = 3;
/** Plain in the query, refused in the path. */
export const TARGET_QUERY_ONLY = 4;

/** pchar besides `%` (RFC 3986 section 3.3), the slash, and the brackets that every client sends unencoded. */
const PLAIN = "-._~!$&'()*+,;=:@/[]";
/** Outside RFC 3986 but sent as they are in a query by every browser (WHATWG URL, query percent-encode set). */
const QUERY_ONLY = '^`{|}';

/**
 * What each octet means in a request target; 0 refuses it: SP, controls, 0x7f and above, `#`, backslash, `"`, `<`, `>`.
 * No octet is corrected (RFC 9112 section 3.2): the target that is matched is the one that is sent on.
 */
export const TARGET_OCTETS: Uint8Array = tableOf((octet) => {
  const char = String.fromCharCode(octet);
  if (isAlphanumeric(octet) || PLAIN.includes(char)) return TARGET_PLAIN;
  if (char === '%') return TARGET_PERCENT;
  if (char === '?') return TARGET_QUERY;
  return QUERY_ONLY.includes(char) ? TARGET_QUERY_ONLY : 0;
});

/** A target in its one inner form. */
export interface RequestTarget {
  /** From an absolute-form, validated; null in the other forms. */
  readonly authority: string | null;
  /** Origin-form, or `*`. */
  readonly target: string;
}

/**
 * Reads a request target (RFC 9112 section 3.2): origin-form, absolute-form of http and https (split into authority and
 * path), `*` with OPTIONS. Null for everything else: authority-form, other schemes, userinfo, fragments, octets outside
 * `TARGET_OCTETS`, a percent sign without two hex digits, `%00`.
 */
export function parseRequestTarget(method: string, target: string): RequestTarget | null {
  if (!isTargetText(target)) return null;
  if (target.charCodeAt(0) === 0x2f) return { authority: null, target };
  if (target === '*') return method === 'OPTIONS' ? { authority: null, target } : null;
  return splitAbsoluteForm(method, target);
}

/** True when every percent sign begins an encoded octet that is not NUL (RFC 3986 section 2.1). */
export function hasValidPercents(text: string): boolean {
  for (let at = text.indexOf('%'); at !== -1; at = text.indexOf('%', at + 3)) {
    const high = HEX_VALUES[text.charCodeAt(at + 1)] ?? 255;
    const low = HEX_VALUES[text.charCodeAt(at + 2)] ?? 255;
    if (high === 255 || low === 255 || (high | low) === 0) return false;
  }
  return true;
}

function isTargetText(text: string): boolean {
  let inQuery = false;
  for (let index = 0; index < text.length; index += 1) {
    const kind = TARGET_OCTETS[text.charCodeAt(index)] ?? 0;
    if (kind === 0 || (kind === TARGET_QUERY_ONLY && !inQuery)) return false;
    if (kind === TARGET_QUERY) inQuery = true;
  }
  return hasValidPercents(text);
}

function splitAbsoluteForm(method: string, target: string): RequestTarget | null {
  const schemeEnd = target.indexOf('://');
  if (schemeEnd === -1 || schemeEnd > 5) return null;
  const scheme = target.slice(0, schemeEnd).toLowerCase();
  if (scheme !== 'http' && scheme !== 'https') return null;
  const authorityStart = schemeEnd + 3;
  const authorityEnd = endOfAuthority(target, authorityStart);
  const authority = target.slice(authorityStart, authorityEnd);
  if (!isAuthority(authority)) return null;
  const rest = target.slice(authorityEnd);
  if (rest.startsWith('/')) return { authority, target: rest };
  // RFC 9112 section 3.2.4: OPTIONS on a whole server is written without a path in absolute-form.
  if (rest === '') return { authority, target: method === 'OPTIONS' ? '*' : '/' };
  return { authority, target: `/${rest}` };
}

function endOfAuthority(target: string, start: number): number {
  for (let index = start; index < target.length; index += 1) {
    const code = target.charCodeAt(index);
    if (code === 0x2f || code === 0x3f) return index;
  }
  return target.length;
}
