import { addressOctets } from '../../../../core/net/addressOctets.ts';
import { familyOctets } from './addressFamily.ts';
import {
  AS_SEQUENCE, ATTRIBUTE, EXTENDED_LENGTH_FLAG, OPTIONAL_NON_TRANSITIVE, OPTIONAL_TRANSITIVE, WELL_KNOWN,
} from './attributeCode.ts';
import type { AddressFamily, CodecOptions, PathAttributes } from './message.ts';
import { joinOctets, octets16, octets32 } from './octets.ts';
import { AS_TRANS, MAX_TWO_OCTET_ASN } from './open.ts';

/** ORIGIN (RFC 4271 section 4.3). */
const ORIGIN_VALUES: Readonly<Record<PathAttributes['origin'], number>> = { igp: 0, egp: 1, incomplete: 2 };
/** AS numbers that one path segment can have (RFC 4271 section 4.3). */
const MAX_SEGMENT_LENGTH = 255;
/**
 * Type and sub-type of the link bandwidth community (draft-ietf-idr-link-bandwidth), the type without and with the
 * bit of RFC 4360 section 2.
 */
const LINK_BANDWIDTH_TRANSITIVE = 0x00;
const LINK_BANDWIDTH_NON_TRANSITIVE = 0x40;
const LINK_BANDWIDTH_SUBTYPE = 0x04;
const SHORT_ATTRIBUTE_LENGTH = 255;

/**
 * True when NLRI of the family go in the fields of RFC 4271 itself: IPv4 with a next hop of IPv4. Others need
 * MP_REACH_NLRI.
 */
export function isClassic(family: AddressFamily, { nextHop }: PathAttributes): boolean {
  return family === 'ipv4' && !nextHop.includes(':');
}

/**
 * All path attributes but MP_REACH_NLRI and MP_UNREACH_NLRI, in ascending order of their codes (RFC 4271 section 5).
 * NEXT_HOP is among them when NLRI go in the classic field.
 */
export function encodeAttributes(attributes: PathAttributes, classic: boolean, { fourOctetAsn }: CodecOptions): Uint8Array {
  const { origin, asPath, nextHop, med, localPref, communities, largeCommunities, linkBandwidth, onlyToCustomer } = attributes;
  const parts: Uint8Array[] = [
    attribute(WELL_KNOWN, ATTRIBUTE.origin, [ORIGIN_VALUES[origin]]),
    attribute(WELL_KNOWN, ATTRIBUTE.asPath, segments(asPath, fourOctetAsn ? octets32 : twoOctets)),
  ];
  if (classic) parts.push(attribute(WELL_KNOWN, ATTRIBUTE.nextHop, addressOctets(nextHop)));
  if (med !== null) parts.push(attribute(OPTIONAL_NON_TRANSITIVE, ATTRIBUTE.multiExitDisc, octets32(med)));
  if (localPref !== null) parts.push(attribute(WELL_KNOWN, ATTRIBUTE.localPref, octets32(localPref)));
  if (communities.length > 0) {
    parts.push(attribute(OPTIONAL_TRANSITIVE, ATTRIBUTE.communities, communities.flatMap(octets32)));
  }
  if (linkBandwidth !== null) {
    parts.push(attribute(OPTIONAL_TRANSITIVE, ATTRIBUTE.extendedCommunities, linkBandwidthOctets(linkBandwidth)));
  }
  // RFC 6793 section 4.2.2: to a peer without AS numbers of four octets, and only when there is one that has no two.
  if (!fourOctetAsn && asPath.some((asn) => asn > MAX_TWO_OCTET_ASN)) {
    parts.push(attribute(OPTIONAL_TRANSITIVE, ATTRIBUTE.as4Path, segments(asPath, octets32)));
  }
  if (largeCommunities.length > 0) {
    parts.push(attribute(OPTIONAL_TRANSITIVE, ATTRIBUTE.largeCommunities, largeCommunities.flat().flatMap(octets32)));
  }
  if (onlyToCustomer !== null) parts.push(attribute(OPTIONAL_TRANSITIVE, ATTRIBUTE.onlyToCustomer, octets32(onlyToCustomer)));
  return joinOctets(parts);
}

/**
 * MP_REACH_NLRI (RFC 4760 section 3), with a next hop of IPv6 for IPv4 too (RFC 8950), and the link-local one behind
 * it (RFC 2545 section 3).
 */
export function encodeMpReach(family: AddressFamily, attributes: PathAttributes, nlri: Uint8Array): Uint8Array {
  const nextHop = mpNextHop(attributes);
  // The octet behind the next hop is reserved.
  const value = joinOctets([familyOctets(family), [nextHop.length], nextHop, [0], nlri]);
  return attribute(OPTIONAL_NON_TRANSITIVE, ATTRIBUTE.mpReach, value);
}

/** MP_UNREACH_NLRI (RFC 4760 section 4); without NLRI it is End-of-RIB (RFC 4724 section 2). */
export function encodeMpUnreach(family: AddressFamily, nlri: Uint8Array): Uint8Array {
  return attribute(OPTIONAL_NON_TRANSITIVE, ATTRIBUTE.mpUnreach, joinOctets([familyOctets(family), nlri]));
}

function mpNextHop({ nextHop, linkLocalNextHop }: PathAttributes): Uint8Array {
  const global = addressOctets(nextHop);
  return linkLocalNextHop === null ? global : joinOctets([global, addressOctets(linkLocalNextHop)]);
}

/** Flags, code, length of one octet where that is enough, value (RFC 4271 section 4.3). */
function attribute(flags: number, code: number, value: Uint8Array | readonly number[]): Uint8Array {
  if (value.length <= SHORT_ATTRIBUTE_LENGTH) return joinOctets([[flags, code, value.length], value]);
  return joinOctets([[flags | EXTENDED_LENGTH_FLAG, code, ...octets16(value.length)], value]);
}

/** AS_SEQUENCE, several where one is too short; none for an empty path. */
function segments(asPath: readonly number[], octetsOf: (asn: number) => readonly number[]): readonly number[] {
  const parts: number[] = [];
  for (let start = 0; start < asPath.length; start += MAX_SEGMENT_LENGTH) {
    const segment = asPath.slice(start, start + MAX_SEGMENT_LENGTH);
    parts.push(AS_SEQUENCE, segment.length, ...segment.flatMap(octetsOf));
  }
  return parts;
}

function twoOctets(asn: number): readonly number[] {
  return octets16(asn > MAX_TWO_OCTET_ASN ? AS_TRANS : asn);
}

function linkBandwidthOctets(linkBandwidth: NonNullable<PathAttributes['linkBandwidth']>): Uint8Array {
  const { asn, octetsPerSecond, transitive } = linkBandwidth;
  const community = new DataView(new ArrayBuffer(8));
  community.setUint8(0, transitive ? LINK_BANDWIDTH_TRANSITIVE : LINK_BANDWIDTH_NON_TRANSITIVE);
  community.setUint8(1, LINK_BANDWIDTH_SUBTYPE);
  community.setUint16(2, asn > MAX_TWO_OCTET_ASN ? AS_TRANS : asn);
  community.setFloat32(4, octetsPerSecond);
  return new Uint8Array(community.buffer);
}
