import { isIPv6 } from 'node:net';
import { normalizeHostName } from '../../core/net/hostPattern.ts';

/** 253 characters of name, a trailing dot, a colon and five digits of port (an IPv6 literal is shorter). */
const MAX_AUTHORITY_CHARS = 260;
const MAX_PORT = 65_535;

/**
 * True for what Host or :authority may hold here: `uri-host [ ":" port ]` (RFC 9110 section 7.2, RFC 3986 section 3.2).
 * Narrower than the grammar, as no route could match the rest: a name is DNS labels of letters, digits, hyphen and
 * underscore (no percent-encoding, no sub-delims such as the comma), a port is 0 to 65535 and not empty. IPv4 and
 * bracketed IPv6 addresses pass; userinfo, zones and IPvFuture do not.
 */
export function isAuthority(text: string): boolean {
  if (text.length === 0 || text.length > MAX_AUTHORITY_CHARS) return false;
  const hostEnd = hostEndOf(text);
  if (hostEnd === -1) return false;
  if (hostEnd !== text.length && !isPort(text, hostEnd + 1)) return false;
  if (text.charCodeAt(0) === 0x5b) return isIPv6Literal(text.slice(1, hostEnd - 1));
  return normalizeHostName(hostEnd === text.length ? text : text.slice(0, hostEnd)) !== null;
}

/**
 * Host of a valid authority in the form used for look-ups: no port, lower case, no trailing dot; IPv6 keeps its
 * brackets.
 */
export function hostOf(authority: string): string {
  const hostEnd = hostEndOf(authority);
  const host = (hostEnd === -1 ? authority : authority.slice(0, hostEnd)).toLowerCase();
  return host.endsWith('.') ? host.slice(0, -1) : host;
}

/** Index behind the host, which is the end or a colon; -1: brackets do not match. */
function hostEndOf(text: string): number {
  if (text.charCodeAt(0) !== 0x5b) {
    const colon = text.indexOf(':');
    return colon === -1 ? text.length : colon;
  }
  const close = text.indexOf(']');
  if (close === -1) return -1;
  const end = close + 1;
  return end === text.length || text.charCodeAt(end) === 0x3a ? end : -1;
}

function isPort(text: string, start: number): boolean {
  const digits = text.length - start;
  if (digits < 1 || digits > 5) return false;
  let port = 0;
  for (let index = start; index < text.length; index += 1) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= MAX_PORT;
}

/** `isIPv6` alone would take a zone (`fe80::1%eth0`), which means nothing to another host. */
function isIPv6Literal(text: string): boolean {
  return !text.includes('%') && isIPv6(text);
}
