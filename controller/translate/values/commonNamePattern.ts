import { accept, refuse, type Parsed } from './parsed.ts';
import { parseSearchPattern } from './searchPattern.ts';

const PREFIX = 'CN=';

/** `CN=` and an RE2 pattern (ingress-nginx `auth-tls-match-cn`); the whole text, prefix included, is the pattern. */
export function parseCommonNamePattern(text: string): Parsed<string> {
  const parsed = parseSearchPattern(text);
  if (!parsed.ok) return parsed;
  return text.startsWith(PREFIX) && text.length > PREFIX.length ? accept(text) : refuse('must be "CN=" and a pattern');
}
