import { BlockList, isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { at, list, records, scalar, text } from '../../json.ts';
import type { Storage } from '../../storage/storage.ts';

/** Addresses Services are given, one range per family, the first the cluster's default. */
export interface ServiceRanges {
  /** `10.96.0.0/16`, `fd00:96::/112` */
  readonly ranges: readonly string[];
  readonly firstNodePort: number;
  readonly lastNodePort: number;
}

/** As the envtest of a dual-stack cluster has it. */
export const DEFAULT_RANGES: ServiceRanges = { ranges: ['10.96.0.0/16', 'fd00:10:96::/112'], firstNodePort: 30_000, lastNodePort: 32_767 };

/** `IPv4` or `IPv6`. */
export function familyOf(address: string): 'IPv4' | 'IPv6' {
  return isIP(address.split('/')[0] ?? '') === 6 ? 'IPv6' : 'IPv4';
}

/** Families of the cluster, the default one first. */
export function clusterFamilies(ranges: ServiceRanges): readonly ('IPv4' | 'IPv6')[] {
  return ranges.ranges.map(familyOf);
}

/** Whether the cluster's range of that family holds the address. */
export function isInRange(ranges: ServiceRanges, address: string): boolean {
  return ranges.ranges.some((range) => {
    const [network = '', prefix] = range.split('/');
    const family = familyOf(address) === 'IPv4' ? 'ipv4' : 'ipv6';
    if (familyOf(range) !== familyOf(address)) return false;
    const block = new BlockList();
    block.addSubnet(network, Number(prefix), family);
    return block.check(address, family);
  });
}

/** Addresses that Services have. */
export function usedAddresses(storage: Storage): Set<string> {
  return new Set(storage.list('/services', '').flatMap((service) => list(at(service, 'spec', 'clusterIPs')).map(text)));
}

/** Node ports that Services have, as `protocol/port`. */
export function usedNodePorts(storage: Storage, exceptUid: string): Set<string> {
  const used = new Set<string>();
  for (const service of storage.list('/services', '')) {
    if (service.metadata.uid === exceptUid) continue;
    for (const port of records(at(service, 'spec', 'ports'))) if (port['nodePort'] !== undefined) used.add(`${text(port['protocol'])}/${scalar(port['nodePort'])}`);
    const healthCheck = at(service, 'spec', 'healthCheckNodePort');
    if (healthCheck !== undefined) used.add(`TCP/${scalar(healthCheck)}`);
  }
  return used;
}

/** The lowest free address of a family; null: none. The first one is kubernetes' own. */
export function freeAddress(ranges: ServiceRanges, family: string, used: ReadonlySet<string>): string | null {
  const range = ranges.ranges.find((one) => familyOf(one) === family);
  if (range === undefined) return null;
  const [address] = ipaddr.parseCIDR(range);
  const octets = address.toByteArray();
  for (let count = 1; count < 65_535; count += 1) {
    increment(octets);
    const candidate = ipaddr.fromByteArray(octets).toString();
    if (!isInRange(ranges, candidate)) return null;
    if (!used.has(candidate)) return candidate;
  }
  return null;
}

function increment(octets: number[]): void {
  for (let index = octets.length - 1; index >= 0; index -= 1) {
    const next = ((octets[index] ?? 0) + 1) & 0xff;
    octets[index] = next;
    if (next !== 0) return;
  }
}
