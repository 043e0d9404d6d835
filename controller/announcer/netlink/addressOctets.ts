import { parseIpAddress, printIpAddress } from '../../../core/net/ipAddress.ts';
import { AF_INET, AF_INET6 } from '../../../core/os/socketAddress.ts';

/** An address as the kernel has it: 4 or 16 octets in network order. */
export interface AddressOctets {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly octets: Buffer;
}

/** Reads an address without zone; null for anything else. */
export function parseAddressOctets(text: string): AddressOctets | null {
  const address = parseIpAddress(text);
  if (address === null) return null;
  const hexDigits = address.family === 'IPv4' ? 8 : 32;
  const octets = Buffer.from(address.value.toString(16).padStart(hexDigits, '0'), 'hex');
  return { family: address.family === 'IPv4' ? AF_INET : AF_INET6, octets };
}

/** The canonical text; null when there are neither 4 nor 16 octets. */
export function printAddressOctets(octets: Buffer): string | null {
  if (octets.length !== 4 && octets.length !== 16) return null;
  return printIpAddress({ family: octets.length === 4 ? 'IPv4' : 'IPv6', value: BigInt(`0x${octets.toString('hex')}`) });
}
