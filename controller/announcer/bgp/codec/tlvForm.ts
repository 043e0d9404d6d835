import { read16 } from './octets.ts';

/** The one type of AIGP, and its length with type and length field (RFC 7311 section 3). */
const AIGP_TYPE = 1;
const AIGP_LENGTH = 11;
const AIGP_HEAD = 3;

/**
 * What is wrong with an AIGP attribute (RFC 7311 section 3), in words; null: nothing. Its lengths count type and
 * length, too.
 */
export function aigpFault(value: Uint8Array): string | null {
  for (let offset = 0; offset < value.length;) {
    if (offset + AIGP_HEAD > value.length) return 'it ends in the head of an entry';
    const length = read16(value, offset + 1);
    if (length < AIGP_HEAD || offset + length > value.length) return `an entry of ${length} octets does not fit in it`;
    if (value[offset] === AIGP_TYPE && length !== AIGP_LENGTH) {
      return `its metric has ${length} octets, not ${AIGP_LENGTH}`;
    }
    offset += length;
  }
  return value.length === 0 ? 'it is empty' : null;
}

/** What is wrong with a Prefix-SID: types of one octet, lengths of two (RFC 8669 section 3). */
export function prefixSidFault(value: Uint8Array): string | null {
  return tlvFault(value, 1);
}

/** What is wrong with a BGP-LS attribute: types and lengths of two octets (RFC 9552 section 5.1). */
export function linkStateFault(value: Uint8Array): string | null {
  return tlvFault(value, 2);
}

function tlvFault(value: Uint8Array, typeLength: 1 | 2): string | null {
  const head = typeLength + 2;
  for (let offset = 0; offset < value.length;) {
    if (offset + head > value.length) return 'it ends in the head of an entry';
    offset += head + read16(value, offset + typeLength);
    if (offset > value.length) return 'an entry ends beyond it';
  }
  return null;
}
