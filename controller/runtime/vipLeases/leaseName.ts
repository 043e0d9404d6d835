import { isIPv4 } from 'node:net';
import { parseIpAddress } from '../../../core/net/ipAddress.ts';

const GROUPS = 8;

/**
 * Name of the Lease of a VIP: `gatehouse-vip-192-0-2-10`, `gatehouse-vip-2001-db8-0-0-0-0-0-10`. No two addresses have the same, as the families
 * have different numbers of parts. Throws TypeError for what is no address.
 */
export function vipLeaseName(address: string): string {
  return `gatehouse-vip-${isIPv4(address) ? address.replaceAll('.', '-') : groupsOf(address).join('-')}`;
}

function groupsOf(address: string): readonly string[] {
  const parsed = parseIpAddress(address);
  if (parsed === null) throw new TypeError(`an address is needed (got ${JSON.stringify(address)})`);
  return Array.from({ length: GROUPS }, (_, index) => ((parsed.value >> BigInt(16 * (GROUPS - 1 - index))) & 0xffffn).toString(16));
}
