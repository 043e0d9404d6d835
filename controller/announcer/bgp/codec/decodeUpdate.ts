import { FAMILY_BITS } from './addressFamily.ts';
import { decodeAttributes, type AttributeFindings } from './decodeAttributes.ts';
import { UPDATE_ERROR } from './errorCodes.ts';
import { updateFault, type Decoded, type Refused } from './fault.ts';
import type { AddressFamily, CodecOptions, ReceivedUpdate } from './message.ts';
import { read16 } from './octets.ts';
import { countNlri } from './prefix.ts';

/** Octets of each of the two length fields (RFC 4271 section 4.3). */
const LENGTH_FIELD = 2;

/**
 * Reads the body of an UPDATE: its form and faults (RFC 7606), and how many prefixes it has, of which none is kept.
 * What has to be treated as withdrawn is counted as withdrawn.
 */
export function decodeUpdate(body: Uint8Array, options: CodecOptions): Decoded<ReceivedUpdate> {
  const withdrawnEnd = LENGTH_FIELD + read16(body, 0);
  const attributesStart = withdrawnEnd + LENGTH_FIELD;
  if (attributesStart > body.length) return beyond('withdrawn routes');
  const attributesEnd = attributesStart + read16(body, withdrawnEnd);
  if (attributesEnd > body.length) return beyond('path attributes');
  const form = { bits: FAMILY_BITS.ipv4, withPathId: options.addPathReceive.includes('ipv4') };
  const withdrawn = countNlri(body.subarray(LENGTH_FIELD, withdrawnEnd), form);
  const announced = countNlri(body.subarray(attributesEnd), form);
  if (withdrawn === null || announced === null) {
    const field = withdrawn === null ? 'withdrawn routes' : 'NLRI';
    return updateFault(UPDATE_ERROR.invalidNetworkField, `a prefix in the ${field} is malformed`);
  }
  const attributes = body.subarray(attributesStart, attributesEnd);
  const findings = decodeAttributes(attributes, { options, hasClassicNlri: announced > 0 });
  return findings.ok ? summary({ withdrawn, announced, findings }) : findings;
}

interface Parts {
  /** Prefixes in the fields of RFC 4271 itself. */
  readonly withdrawn: number;
  readonly announced: number;
  readonly findings: AttributeFindings;
}

function summary({ withdrawn, announced, findings }: Parts): Decoded<ReceivedUpdate> {
  const { reach, unreach, faults, attributes } = findings;
  const isWithdrawn = faults.some(({ outcome }) => outcome === 'treat-as-withdraw');
  const isUnreachAlone = attributes === 1 && unreach !== null;
  // RFC 7606 section 5.2: without a route nobody knows that all routes were found, unless MP_UNREACH_NLRI is all there is.
  if (isWithdrawn && !isUnreachAlone && announced + (reach?.count ?? 0) === 0) {
    const text = `an UPDATE without routes is malformed: ${faults.map((fault) => fault.text).join('; ')}`;
    return updateFault(UPDATE_ERROR.malformedAttributeList, text);
  }
  const counts = { announced: { ipv4: 0, ipv6: 0 }, withdrawn: { ipv4: withdrawn, ipv6: 0 } };
  const gained = isWithdrawn ? counts.withdrawn : counts.announced;
  gained.ipv4 += announced;
  if (reach !== null && reach.family !== null) gained[reach.family] += reach.count;
  if (unreach !== null && unreach.family !== null) counts.withdrawn[unreach.family] += unreach.count;
  const hasRoutes = withdrawn + announced + (reach?.count ?? 0) + (unreach?.count ?? 0) > 0;
  const ended = hasRoutes ? null : endOfRib(attributes, unreach?.family ?? null);
  return { ok: true, message: { type: 'update', ...counts, endOfRib: ended, faults } };
}

/** RFC 4724 section 2: nothing at all for IPv4, an MP_UNREACH_NLRI alone and without routes for other families. */
function endOfRib(attributes: number, unreachFamily: AddressFamily | null): AddressFamily | null {
  if (attributes === 0) return 'ipv4';
  return attributes === 1 ? unreachFamily : null;
}

function beyond(what: string): Refused {
  return updateFault(UPDATE_ERROR.malformedAttributeList, `the ${what} end beyond the message`);
}
