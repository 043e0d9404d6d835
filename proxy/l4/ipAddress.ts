import ipaddr from 'ipaddr.js';

type Octets = readonly number[];

/**
 * The one form of an IP literal by which clients are compared: IPv4 as four decimal numbers, IPv6 as RFC 5952 wants it,
 * IPv4-mapped IPv6 as IPv4. Null for anything else, zones included.
 */
export function canonicalAddress(text: string): string | null {
  const octets = addressOctets(text);
  return octets === null ? null : printOctets(octets);
}

/** The address of a socket: as `canonicalAddress`, without its zone; text that is no address stays. */
export function socketAddressOf(text: string | undefined): string {
  if (text === undefined) return '';
  // Nearly always: nothing to do. The kernel writes IPv4 in its one form.
  if (!text.includes(':')) return text;
  const zone = text.indexOf('%');
  const address = zone === -1 ? text : text.slice(0, zone);
  return canonicalAddress(address) ?? text;
}

/** 4 or 16 octets in network order; null when `text` is no strict IP literal. */
export function addressOctets(text: string): Octets | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return STRICT_IPV4.test(text) ? ipaddr.IPv4.parse(text).toByteArray() : null;
  if (text.includes('%') || !ipaddr.IPv6.isValid(text)) return null;
  return ipaddr.IPv6.parse(text).toByteArray();
}

/** Canonical text of 4 or 16 octets. */
export function printOctets(octets: Octets): string {
  const address = ipaddr.fromByteArray([...octets]);
  if (address.kind() === 'ipv4') return address.toString();
  const wide = address as ipaddr.IPv6;
  return wide.isIPv4MappedAddress() ? wide.toIPv4Address().toString() : wide.toRFC5952String();
}

/** 16 octets, IPv4 as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2). */
export function mappedOctets(octets: Octets): Octets {
  return octets.length === 16 ? octets : [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...octets];
}

/** No leading zeros: some readers take those for octal. */
const STRICT_IPV4 = /^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/;
