/** No octets. */
export const NO_OCTETS: Uint8Array = new Uint8Array(0);

/** The unsigned number of two octets at an offset; octets beyond the end count as zero. */
export function read16(octets: Uint8Array, offset: number): number {
  return ((octets[offset] ?? 0) << 8) | (octets[offset + 1] ?? 0);
}

/** The unsigned number of three octets. */
export function read24(octets: Uint8Array, offset: number): number {
  return (read16(octets, offset) << 8) | (octets[offset + 2] ?? 0);
}

/** The unsigned number of four octets. */
export function read32(octets: Uint8Array, offset: number): number {
  return read16(octets, offset) * 0x1_0000 + read16(octets, offset + 2);
}

/** One octet of a number. Throws RangeError when it does not fit: callers have checked what they send. */
export function octets8(value: number): readonly number[] {
  mustFit(value, 0xff);
  return [value];
}

/** Two octets of a number, the high one first. Throws RangeError when it does not fit. */
export function octets16(value: number): readonly number[] {
  mustFit(value, 0xffff);
  return [value >>> 8, value & 0xff];
}

/** Three octets of a number. Throws RangeError when it does not fit. */
export function octets24(value: number): readonly number[] {
  mustFit(value, 0xff_ffff);
  return [value >>> 16, (value >>> 8) & 0xff, value & 0xff];
}

/** Four octets of a number. Throws RangeError when it does not fit. */
export function octets32(value: number): readonly number[] {
  mustFit(value, 0xffff_ffff);
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

/** Octets of their own: `slice` of a Buffer, which sockets give, would be a view that changes with the next read. */
export function copyOctets(octets: Uint8Array): Uint8Array {
  return new Uint8Array(octets);
}

/** All parts one behind the other. */
export function joinOctets(parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

function mustFit(value: number, largest: number): void {
  if (!Number.isInteger(value) || value < 0 || value > largest) {
    throw new RangeError(`${value} is not a number from 0 to ${largest}`);
  }
}
