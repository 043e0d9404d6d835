import { encodeAttributes, encodeMpReach, encodeMpUnreach, isClassic } from './encodeAttributes.ts';
import { HEADER_LENGTH, maxMessageLength } from './header.ts';
import type { AddressFamily, CodecOptions, PathAttributes, UpdateMessage } from './message.ts';
import { joinOctets, NO_OCTETS, octets16 } from './octets.ts';
import { encodeNlri } from './prefix.ts';

/** The two length fields of an UPDATE (RFC 4271 section 4.3). */
const LENGTH_FIELDS = 4;
/** Flags, code and extended length of MP_UNREACH_NLRI, then AFI and SAFI. */
const MP_UNREACH_HEAD = 4 + 3;

/**
 * The body of an UPDATE (RFC 4271 section 4.3). Withdrawals of IPv4 go in the classic field, whatever the next hop
 * was; all else that is not IPv4 with an IPv4 next hop goes in MP_REACH_NLRI and MP_UNREACH_NLRI, the first of the
 * attributes (RFC 7606 section 5.1). Throws RangeError when it both withdraws and announces, which RFC 7606 section
 * 5.1 forbids, or announces without attributes.
 */
export function encodeUpdate(message: UpdateMessage, options: CodecOptions): Uint8Array {
  const { family, withdrawn, attributes, announced } = message;
  if (withdrawn.length > 0 && announced.length > 0) {
    throw new RangeError('an UPDATE must not both withdraw and announce (RFC 7606 section 5.1)');
  }
  if ((attributes !== null) !== announced.length > 0) {
    throw new RangeError('an UPDATE has attributes when it announces, and only then');
  }
  const withPathId = options.addPathSend.includes(family);
  const nlri = joinOctets([...withdrawn, ...announced].map((entry) => encodeNlri(entry, withPathId)));
  if (attributes === null) {
    return family === 'ipv4' ? body(nlri, NO_OCTETS, NO_OCTETS) : body(NO_OCTETS, encodeMpUnreach(family, nlri), NO_OCTETS);
  }
  const classic = isClassic(family, attributes);
  const others = encodeAttributes(attributes, classic, options);
  if (classic) return body(NO_OCTETS, others, nlri);
  return body(NO_OCTETS, joinOctets([encodeMpReach(family, attributes, nlri), others]), NO_OCTETS);
}

/** Octets of NLRI that fit in an UPDATE beside these attributes; 0 or less: it has no place for any. */
export function announcementRoom(family: AddressFamily, attributes: PathAttributes, options: CodecOptions): number {
  const classic = isClassic(family, attributes);
  const others = encodeAttributes(attributes, classic, options).length;
  // One octet more than it says: with NLRI its length may need two.
  const mpReach = classic ? 0 : encodeMpReach(family, attributes, NO_OCTETS).length + 1;
  return bodyRoom(options) - others - mpReach;
}

/** Octets of NLRI that fit in an UPDATE which withdraws. */
export function withdrawalRoom(family: AddressFamily, options: CodecOptions): number {
  return bodyRoom(options) - (family === 'ipv4' ? 0 : MP_UNREACH_HEAD);
}

function bodyRoom(options: CodecOptions): number {
  return maxMessageLength('update', options) - HEADER_LENGTH - LENGTH_FIELDS;
}

function body(withdrawn: Uint8Array, attributes: Uint8Array, announced: Uint8Array): Uint8Array {
  return joinOctets([octets16(withdrawn.length), withdrawn, octets16(attributes.length), attributes, announced]);
}
