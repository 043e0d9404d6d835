import { FAMILY_BITS, familyOf } from './addressFamily.ts';
import { UPDATE_ERROR } from './errorCodes.ts';
import { updateFault, type Refused } from './fault.ts';
import type { AddressFamily, CodecOptions } from './message.ts';
import { read16 } from './octets.ts';
import { countNlri } from './prefix.ts';

/**
 * NLRI of an attribute; `family` null: of one that was not negotiated, whose form is unknown, so that `count` is 1
 * where there are any.
 */
export interface MultiprotocolNlri {
  readonly ok: true;
  readonly family: AddressFamily | null;
  readonly count: number;
  /** AFI and SAFI in words, for the log. */
  readonly text: string;
}

/**
 * Octets of next hops by family: an IPv6 one may have a link-local one behind it (RFC 2545 section 3), IPv4 may have
 * either (RFC 8950 section 3).
 */
const NEXT_HOP_LENGTHS: Readonly<Record<AddressFamily, readonly number[]>> = { ipv4: [4, 16, 32], ipv6: [16, 32] };
/** AFI, SAFI, length of the next hop; behind the next hop there is a reserved octet (RFC 4760 section 3). */
const REACH_HEAD = 4;
const RESERVED_LENGTH = 1;
/** AFI and SAFI (RFC 4760 section 4). */
const UNREACH_HEAD = 3;

/**
 * Reads MP_REACH_NLRI. What cannot be read ends the session, as nobody knows which routes it was about (RFC 7606
 * sections 5.3 and 7.11); `attribute`, which the fault has in it, is all of it, `value` its value.
 */
export function decodeMpReach(
  value: Uint8Array, attribute: Uint8Array, options: CodecOptions,
): MultiprotocolNlri | Refused {
  const nextHopLength = value[REACH_HEAD - 1] ?? 0;
  const start = REACH_HEAD + nextHopLength + RESERVED_LENGTH;
  if (value.length < REACH_HEAD + RESERVED_LENGTH || start > value.length) {
    return malformed(`MP_REACH_NLRI has ${value.length} octets`, attribute);
  }
  const family = negotiated(value, options);
  if (family !== null && !NEXT_HOP_LENGTHS[family].includes(nextHopLength)) {
    return malformed(`MP_REACH_NLRI of ${family} has a next hop of ${nextHopLength} octets`, attribute);
  }
  return count(value, { family, start, name: 'MP_REACH_NLRI' }, options);
}

/** Reads MP_UNREACH_NLRI in the same way. */
export function decodeMpUnreach(
  value: Uint8Array, attribute: Uint8Array, options: CodecOptions,
): MultiprotocolNlri | Refused {
  if (value.length < UNREACH_HEAD) return malformed(`MP_UNREACH_NLRI has ${value.length} octets`, attribute);
  return count(value, { family: negotiated(value, options), start: UNREACH_HEAD, name: 'MP_UNREACH_NLRI' }, options);
}

interface Place {
  readonly family: AddressFamily | null;
  readonly start: number;
  readonly name: string;
}

function count(value: Uint8Array, { family, start, name }: Place, options: CodecOptions): MultiprotocolNlri | Refused {
  const text = `${name} of AFI ${read16(value, 0)}, SAFI ${value[2] ?? 0}`;
  const nlri = value.subarray(start);
  if (family === null) return { ok: true, family, count: Math.min(nlri.length, 1), text };
  const counted = countNlri(nlri, { bits: FAMILY_BITS[family], withPathId: options.addPathReceive.includes(family) });
  if (counted === null) return updateFault(UPDATE_ERROR.invalidNetworkField, `a prefix in ${text} is malformed`);
  return { ok: true, family, count: counted, text };
}

function negotiated(value: Uint8Array, options: CodecOptions): AddressFamily | null {
  const family = familyOf(read16(value, 0), value[2] ?? 0);
  return family !== null && options.families.includes(family) ? family : null;
}

function malformed(text: string, attribute: Uint8Array): Refused {
  return updateFault(UPDATE_ERROR.optionalAttributeError, text, attribute);
}
