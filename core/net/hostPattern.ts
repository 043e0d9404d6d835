/** A lower-case host name: exact (`shop.test`), one-label wildcard (`*.shop.test`), or `*` for every host. */
export type HostPattern = string & { readonly brand: 'HostPattern' };

/** The pattern of rules that name no host. */
export const ANY_HOST = '*' as HostPattern;

const MAX_HOST_CHARS = 253;
const MAX_LABEL_CHARS = 63;

/**
 * Reads an Ingress rule host (networking/v1 IngressRule.host): a DNS name, or `*.` and a DNS name; empty means any.
 * Upper case is folded and one trailing dot dropped, as the API server would have refused them anyway.
 * Returns null for anything else, IP addresses included.
 */
export function parseHostPattern(text: string): HostPattern | null {
  if (text === '') return ANY_HOST;
  const name = normalizeHostName(text.startsWith('*.') ? text.slice(2) : text);
  if (name === null || isIpv4Like(name)) return null;
  return (text.startsWith('*.') ? `*.${name}` : name) as HostPattern;
}

/**
 * A DNS host name in the one form used for look-ups: lower case, no trailing dot. Letters, digits, hyphen and underscore
 * only, labels of 1 to 63 characters, 253 in all; null for everything else (IPv6 literals, NUL, non-ASCII, empty).
 */
export function normalizeHostName(text: string): string | null {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (name.length === 0 || name.length > MAX_HOST_CHARS) return null;
  let labelChars = 0;
  for (let index = 0; index < name.length; index += 1) {
    const code = name.charCodeAt(index);
    if (code === 0x2e) {
      if (labelChars === 0) return null;
      labelChars = 0;
      continue;
    }
    labelChars += 1;
    if (labelChars > MAX_LABEL_CHARS || !isNameChar(code)) return null;
  }
  return labelChars === 0 ? null : name.toLowerCase();
}

/** `*.b.c` for `a.b.c`; null when there is no label to replace. */
export function wildcardOf(name: string): HostPattern | null {
  const dot = name.indexOf('.');
  return dot === -1 ? null : (`*${name.slice(dot)}` as HostPattern);
}

/** The value stored for `name` in a table keyed by host pattern: exact first, then the one-label wildcard. */
export function lookupHost<V>(table: ReadonlyMap<HostPattern, V>, name: string): V | undefined {
  const exact = table.get(name as HostPattern);
  if (exact !== undefined) return exact;
  const wildcard = wildcardOf(name);
  return wildcard === null ? undefined : table.get(wildcard);
}

function isNameChar(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x2d ||
    code === 0x5f
  );
}

function isIpv4Like(name: string): boolean {
  return /^[0-9.]+$/.test(name);
}
