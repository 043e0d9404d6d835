/**
 * Fields that change what a message means before its end: framing, routing, request modifiers, authentication, response
 * control, content (RFC 9110 section 6.5.1), and what a proxy says about the client.
 */
const FORBIDDEN: ReadonlySet<string> = new Set([
  'accept-ranges',
  'age',
  'authentication-info',
  'authorization',
  'cache-control',
  'connection',
  'cookie',
  'date',
  'expect',
  'expires',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'location',
  'max-forwards',
  'pragma',
  'proxy',
  'range',
  'retry-after',
  'set-cookie',
  'strict-transport-security',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'vary',
  'via',
  'warning',
  'www-authenticate',
  'x-real-ip',
  'x-request-id',
]);

const FORBIDDEN_PREFIXES = ['content-', 'if-', 'proxy-', 'sec-', 'x-forwarded-', 'x-original-'];

/** Made to stand in a trailer section (RFC 9530 section 2), though its name begins as those of framing fields do. */
const CONTENT_DIGEST = 'content-digest';

/** True for a field that must not come as a trailer; such lines are dropped, the message goes on. */
export function isForbiddenTrailer(lowerName: string): boolean {
  if (FORBIDDEN.has(lowerName)) return true;
  return lowerName !== CONTENT_DIGEST && FORBIDDEN_PREFIXES.some((prefix) => lowerName.startsWith(prefix));
}
