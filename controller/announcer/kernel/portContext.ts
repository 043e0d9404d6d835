import { nameOfAddress, type NftFamily } from './nftFamily.ts';

/** One port of a VIP, as nftables speaks of it. */
export interface PortContext {
  readonly family: NftFamily;
  readonly protocol: 'tcp' | 'udp';
  /** The VIP, canonical. */
  readonly address: string;
  readonly port: number;
  /** Key in maps and sets by VIP, protocol and port. */
  readonly key: string;
  /** Part of the names of what the port has for itself. */
  readonly name: string;
}

/** `address` must be canonical. */
export function portContext(family: NftFamily, protocol: 'tcp' | 'udp', address: string, port: number): PortContext {
  return {
    family,
    protocol,
    address,
    port,
    key: `${address} . ${protocol} . ${port}`,
    name: `${protocol}-${nameOfAddress(address)}-${port}`,
  };
}
