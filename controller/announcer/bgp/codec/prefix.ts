import { addressOctets } from '../../../../core/net/addressOctets.ts';
import type { Nlri } from './message.ts';
import { octets32 } from './octets.ts';

/** Octets of a Path Identifier (RFC 7911 section 3). */
export const PATH_ID_LENGTH = 4;
/** Octets of the longest NLRI: Path Identifier, length, IPv6 address. */
export const MAX_NLRI_LENGTH = PATH_ID_LENGTH + 1 + 16;

/**
 * NLRI: Path Identifier where those were negotiated (RFC 7911 section 3), length in bits, as many octets of the
 * prefix as it needs (RFC 4271 section 4.3). Throws RangeError when there is an identifier and must be none, or the
 * reverse, TypeError on a prefix that is none.
 */
export function encodeNlri({ pathId, prefix }: Nlri, withPathId: boolean): readonly number[] {
  if ((pathId !== null) !== withPathId) {
    throw new RangeError(`${prefix} must ${withPathId ? '' : 'not '}have a Path Identifier in this session`);
  }
  const slash = prefix.indexOf('/');
  const octets = addressOctets(prefix.slice(0, Math.max(slash, 0)));
  const bits = /^\d{1,3}$/.test(prefix.slice(slash + 1)) ? Number(prefix.slice(slash + 1)) : Infinity;
  if (bits > octets.length * 8) throw new TypeError(`${JSON.stringify(prefix)} is no prefix`);
  return [...(pathId === null ? [] : octets32(pathId)), bits, ...octets.subarray(0, Math.ceil(bits / 8))];
}

/** Octets that NLRI take. */
export function nlriLength({ pathId, prefix }: Nlri): number {
  return (pathId === null ? 0 : PATH_ID_LENGTH) + 1 + Math.ceil(Number(prefix.slice(prefix.indexOf('/') + 1)) / 8);
}

/** How prefixes are written in a field. */
export interface NlriForm {
  /** Of an address of the family. */
  readonly bits: number;
  readonly withPathId: boolean;
}

/** How many prefixes a field has, nothing kept of them; null: one is longer than an address or ends beyond the field. */
export function countNlri(octets: Uint8Array, { bits: maxBits, withPathId }: NlriForm): number | null {
  const before = withPathId ? PATH_ID_LENGTH : 0;
  let count = 0;
  for (let offset = 0; offset < octets.length; count += 1) {
    // Beyond the end there are more bits than any address has.
    const bits = octets[offset + before] ?? Infinity;
    if (bits > maxBits) return null;
    offset += before + 1 + ((bits + 7) >>> 3);
    if (offset > octets.length) return null;
  }
  return count;
}
