import type { IpAddress, IpFamily } from '../../core/net/ipAddress.ts';
import { parseIpRange, type IpRange } from '../../core/net/ipRange.ts';
import type { Problem } from '../../core/ir/problem.ts';
import { refOf, type IPAddressPool } from '../model/objects.ts';
import { compareAge } from '../translate/ingressAge.ts';
import { problemOf } from '../translate/problemOf.ts';
import { printRef } from '../../core/ir/objectRef.ts';
import { RangeIndex } from './rangeIndex.ts';

/** One pool as the allocator uses it. */
export interface Pool {
  readonly object: IPAddressPool;
  readonly name: string;
  /** family → ranges in the order they are written, less what an earlier range or an older pool has. */
  readonly ranges: Readonly<Record<IpFamily, readonly IpRange[]>>;
}

/** All pools, oldest first, no address in two of them. */
export interface PoolTable {
  readonly pools: readonly Pool[];
  readonly byName: ReadonlyMap<string, Pool>;
  /** The pool whose ranges hold the address, given out or not. */
  find(address: IpAddress): Pool | null;
  readonly problems: readonly Problem[];
}

/** Brings pools into order. The older one keeps a name or an address that two of them claim. */
export function compilePools(objects: Iterable<IPAddressPool>): PoolTable {
  const byName = new Map<string, Pool>();
  const index = new RangeIndex<Pool>();
  const problems: Problem[] = [];
  for (const object of [...objects].toSorted(compareAge)) {
    const holder = byName.get(object.metadata.name);
    if (holder === undefined) byName.set(object.metadata.name, compilePool(object, index, problems));
    else problems.push(sameName(object, holder.object));
  }
  return { pools: [...byName.values()], byName, find: (address) => index.find(address), problems };
}

/** True for an address the pool holds but never gives: .0 and .255, which some old equipment takes for a network's own. */
export function isExcluded(pool: Pool, address: IpAddress): boolean {
  if (!pool.object.avoidBuggyIPs || address.family !== 'IPv4') return false;
  const lastOctet = address.value & 255n;
  return lastOctet === 0n || lastOctet === 255n;
}

/** True when the pool has addresses of the family, free or not. */
export function hasFamily(pool: Pool, family: IpFamily): boolean {
  return pool.ranges[family].length > 0;
}

function compilePool(object: IPAddressPool, index: RangeIndex<Pool>, problems: Problem[]): Pool {
  const ranges: Record<IpFamily, IpRange[]> = { IPv4: [], IPv6: [] };
  const pool: Pool = { object, name: object.metadata.name, ranges };
  for (const [place, text] of object.addresses.entries()) {
    const parsed = parseIpRange(text);
    // The decoder has refused everything else.
    if (!parsed.ok) continue;
    const { added, overlapped } = index.add(parsed.range, pool);
    ranges[parsed.range.family].push(...added);
    for (const other of overlapped) problems.push(overlap(object, { place, text }, other.object));
  }
  return pool;
}

function sameName(object: IPAddressPool, holder: IPAddressPool): Problem {
  return problemOf(object, {
    severity: 'error',
    field: 'metadata.name',
    rule: `must differ from the names of all pools, whatever their namespace; ${printRef(refOf(holder))} has it`,
    value: object.metadata.name,
    effect: 'this pool gives no addresses',
  });
}

function overlap(
  object: IPAddressPool,
  range: { readonly place: number; readonly text: string },
  holder: IPAddressPool,
): Problem {
  const own = holder === object;
  return problemOf(object, {
    severity: own ? 'warning' : 'error',
    field: `spec.addresses[${range.place}]`,
    rule: own ? 'must not overlap an earlier range of the pool' : `must not overlap ${printRef(refOf(holder))}`,
    value: range.text,
    effect: own ? 'the addresses count once' : `what both have belongs to ${printRef(refOf(holder))}`,
  });
}
