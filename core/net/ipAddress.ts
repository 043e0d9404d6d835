import ipaddr from 'ipaddr.js';
import { isIP } from 'node:net';

/** The two families of addresses, in Kubernetes' words. */
export type IpFamily = 'IPv4' | 'IPv6';

/** An address as a number: 32 bits of IPv4, 128 of IPv6. */
export interface IpAddress {
  readonly family: IpFamily;
  readonly value: bigint;
}

/** Bits of an address. */
export const ADDRESS_BITS: Readonly<Record<IpFamily, number>> = { IPv4: 32, IPv6: 128 };

/** ::ffff:0:0/96, IPv4 written as IPv6 (RFC 4291 section 2.5.5.2). */
const MAPPED_PREFIX = 0xffffn;

/**
 * Reads four decimal octets or RFC 4291 text. Null for anything else: a zone, leading zeros, and IPv4 in the form of IPv6,
 * which would give one address two names.
 */
export function parseIpAddress(text: string): IpAddress | null {
  // node:net is the strict judge: ipaddr.js also takes octal, hexadecimal and shortened IPv4.
  const version = isIP(text);
  if (version === 4) return { family: 'IPv4', value: valueOf(text.split('.').map(Number)) };
  if (version !== 6 || text.includes('%')) return null;
  const value = valueOf(ipaddr.IPv6.parse(text).toByteArray());
  return value >> 32n === MAPPED_PREFIX ? null : { family: 'IPv6', value };
}

/** The canonical text: dotted decimal, or RFC 5952. */
export function printIpAddress({ family, value }: IpAddress): string {
  if (family === 'IPv4') {
    const bits = Number(value);
    return `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`;
  }
  const octets = Buffer.from(value.toString(16).padStart(32, '0'), 'hex');
  return new ipaddr.IPv6([...octets]).toRFC5952String();
}

/** True when both are the same address. */
export function sameIpAddress(a: IpAddress, b: IpAddress): boolean {
  return a.family === b.family && a.value === b.value;
}

function valueOf(octets: readonly number[]): bigint {
  return BigInt(`0x${Buffer.from(octets).toString('hex')}`);
}
