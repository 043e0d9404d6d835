import { align } from './netlinkMessage.ts';

/** Values of one level by attribute type: parts of the message, not copies. The last of a type counts. */
export type Attributes = ReadonlyMap<number, Buffer>;

const HEADER_BYTES = 4;
/** The two upper bits say that the value is nested, or in network order. */
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;
const MAX_VALUE_BYTES = 0xffff - HEADER_BYTES;

/** One attribute (struct nlattr), padded. Throws RangeError when `value` is over 65,531 octets. */
export function encodeAttribute(type: number, value: Buffer): Buffer {
  if (value.length > MAX_VALUE_BYTES) throw new RangeError(`a netlink attribute holds up to ${MAX_VALUE_BYTES} octets (got ${value.length})`);
  const bytes = Buffer.alloc(align(HEADER_BYTES + value.length));
  bytes.writeUInt16LE(HEADER_BYTES + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, HEADER_BYTES);
  return bytes;
}

/** An attribute that consists of attributes. */
export function encodeNested(type: number, attributes: readonly Buffer[]): Buffer {
  return encodeAttribute(type | NLA_F_NESTED, Buffer.concat(attributes));
}

/** An attribute that is a number, in this machine's order as rtnetlink has them. */
export function encodeUint32(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return encodeAttribute(type, bytes);
}

/** Reads all attributes of one level; null when a length does not fit. */
export function decodeAttributes(bytes: Buffer): Attributes | null {
  const attributes = new Map<number, Buffer>();
  let offset = 0;
  // Less than a header may be left as padding.
  while (bytes.length - offset >= HEADER_BYTES) {
    const length = bytes.readUInt16LE(offset);
    if (length < HEADER_BYTES || length > bytes.length - offset) return null;
    attributes.set(bytes.readUInt16LE(offset + 2) & NLA_TYPE_MASK, bytes.subarray(offset + HEADER_BYTES, offset + length));
    offset += align(length);
  }
  return attributes;
}

/** The attributes inside an attribute; empty when it is not there, null when a length does not fit. */
export function readNested(attributes: Attributes, type: number): Attributes | null {
  return decodeAttributes(attributes.get(type) ?? Buffer.alloc(0));
}

/** A number in this machine's order; null when it is not there or shorter than that. */
export function readUint32(attributes: Attributes, type: number): number | null {
  const value = attributes.get(type);
  return value === undefined || value.length < 4 ? null : value.readUInt32LE(0);
}

/** Text up to the first zero octet, one character per octet; empty when it is not there. */
export function readText(attributes: Attributes, type: number): string {
  const value = attributes.get(type);
  if (value === undefined) return '';
  const end = value.indexOf(0);
  return value.toString('latin1', 0, end === -1 ? value.length : end);
}
