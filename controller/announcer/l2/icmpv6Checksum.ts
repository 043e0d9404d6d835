const NEXT_HEADER_ICMPV6 = 58;

/** Where and how long an ICMPv6 message is, and where the IPv6 source address begins that the destination follows. */
export interface Icmpv6Place {
  readonly addressesAt: number;
  readonly messageAt: number;
  readonly length: number;
}

/**
 * The ones' complement sum over pseudo-header and message (RFC 8200 section 8.1, RFC 4443 section 2.3): 0xffff where
 * the checksum in the message is right. For a message whose checksum is zero, its complement is the checksum.
 */
export function icmpv6Sum(frame: Uint8Array, place: Icmpv6Place): number {
  let sum = place.length + NEXT_HEADER_ICMPV6;
  sum += sumOf(frame, place.addressesAt, 32) + sumOf(frame, place.messageAt, place.length);
  // At most 65,535 octets: two folds bring any such sum to 16 bits.
  sum = (sum & 0xffff) + (sum >>> 16);
  return (sum & 0xffff) + (sum >>> 16);
}

function sumOf(frame: Uint8Array, offset: number, length: number): number {
  const end = offset + length;
  let sum = 0;
  for (let at = offset; at < end; at += 2) sum += ((frame[at] ?? 0) << 8) | (at + 1 < end ? (frame[at + 1] ?? 0) : 0);
  return sum;
}
