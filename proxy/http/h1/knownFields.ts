/** What a field means to message framing and connection handling; `other` for all that only pass through. */
export type FieldRole = 'other' | 'host' | 'contentLength' | 'transferEncoding' | 'connection' | 'upgrade' | 'expect';

/** One spelling of a field name met so often that its strings are made once. */
export interface KnownField {
  /** `Content-Length`, or `content-length`. */
  readonly name: string;
  readonly lowerName: string;
  readonly role: FieldRole;
  readonly octets: Uint8Array;
  /** Of the name in lower case. */
  readonly hash: number;
}

const ROLES: ReadonlyMap<string, FieldRole> = new Map([
  ['host', 'host'],
  ['content-length', 'contentLength'],
  ['transfer-encoding', 'transferEncoding'],
  ['connection', 'connection'],
  ['upgrade', 'upgrade'],
  ['expect', 'expect'],
]);

/** Spellings that clients and servers use; anything else costs two short strings more. */
const NAMES = `Accept Accept-Charset Accept-Encoding Accept-Language Accept-Ranges
Access-Control-Allow-Credentials Access-Control-Allow-Headers Access-Control-Allow-Methods Access-Control-Allow-Origin
Access-Control-Expose-Headers Access-Control-Max-Age Access-Control-Request-Headers Access-Control-Request-Method
Age Allow Alt-Svc Authorization Cache-Control Connection Content-Disposition Content-Encoding Content-Language
Content-Length Content-Location Content-Range Content-Security-Policy Content-Type Cookie Cross-Origin-Opener-Policy
Cross-Origin-Resource-Policy DNT Date ETag Expect Expires Forwarded From Host If-Match If-Modified-Since If-None-Match
If-Range If-Unmodified-Since Keep-Alive Last-Modified Link Location Max-Forwards Origin Permissions-Policy Pragma
Priority Proxy-Connection Range Referer Referrer-Policy Retry-After Sec-CH-UA Sec-CH-UA-Mobile Sec-CH-UA-Platform
Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User Sec-WebSocket-Accept Sec-WebSocket-Extensions
Sec-WebSocket-Key Sec-WebSocket-Protocol Sec-WebSocket-Version Server Server-Timing Set-Cookie
Strict-Transport-Security TE Trailer Transfer-Encoding Upgrade Upgrade-Insecure-Requests User-Agent Vary Via
WWW-Authenticate X-Content-Type-Options X-Forwarded-For X-Forwarded-Host X-Forwarded-Port X-Forwarded-Proto
X-Frame-Options X-Powered-By X-Real-IP X-Request-ID X-Requested-With X-XSS-Protection traceparent tracestate`;

/** Power of two, so sparse that two known names rarely share a slot. */
const SLOTS = 1024;
/** Keeps hashes in the small-integer range of the engine. */
const HASH_MASK = 0x3fffffff;

/** First value for `hashOctet`. */
export const HASH_START = 0;

/** Slot → the spellings whose hash ends there. */
const TABLE: readonly (readonly KnownField[])[] = buildTable();

/**
 * Hash of a name extended by one octet, which must be in lower case. Not keyed: it only finds a slot whose few names
 * are then compared.
 */
export function hashOctet(hash: number, lowerOctet: number): number {
  return (Math.imul(hash, 31) + lowerOctet) & HASH_MASK;
}

/** The known field spelled exactly as the octets from `start` to `end`, whose hash is `hash`. */
export function findKnownField(octets: Uint8Array, start: number, end: number, hash: number): KnownField | undefined {
  const slot = TABLE[hash & (SLOTS - 1)] as readonly KnownField[];
  for (let index = 0; index < slot.length; index += 1) {
    const field = slot[index] as KnownField;
    if (field.hash === hash && field.octets.length === end - start && hasOctets(octets, start, field.octets)) return field;
  }
  return undefined;
}

/**
 * The same for any mixture of cases; the spelling of what is found is another one. For names `findKnownField` does
 * not know.
 */
export function findKnownFieldInAnyCase(lowerName: string, hash: number): KnownField | undefined {
  const slot = TABLE[hash & (SLOTS - 1)] as readonly KnownField[];
  return slot.find((field) => field.lowerName === lowerName);
}

function hasOctets(octets: Uint8Array, start: number, expected: Uint8Array): boolean {
  for (let index = 0; index < expected.length; index += 1) {
    if (octets[start + index] !== expected[index]) return false;
  }
  return true;
}

function buildTable(): readonly (readonly KnownField[])[] {
  const table: KnownField[][] = Array.from({ length: SLOTS }, () => []);
  for (const usualName of NAMES.split(/\s+/)) {
    const lowerName = usualName.toLowerCase();
    const hash = Buffer.from(lowerName, 'latin1').reduce(hashOctet, HASH_START);
    for (const name of new Set([usualName, lowerName])) {
      const octets = Uint8Array.from(Buffer.from(name, 'latin1'));
      table[hash & (SLOTS - 1)]?.push({ name, lowerName, role: ROLES.get(lowerName) ?? 'other', octets, hash });
    }
  }
  return table;
}
