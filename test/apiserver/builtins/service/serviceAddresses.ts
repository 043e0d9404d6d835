import { BlockList, isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { at, list, records, scalar, text, type KubeObject } from '../../json.ts';
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

/** What Services have: kept up to date by the storage's own events, so that one more Service costs the same however many there are. */
export interface ServiceIndex {
  readonly addresses: Set<string>;
  /** `protocol/port` → uid of its Service. */
  readonly nodePorts: Map<string, string>;
  /** Range → octets of the address given last. */
  readonly last: Map<string, number[]>;
}

const indexes = new WeakMap<Storage, ServiceIndex>();

/** The index of a storage. */
export function serviceIndex(storage: Storage): ServiceIndex {
  const known = indexes.get(storage);
  if (known !== undefined) return known;
  const index: ServiceIndex = { addresses: new Set(), nodePorts: new Map(), last: new Map() };
  for (const service of storage.list('/services', '')) enter(index, service);
  storage.subscribe('/services', (event) => {
    if (event.previous !== null) leave(index, event.previous);
    if (event.type !== 'DELETED') enter(index, event.object);
  });
  indexes.set(storage, index);
  return index;
}

function nodePortsOf(service: KubeObject): string[] {
  const ports = records(at(service, 'spec', 'ports')).filter((port) => port['nodePort'] !== undefined);
  const healthCheck = at(service, 'spec', 'healthCheckNodePort');
  return [...ports.map((port) => `${text(port['protocol'])}/${scalar(port['nodePort'])}`), ...(healthCheck === undefined ? [] : [`TCP/${scalar(healthCheck)}`])];
}

function enter(index: ServiceIndex, service: KubeObject): void {
  for (const address of list(at(service, 'spec', 'clusterIPs'))) if (address !== 'None') index.addresses.add(text(address));
  for (const port of nodePortsOf(service)) index.nodePorts.set(port, text(service.metadata.uid));
}

function leave(index: ServiceIndex, service: KubeObject): void {
  for (const address of list(at(service, 'spec', 'clusterIPs'))) index.addresses.delete(text(address));
  for (const port of nodePortsOf(service)) index.nodePorts.delete(port);
}

/** The next free address of a family, in turn; null: none. The first of a range is kubernetes' own. */
export function freeAddress(ranges: ServiceRanges, family: string, index: ServiceIndex, taken: ReadonlySet<string>): string | null {
  const range = ranges.ranges.find((one) => familyOf(one) === family);
  if (range === undefined) return null;
  const [network, prefix] = ipaddr.parseCIDR(range);
  const start = network.toByteArray();
  const octets = index.last.get(range) ?? [...start];
  index.last.set(range, octets);
  const size = Math.min(2 ** (start.length * 8 - prefix), 2 ** 20);
  for (let count = 0; count < size; count += 1) {
    increment(octets);
    let candidate = ipaddr.fromByteArray(octets).toString();
    if (!isInRange(ranges, candidate)) {
      octets.splice(0, octets.length, ...start);
      increment(octets);
      candidate = ipaddr.fromByteArray(octets).toString();
    }
    if (!index.addresses.has(candidate) && !taken.has(candidate)) return candidate;
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
