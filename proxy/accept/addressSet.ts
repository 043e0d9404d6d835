import { BlockList, isIP } from 'node:net';

/** Tells whether an IP address literal lies in one of the set's CIDRs. What is no address does not. */
export type AddressSet = (address: string) => boolean;

/** The addresses of CIDRs; a bare address stands for itself. */
export function createAddressSet(cidrs: readonly string[]): AddressSet {
  if (cidrs.length === 0) return () => false;
  const blocks = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', prefix] = cidr.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    blocks.addSubnet(address, prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix), family);
  }
  return (address) => {
    const family = isIP(address);
    return family !== 0 && blocks.check(address, family === 6 ? 'ipv6' : 'ipv4');
  };
}
