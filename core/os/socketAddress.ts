import ipaddr from 'ipaddr.js';

/** Address families, linux/socket.h. */
export const AF_INET = 2;
export const AF_INET6 = 10;

/** An IP literal and a port as bind(2) takes them: sockaddr_in (16 octets) or sockaddr_in6 (28 octets). */
export interface SocketAddress {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly bytes: Buffer;
}

const PORT_OFFSET = 2;

/** Encodes `address` (IPv4 or IPv6 literal without zone) and `port` (0 to 65535); throws TypeError on anything else. */
export function encodeSocketAddress(address: string, port: number): SocketAddress {
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) throw new TypeError(`port must be 0 to 65535 (got ${port})`);
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return encode(AF_INET, port, ipaddr.IPv4.parse(address).toByteArray());
  if (!address.includes('%') && ipaddr.IPv6.isValid(address)) {
    return encode(AF_INET6, port, ipaddr.IPv6.parse(address).toByteArray());
  }
  throw new TypeError(`listening address must be an IPv4 or IPv6 literal without zone (got ${JSON.stringify(address)})`);
}

/** The port in a socket address that the kernel has filled in. */
export function decodePort(bytes: Buffer): number {
  return bytes.readUInt16BE(PORT_OFFSET);
}

function encode(family: SocketAddress['family'], port: number, host: readonly number[]): SocketAddress {
  const bytes = Buffer.alloc(family === AF_INET ? 16 : 28);
  bytes.writeUInt16LE(family, 0);
  bytes.writeUInt16BE(port, PORT_OFFSET);
  // sockaddr_in: the address follows the port; sockaddr_in6: 4 octets of flow information stand between.
  bytes.set(host, family === AF_INET ? 4 : 8);
  return { family, bytes };
}
