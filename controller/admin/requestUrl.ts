/** The parts of a URL that a request carries, as written: nothing is normalised, because matching sees them so. */
export interface RequestUrl {
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  /** Path with query; `/` when the URL has no path. */
  readonly target: string;
}

/**
 * Reads an absolute http or https URL; a fragment is dropped, as clients do. Null for other schemes, user information,
 * a missing host, blanks and control characters.
 */
export function parseRequestUrl(text: string): RequestUrl | null {
  const match = /^(https?):\/\/([^/?#@\s]+)([^#]*)/i.exec(text);
  if (match === null || /[\s\p{Cc}]/u.test(text)) return null;
  const [, scheme = '', authority = '', rest = ''] = match;
  if (rest.startsWith('@')) return null;
  const target = rest.startsWith('/') ? rest : `/${rest}`;
  return { scheme: scheme.toLowerCase() === 'https' ? 'https' : 'http', authority, target };
}

/** Reads `name: value` into a pair; null when it is no header field (RFC 9110 section 5.1, 5.5). */
export function parseHeaderField(text: string): readonly [string, string] | null {
  const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([^\r\n\0]*)$/.exec(text);
  return match === null ? null : [match[1] ?? '', (match[2] ?? '').trim()];
}
