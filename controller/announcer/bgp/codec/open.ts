import { decodeCapabilities } from './decodeCapabilities.ts';
import { encodeCapability } from './encodeCapability.ts';
import { OPEN_ERROR } from './errorCodes.ts';
import { openFault, type Decoded, type Refused } from './fault.ts';
import type { Capability, OpenMessage } from './message.ts';
import { joinOctets, octets16, read16, read32 } from './octets.ts';

/** RFC 4271 section 4.2. */
export const BGP_VERSION = 4;
/** Stands for an AS number that has no two octets (RFC 6793 section 9). */
export const AS_TRANS = 23_456;
/** Largest AS number of two octets. */
export const MAX_TWO_OCTET_ASN = 0xffff;

/** Optional parameter with capabilities (RFC 5492 section 4). */
const CAPABILITIES_PARAMETER = 2;
/** As the first parameter's type: lengths of two octets follow (RFC 9072 section 2). */
const EXTENDED_LENGTH = 255;
const MAX_PARAMETERS_LENGTH = 255;
/** Octets before the optional parameters: version, AS, hold time, identifier, length (RFC 4271 section 4.2). */
const FIXED_LENGTH = 10;
/** A hold time is zero or at least this (RFC 4271 section 4.2), in seconds. */
const MIN_HOLD_TIME_S = 3;

/**
 * The body of an OPEN: all capabilities in one parameter, as RFC 5492 section 4 asks for, in the extended form (RFC
 * 9072) where 255 octets are too few. Throws RangeError when a field does not fit, TypeError on a router id that is
 * none.
 */
export function encodeOpen({ asn, holdTimeS, routerId, capabilities }: OpenMessage): Uint8Array {
  return joinOctets([
    [BGP_VERSION],
    octets16(asn > MAX_TWO_OCTET_ASN ? AS_TRANS : asn),
    octets16(holdTimeS),
    identifierOctets(routerId),
    encodeParameters(capabilities.flatMap(encodeCapability)),
  ]);
}

/** Reads the body of an OPEN. What the session alone knows (expected AS, own identifier) is not looked at. */
export function decodeOpen(body: Uint8Array): Decoded<OpenMessage> {
  const version = body[0] ?? 0;
  if (version !== BGP_VERSION) {
    return openFault(OPEN_ERROR.unsupportedVersionNumber, `BGP version ${version} is not spoken`, octets16(BGP_VERSION));
  }
  const capabilities: Capability[] = [];
  const fault = decodeParameters(body, capabilities);
  if (fault !== null) return fault;
  const twoOctetAsn = read16(body, 1);
  const asn = realAsn(twoOctetAsn, capabilities);
  if (asn === null) {
    return openFault(OPEN_ERROR.badPeerAs, 'there are two different AS numbers of four octets');
  }
  // Beside an AS number of four octets stands the same of two, or AS_TRANS: 0 is wrong there, too.
  if (twoOctetAsn === 0 || asn === 0 || asn === AS_TRANS) {
    return openFault(OPEN_ERROR.badPeerAs, `${twoOctetAsn === 0 ? 0 : asn} is nobody's AS number (RFC 7607, RFC 6793)`);
  }
  if (read32(body, 5) === 0) return openFault(OPEN_ERROR.badBgpIdentifier, 'the BGP Identifier is 0.0.0.0');
  const holdTimeS = read16(body, 3);
  if (holdTimeS > 0 && holdTimeS < MIN_HOLD_TIME_S) {
    return openFault(OPEN_ERROR.unacceptableHoldTime, `a hold time of ${holdTimeS} s is too short`);
  }
  return { ok: true, message: { type: 'open', asn, holdTimeS, routerId: body.subarray(5, 9).join('.'), capabilities } };
}

function encodeParameters(capabilities: readonly number[]): readonly number[] {
  if (capabilities.length === 0) return [0];
  const length = capabilities.length + 2;
  if (length <= MAX_PARAMETERS_LENGTH) return [length, CAPABILITIES_PARAMETER, capabilities.length, ...capabilities];
  const parameter = [CAPABILITIES_PARAMETER, ...octets16(capabilities.length), ...capabilities];
  return [EXTENDED_LENGTH, EXTENDED_LENGTH, ...octets16(parameter.length), ...parameter];
}

/**
 * Lengths have one octet, or two in the extended form, which counts whatever the first length says (RFC 9072 section
 * 2).
 */
function decodeParameters(body: Uint8Array, into: Capability[]): Refused | null {
  const length = body[FIXED_LENGTH - 1] ?? 0;
  const isExtended = length > 0 && body[FIXED_LENGTH] === EXTENDED_LENGTH;
  const start = FIXED_LENGTH + (isExtended ? 3 : 0);
  if (start > body.length) {
    return openFault(OPEN_ERROR.unspecific, 'the OPEN ends in the extended length of its optional parameters');
  }
  const end = start + (isExtended ? read16(body, FIXED_LENGTH + 1) : length);
  if (end !== body.length) {
    return openFault(OPEN_ERROR.unspecific, `optional parameters end at octet ${end} of ${body.length}`);
  }
  const lengthOctets = isExtended ? 2 : 1;
  for (let offset = start; offset < end;) {
    const value = offset + 1 + lengthOctets;
    if (value > end) return openFault(OPEN_ERROR.unspecific, 'an optional parameter ends before its length');
    const next = value + (isExtended ? read16(body, offset + 1) : (body[offset + 1] ?? 0));
    if (next > end) return openFault(OPEN_ERROR.unspecific, `an optional parameter ends at octet ${next} of ${end}`);
    const type = body[offset] ?? 0;
    if (type !== CAPABILITIES_PARAMETER) {
      return openFault(OPEN_ERROR.unsupportedOptionalParameter, `optional parameter ${type} is unknown`);
    }
    const fault = decodeCapabilities(body.subarray(value, next), into);
    if (fault !== null) return fault;
    offset = next;
  }
  return null;
}

/** RFC 6793 section 4.1: that of the capability where there is one. Null: it is there twice and does not say the same. */
function realAsn(twoOctetAsn: number, capabilities: readonly Capability[]): number | null {
  const said = new Set(capabilities.flatMap((capability) => (capability.type === 'fourOctetAsn' ? [capability.asn] : [])));
  const [asn = twoOctetAsn] = said;
  return said.size > 1 ? null : asn;
}

function identifierOctets(routerId: string): readonly number[] {
  const octets = routerId.split('.').map(Number);
  if (octets.length !== 4 || octets.some((octet) => !(octet >= 0 && octet <= 255))) {
    throw new TypeError(`${JSON.stringify(routerId)} is no BGP Identifier`);
  }
  return octets;
}
