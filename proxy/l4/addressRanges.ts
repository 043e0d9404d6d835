import { BlockList, isIP } from 'node:net';

/** Whether an address, as `canonicalAddress` prints it, lies in one of the ranges it was made of. */
export type AddressTest = (address: string) => boolean;

/** Compiles CIDRs, or addresses for themselves alone; throws for anything else. Empty: nobody is in them. */
export function compileRanges(cidrs: readonly string[]): AddressTest {
  const ranges = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', prefix] = cidr.split('/');
    const isWide = isIP(address) === 6;
    const longest = isWide ? 128 : 32;
    ranges.addSubnet(address, prefix === undefined ? longest : Number(prefix), isWide ? 'ipv6' : 'ipv4');
  }
  return (address) => ranges.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
}
