import { AS_CONFED_SEQUENCE, AS_CONFED_SET, AS_SEQUENCE, AS_SET } from './attributeCode.ts';
import type { CodecOptions } from './message.ts';
import { read16, read32 } from './octets.ts';

/** What is wrong with an AS_PATH (RFC 7606 section 7.2; AS 0: RFC 7607 section 2), in words; null: nothing. */
export function asPathFault(value: Uint8Array, { fourOctetAsn, internal }: CodecOptions): string | null {
  // Confederations are within one AS: another has nothing to say of them (RFC 5065 section 5.3).
  return segmentsFault(value, fourOctetAsn ? 4 : 2, internal);
}

/**
 * What is wrong with an AS4_PATH, which has segments of AS_PATH but those of confederations (RFC 6793 sections 3 and
 * 6).
 */
export function as4PathFault(value: Uint8Array, { fourOctetAsn }: CodecOptions): string | null {
  if (fourOctetAsn) return 'it is not for sessions with AS numbers of four octets';
  return value.length === 0 ? 'it is empty' : segmentsFault(value, 4, false);
}

function segmentsFault(value: Uint8Array, asnLength: 2 | 4, confederations: boolean): string | null {
  for (let offset = 0; offset < value.length;) {
    const type = value[offset] ?? 0;
    if (!isSegmentType(type, confederations)) return `segment type ${type} has no place in it`;
    if (offset + 1 >= value.length) return 'it ends in the head of a segment';
    const count = value[offset + 1] ?? 0;
    if (count === 0) return 'a segment is empty';
    const end = offset + 2 + count * asnLength;
    if (end > value.length) return `a segment of ${count} AS numbers ends beyond it`;
    for (let at = offset + 2; at < end; at += asnLength) {
      if ((asnLength === 4 ? read32(value, at) : read16(value, at)) === 0) return 'it has AS 0';
    }
    offset = end;
  }
  return null;
}

function isSegmentType(type: number, confederations: boolean): boolean {
  if (type === AS_SET || type === AS_SEQUENCE) return true;
  return confederations && (type === AS_CONFED_SEQUENCE || type === AS_CONFED_SET);
}
