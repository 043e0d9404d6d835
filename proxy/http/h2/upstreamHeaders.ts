import type { ResponseHead } from '../exchange.ts';
import { Fields } from '../fields.ts';
import { isFieldText } from '../h1/encodeFields.ts';
import { isForbiddenTrailer } from '../h1/forbiddenTrailers.ts';
import { parseContentLength } from '../h1/framing.ts';
import { stripHopByHop } from '../h1/hopByHop.ts';
import { trimSpace } from '../h1/listMembers.ts';
import { isToken } from '../octets.ts';
import type { UpstreamHead } from '../upstream.ts';

/** Said by pseudo-header fields, by `expectsContinue`, or not at all towards this backend. */
const NOT_SENT: ReadonlySet<string> = new Set(['host', 'expect', 'content-length']);
/** What only the key's owner can answer: HTTP/2 knows no such handshake (RFC 8441 section 5). */
const WEB_SOCKET_KEY = 'sec-websocket-key';
/** RFC 9113 section 8.2.2: their presence alone makes a message malformed. */
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/**
 * The header section of a request as name, value, name, value, … (RFC 9113 section 8.3.1). An upgrade becomes an
 * extended CONNECT (RFC 8441). Throws for what could not be a field, which the front codec never lets in.
 */
export function requestHeaders(head: UpstreamHead, scheme: 'http' | 'https'): string[] {
  const { method, target, authority, upgrade, bodyLength } = head;
  const headers = [':method', upgrade === null ? method : 'CONNECT', ':scheme', scheme, ':path', target];
  if (authority !== '') headers.push(':authority', authority);
  if (upgrade !== null) headers.push(':protocol', upgrade);
  const add = (_name: string, lowerName: string, value: string): void => {
    if (NOT_SENT.has(lowerName) || (upgrade !== null && lowerName === WEB_SOCKET_KEY)) return;
    if (!isToken(lowerName) || !isFieldText(value)) throw new Error(`field ${lowerName} cannot be sent`);
    headers.push(lowerName, value);
  };
  head.fields.forEach(add);
  head.sharedFields?.forEach(add);
  if (head.expectsContinue) headers.push('expect', '100-continue');
  if (head.acceptsTrailers === true) headers.push('te', 'trailers');
  if (upgrade === null && announcesLength(method, bodyLength)) headers.push('content-length', String(bodyLength));
  return headers;
}

/** A body of length 0 is announced only where a server expects one (RFC 9110 section 8.6). */
function announcesLength(method: string, bodyLength: number | null): boolean {
  if (bodyLength === null) return false;
  return bodyLength > 0 || method === 'POST' || method === 'PUT' || method === 'PATCH';
}

/** Where a header section stands. */
export interface ResponseContext {
  /** Of the request it answers. */
  readonly method: string;
  /** END_STREAM came with it: no body follows. */
  readonly endsStream: boolean;
}

/**
 * A received header section as a response head; a text: which rule of RFC 9113 sections 8.1 to 8.3 it breaks. `section`:
 * name, value, name, value, …
 */
export function responseHeadOf(section: readonly string[], { method, endsStream }: ResponseContext): ResponseHead | string {
  const [statusName, statusText = ''] = section;
  if (statusName !== ':status' || !/^[1-9][0-9]{2}$/.test(statusText)) return 'no :status of three digits at the front (RFC 9113 8.3.2)';
  const status = Number(statusText);
  if (status === 101) return '101 has no place in HTTP/2 (RFC 9113 8.6)';
  if (status < 200 && endsStream) return 'the stream ends with an informational response (RFC 9113 8.1)';
  const fields = fieldsOf(section, 2);
  if (typeof fields === 'string') return fields;
  const lengths = fields.getAll('content-length');
  const declared = lengths.length === 1 ? parseContentLength(lengths[0] ?? '') : null;
  if (lengths.length > 0 && declared === null) return 'invalid content-length (RFC 9110 8.6)';
  const mayHaveBody = method !== 'HEAD' && status >= 200 && status !== 204 && status !== 304;
  if (mayHaveBody && endsStream && (declared ?? 0) !== 0) return 'content-length differs from the body (RFC 9113 8.1.1)';
  const bodyLength = declared ?? (mayHaveBody && endsStream ? 0 : null);
  return { status, reason: '', fields: stripHopByHop(fields), bodyLength: status === 204 || status < 200 ? null : bodyLength };
}

/** A received trailer section without the fields that may not stand in one; a text: the rule it breaks. */
export function responseTrailersOf(section: readonly string[]): Fields | string {
  const fields = fieldsOf(section, 0);
  if (typeof fields !== 'string') fields.retain((lowerName) => !isForbiddenTrailer(lowerName));
  return fields;
}

function fieldsOf(section: readonly string[], start: number): Fields | string {
  const fields = new Fields();
  for (let index = start; index < section.length; index += 2) {
    const name = section[index] ?? '';
    const value = section[index + 1] ?? '';
    // A colon is no token octet, so this is also where misplaced pseudo-header fields end.
    if (!isToken(name) || name !== name.toLowerCase()) return 'invalid field name (RFC 9113 8.2.1)';
    if (!isFieldText(value) || value !== trimSpace(value, 0, value.length)) return `invalid value of ${name} (RFC 9113 8.2.1)`;
    if (CONNECTION_SPECIFIC.has(name)) return `${name} is connection-specific (RFC 9113 8.2.2)`;
    fields.append(name, name, value);
  }
  return fields;
}
