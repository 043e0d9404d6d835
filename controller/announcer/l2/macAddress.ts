/** Octets of an Ethernet address. */
export const MAC_LENGTH = 6;

/** ff:ff:ff:ff:ff:ff. */
export const BROADCAST_MAC: Uint8Array = new Uint8Array(MAC_LENGTH).fill(0xff);

const MAC_TEXT = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;

/** True for text like `02:00:00:00:00:01`. */
export function isMac(text: string): boolean {
  return MAC_TEXT.test(text);
}

/** Reads `02:00:00:00:00:01`; throws TypeError on anything else. */
export function parseMac(text: string): Uint8Array {
  if (!isMac(text)) throw new TypeError(`an Ethernet address must look like 02:00:00:00:00:01 (got ${JSON.stringify(text)})`);
  return new Uint8Array(Buffer.from(text.replaceAll(':', ''), 'hex'));
}

/** `02:00:00:00:00:01`, of the first six octets. */
export function printMac(octets: Uint8Array): string {
  return Array.from(octets.subarray(0, MAC_LENGTH), (octet) => octet.toString(16).padStart(2, '0')).join(':');
}

/** The address at `offset` as a number of 48 bits: a key that costs no string. The octets must be there. */
export function macNumber(octets: Uint8Array, offset = 0): number {
  let value = 0;
  for (let at = offset; at < offset + MAC_LENGTH; at += 1) value = value * 256 + (octets[at] ?? 0);
  return value;
}

/** A group's address, broadcast included: never that of one station (IEEE 802.3 section 3.2.3). */
export function isMulticastMac(octets: Uint8Array, offset = 0): boolean {
  return ((octets[offset] ?? 0) & 1) === 1;
}
