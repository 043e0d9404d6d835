import type { AddressFamily } from './message.ts';
import { octets16 } from './octets.ts';

/** Address Family Identifiers (RFC 4760 section 9; IANA's Address Family Numbers). */
const AFI: Readonly<Record<AddressFamily, number>> = { ipv4: 1, ipv6: 2 };
/** Subsequent Address Family Identifier of routes that packets are forwarded by (RFC 4760 section 6). */
export const SAFI_UNICAST = 1;

/** Bits of an address, and so of the longest prefix. */
export const FAMILY_BITS: Readonly<Record<AddressFamily, number>> = { ipv4: 32, ipv6: 128 };

/** All families that are spoken here. */
export const FAMILIES: readonly AddressFamily[] = ['ipv4', 'ipv6'];

/** The family of an AFI; null: not spoken here. */
export function familyOfAfi(afi: number): AddressFamily | null {
  return FAMILIES.find((family) => AFI[family] === afi) ?? null;
}

/** The family of AFI and SAFI; null: not spoken here. */
export function familyOf(afi: number, safi: number): AddressFamily | null {
  return safi === SAFI_UNICAST ? familyOfAfi(afi) : null;
}

/** The two octets of the AFI. */
export function afiOctets(family: AddressFamily): readonly number[] {
  return octets16(AFI[family]);
}

/** The three octets of AFI and SAFI as attributes and most capabilities have them. */
export function familyOctets(family: AddressFamily): readonly number[] {
  return [...afiOctets(family), SAFI_UNICAST];
}
