import { HTAB, SP } from '../octets.ts';

/**
 * Members of a comma-separated list (RFC 9110 section 5.6.1) without the whitespace around them, empty ones included.
 * For lists of tokens: a comma inside a quoted string separates too.
 */
export function listMembers(list: string): string[] {
  const members: string[] = [];
  for (let start = 0; start <= list.length; ) {
    const end = endOfMember(list, start);
    members.push(trimSpace(list, start, end));
    start = end + 1;
  }
  return members;
}

/** Index of the comma behind a member that begins at `start`, or the length. */
export function endOfMember(list: string, start: number): number {
  const comma = list.indexOf(',', start);
  return comma === -1 ? list.length : comma;
}

/** `text` from `start` to `end` without SP and HTAB at both ends. `String.trim` takes more than those (VT, NBSP). */
export function trimSpace(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isSpace(text.charCodeAt(from))) from += 1;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isSpace(code: number): boolean {
  return code === SP || code === HTAB;
}
