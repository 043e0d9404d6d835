import { parseIpAddress, printIpAddress, type IpFamily } from '../../../core/net/ipAddress.ts';

/** How nftables writes one family of addresses. */
export interface NftFamily {
  readonly family: IpFamily;
  /** Ends the names of what the family has for itself. */
  readonly suffix: '4' | '6';
  /** Keyword of header fields, and of `dnat`. */
  readonly header: 'ip' | 'ip6';
  readonly addressType: 'ipv4_addr' | 'ipv6_addr';
}

export const NFT_FAMILIES: readonly [NftFamily, NftFamily] = [
  { family: 'IPv4', suffix: '4', header: 'ip', addressType: 'ipv4_addr' },
  { family: 'IPv6', suffix: '6', header: 'ip6', addressType: 'ipv6_addr' },
];

/** An address that is fit to be printed into a transaction, canonical, with its family; null: it is none. */
export function readAddress(text: string): { readonly text: string; readonly family: NftFamily } | null {
  const address = parseIpAddress(text);
  if (address === null) return null;
  return { text: printIpAddress(address), family: address.family === 'IPv4' ? NFT_FAMILIES[0] : NFT_FAMILIES[1] };
}

/** The address as part of a name, which cannot have colons: IPv6 with all its 32 digits. */
export function nameOfAddress(text: string): string {
  const address = parseIpAddress(text);
  return address?.family === 'IPv6' ? address.value.toString(16).padStart(32, '0') : text;
}

/** `address:port`, as `dnat` takes it. */
export function destination(family: NftFamily, address: string, port: number): string {
  return family.suffix === '6' ? `[${address}]:${port}` : `${address}:${port}`;
}
