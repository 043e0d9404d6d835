import type { Fields } from '../http/fields.ts';

/**
 * Value of a cookie in one Cookie field line, undefined when it is not there. One pass, no decoding, nothing unquoted:
 * octets as sent, without white space around them. The spelling of the name counts first; without such a cookie the
 * first one that differs in letter case only is taken, as nginx's `$cookie_name` does. Of equal names the first counts.
 */
export function cookieValue(line: string, name: string): string | undefined {
  const lowerName = name.toLowerCase();
  let other: string | undefined;
  for (let start = 0; start < line.length; ) {
    const semicolon = line.indexOf(';', start);
    const end = semicolon === -1 ? line.length : semicolon;
    const from = skipSpace(line, start, end);
    const equals = from + name.length;
    if (equals < end && isNameAt(line, from, lowerName) && line.charCodeAt(equals) === 0x3d) {
      if (line.startsWith(name, from)) return trimmed(line, equals + 1, end);
      other ??= trimmed(line, equals + 1, end);
    }
    start = end + 1;
  }
  return other;
}

/** Value of a cookie of a request, looked for in its Cookie field lines in order (HTTP/2 may send several). */
export function requestCookie(fields: Fields, name: string): string | undefined {
  const first = fields.get('cookie');
  if (first === undefined) return undefined;
  const found = cookieValue(first, name);
  if (found !== undefined) return found;
  for (const line of fields.getAll('cookie')) {
    const value = cookieValue(line, name);
    if (value !== undefined) return value;
  }
  return undefined;
}

function isNameAt(line: string, from: number, lowerName: string): boolean {
  for (let index = 0; index < lowerName.length; index += 1) {
    const code = line.charCodeAt(from + index);
    const lower = code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
    if (lower !== lowerName.charCodeAt(index)) return false;
  }
  return lowerName.length > 0;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function skipSpace(line: string, start: number, end: number): number {
  let from = start;
  while (from < end && isSpace(line.charCodeAt(from))) from += 1;
  return from;
}

function trimmed(line: string, start: number, end: number): string {
  const from = skipSpace(line, start, end);
  let to = end;
  while (to > from && isSpace(line.charCodeAt(to - 1))) to -= 1;
  return line.slice(from, to);
}
