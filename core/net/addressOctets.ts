import { ADDRESS_BITS, parseIpAddress } from './ipAddress.ts';

/** Four or sixteen octets of an IP literal; throws TypeError on anything else. */
export function addressOctets(text: string): Uint8Array {
  const address = parseIpAddress(text);
  if (address === null) throw new TypeError(`must be an IP address (got ${JSON.stringify(text)})`);
  return new Uint8Array(Buffer.from(address.value.toString(16).padStart(ADDRESS_BITS[address.family] / 4, '0'), 'hex'));
}
