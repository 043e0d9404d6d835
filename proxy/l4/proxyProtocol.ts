import type { ProxyHeaderResult, SocketEnd } from './proxyHeader.ts';
import { decodeV1, encodeV1 } from './proxyProtocolV1.ts';
import { decodeV2, encodeV2, V2_SIGNATURE } from './proxyProtocolV2.ts';

export type { ProxyHeader, ProxyHeaderResult, SocketEnd } from './proxyHeader.ts';

const V1_PREFIX = Buffer.from('PROXY ', 'latin1');

/**
 * Reads the header at the start of a connection (haproxy's proxy-protocol.txt, versions 1 and 2). `bytes`: everything received
 * so far. Sure of an `invalid` as early as the octets allow; never `incomplete` for more than 4112 octets. Reasons name
 * rules, never octets received.
 */
export function decodeProxyHeader(bytes: Buffer): ProxyHeaderResult {
  if (startsLike(bytes, V2_SIGNATURE)) return bytes.length < V2_SIGNATURE.length ? { type: 'incomplete' } : decodeV2(bytes);
  if (startsLike(bytes, V1_PREFIX)) return bytes.length < V1_PREFIX.length ? { type: 'incomplete' } : decodeV1(bytes);
  return { type: 'invalid', reason: 'the connection does not begin with a PROXY header' };
}

/**
 * The header for a connection from `source` to `destination`, both null where the client is not known (UNKNOWN in version
 * 1, LOCAL in version 2). Ends of different families are both written as IPv6. Throws TypeError for an address that is
 * none; a zone is left out.
 */
export function encodeProxyHeader(version: 1 | 2, source: SocketEnd | null, destination: SocketEnd | null): Buffer {
  return version === 1 ? encodeV1(source, destination) : encodeV2(source, destination);
}

/** One is the beginning of the other. */
function startsLike(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length);
  return bytes.compare(signature, 0, length, 0, length) === 0;
}
