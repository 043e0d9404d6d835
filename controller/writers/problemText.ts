import type { Problem } from '../../core/ir/problem.ts';

/** API: the longest message of an Event (ValidateEventCreate). */
const MAX_MESSAGE_CHARS = 1024;

/** A problem in words for an Event or a condition of its own object: field, rule, value and effect. No values of Secrets. */
export function problemText({ object, field, rule, value, effect }: Problem): string {
  const subject = field === '' ? '' : `${field}: `;
  const got = value === '' || object?.kind === 'Secret' ? '' : ` (got ${value})`;
  return cutMessage(`${subject}${rule}${got}; ${effect}`);
}

/** At most 1024 UTF-8 bytes, cut between two characters. */
export function cutMessage(text: string): string {
  if (Buffer.byteLength(text) <= MAX_MESSAGE_CHARS) return text;
  let cut = text.slice(0, MAX_MESSAGE_CHARS);
  while (Buffer.byteLength(cut) > MAX_MESSAGE_CHARS - 3) cut = cut.slice(0, -1);
  return `${cut.toWellFormed()}…`;
}
