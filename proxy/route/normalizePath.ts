const SLASH = 0x2f;
const DOT = 0x2e;
const PERCENT = 0x25;
const QUESTION = 0x3f;
const HASH = 0x23;

/**
 * The path of a request target in the form routes are matched against, as nginx makes it: query cut, percent-encoding
 * decoded once, `//` merged, `.` and `..` resolved (RFC 3986 sections 5.2.4 and 6.2.2). Octets are latin1 characters.
 * Null, to be answered 400: no leading `/`, a climb above the root, `%00`, a broken percent-encoding.
 *
 * For matching only: backends get the target as it was sent, and the result may hold decoded control characters.
 */
export function normalizePath(target: string): string | null {
  if (target.charCodeAt(0) !== SLASH) return null;
  let previous = 0;
  for (let index = 0; index < target.length; index += 1) {
    const code = target.charCodeAt(index);
    if (code === QUESTION || code === HASH) return target.slice(0, index);
    if (code === PERCENT || (previous === SLASH && startsOddSegment(target, code, index))) {
      return resolvePath(target.slice(0, pathEnd(target, index)));
    }
    previous = code;
  }
  return target;
}

/**
 * The form in which a rule's path is compared with normalised request paths: UTF-8 octets, decoded and resolved like a
 * request's. `?` and `#` are ordinary characters here, so that no rule takes more than it says. A rule that no URL can
 * spell (`/50%`) is compared as written.
 */
export function normalizeRulePath(value: string): string {
  const octets = Buffer.from(value, 'utf8').toString('latin1');
  return resolvePath(octets) ?? octets;
}

/** True for `//`, `/./`, `/../` and the like; `/.well-known` is an ordinary segment and stays on the fast path. */
function startsOddSegment(target: string, code: number, index: number): boolean {
  if (code === SLASH) return true;
  if (code !== DOT) return false;
  const next = target.charCodeAt(index + 1);
  return next === SLASH || next === DOT || next === QUESTION || next === HASH || Number.isNaN(next);
}

function pathEnd(target: string, from: number): number {
  for (let index = from; index < target.length; index += 1) {
    const code = target.charCodeAt(index);
    if (code === QUESTION || code === HASH) return index;
  }
  return target.length;
}

function resolvePath(path: string): string | null {
  const decoded = decodeOctets(path);
  return decoded === null ? null : resolveSegments(decoded);
}

/** Decodes once: the `%` of a decoded `%25` begins nothing. A decoded `%2F` separates segments, as in nginx. */
function decodeOctets(path: string): string | null {
  let decoded = '';
  let from = 0;
  for (let at = path.indexOf('%'); at !== -1; at = path.indexOf('%', from)) {
    const octet = hexDigit(path.charCodeAt(at + 1)) * 16 + hexDigit(path.charCodeAt(at + 2));
    if (!(octet > 0)) return null;
    decoded += path.slice(from, at) + String.fromCharCode(octet);
    from = at + 3;
  }
  return from === 0 ? path : decoded + path.slice(from);
}

/** NaN when `code` is no hexadecimal digit. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : Number.NaN;
}

function resolveSegments(path: string): string | null {
  const kept: string[] = [];
  const segments = path.split('/');
  for (const segment of segments) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') kept.push(segment);
    else if (kept.pop() === undefined) return null;
  }
  if (kept.length === 0) return '/';
  const last = segments.at(-1);
  const isFolder = last === '' || last === '.' || last === '..';
  return `/${kept.join('/')}${isFolder ? '/' : ''}`;
}
