import { parseIpAddress, type IpAddress, type IpFamily } from '../../core/net/ipAddress.ts';
import { parseIpRange, type IpRange } from '../../core/net/ipRange.ts';
import type { Problem } from '../../core/ir/problem.ts';
import type { IPAddressPool } from '../model/addressPool.ts';
import { refOf } from '../model/objects.ts';
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
  /** family → address → `namespace/name` of the one Service that may be given it. */
  readonly reserved: Readonly<Record<IpFamily, ReadonlyMap<bigint, string>>>;
}

/** An address and its pool. */
export interface PooledAddress {
  readonly pool: Pool;
  readonly address: IpAddress;
}

/** All pools, oldest first, no address in two of them. */
export interface PoolTable {
  readonly pools: readonly Pool[];
  readonly byName: ReadonlyMap<string, Pool>;
  /** The pool whose ranges hold the address, given out or not. */
  find(address: IpAddress): Pool | null;
  /** `namespace/name` of a Service → addresses kept for it, in the order of the pools and of their entries. */
  readonly reservedFor: ReadonlyMap<string, readonly PooledAddress[]>;
  readonly problems: readonly Problem[];
}

/** Brings pools into order. The older one keeps a name or an address that two of them claim. */
export function compilePools(objects: Iterable<IPAddressPool>): PoolTable {
  const byName = new Map<string, OpenPool>();
  const index = new RangeIndex<OpenPool>();
  const problems: Problem[] = [];
  for (const object of [...objects].toSorted(compareAge)) {
    const holder = byName.get(object.metadata.name);
    if (holder === undefined) byName.set(object.metadata.name, compilePool(object, index, problems));
    else problems.push(sameName(object, holder.object));
  }
  const pools = [...byName.values()];
  const find = (address: IpAddress): Pool | null => index.find(address);
  const reservedFor = new Map<string, PooledAddress[]>();
  for (const pool of pools) {
    for (const { service, address } of reserve(pool, find, problems)) {
      const known = reservedFor.get(service);
      if (known === undefined) reservedFor.set(service, [{ pool, address }]);
      else known.push({ pool, address });
    }
  }
  return { pools, byName, find, reservedFor, problems };
}

/** A pool whose reservations are still to be entered: they can be judged only once all pools have their ranges. */
interface OpenPool extends Pool {
  readonly reserved: Readonly<Record<IpFamily, Map<bigint, string>>>;
}

/** True for an address the pool holds but never gives: .0 and .255, which some old equipment takes for a network's own. */
export function isExcluded(pool: Pool, address: IpAddress): boolean {
  if (!pool.object.avoidBuggyIPs || address.family !== 'IPv4') return false;
  const lastOctet = address.value & 255n;
  return lastOctet === 0n || lastOctet === 255n;
}

/** `namespace/name` of the Service the address is kept for; null: it is not kept. */
export function reservedFor(pool: Pool, address: IpAddress): string | null {
  return pool.reserved[address.family].get(address.value) ?? null;
}

/** True when the pool has addresses of the family, free or not. */
export function hasFamily(pool: Pool, family: IpFamily): boolean {
  return pool.ranges[family].length > 0;
}

function compilePool(object: IPAddressPool, index: RangeIndex<OpenPool>, problems: Problem[]): OpenPool {
  const ranges: Record<IpFamily, IpRange[]> = { IPv4: [], IPv6: [] };
  const pool: OpenPool = { object, name: object.metadata.name, ranges, reserved: { IPv4: new Map(), IPv6: new Map() } };
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

/** Enters the pool's reservations and lists those that hold. */
function* reserve(
  pool: OpenPool,
  find: PoolTable['find'],
  problems: Problem[],
): Iterable<{ readonly service: string; readonly address: IpAddress }> {
  for (const [place, { address: text, service }] of pool.object.reserved.entries()) {
    const address = parseIpAddress(text.trim());
    const rule = ruleOfReservation(pool, address, find);
    if (address !== null && rule === null) {
      pool.reserved[address.family].set(address.value, service);
      yield { service, address };
    } else {
      const effect = 'the address is not kept for anybody';
      const finding = { severity: 'error', field: `spec.reserved[${place}].address`, rule: rule ?? '', value: text } as const;
      problems.push(problemOf(pool.object, { ...finding, effect: rule === TAKEN ? 'the earlier entry counts' : effect }));
    }
  }
}

const TAKEN = 'must differ from those of earlier entries';

function ruleOfReservation(pool: OpenPool, address: IpAddress | null, find: PoolTable['find']): string | null {
  if (address === null) return 'must be an IP address';
  const holder = find(address);
  if (holder !== pool) return `must be an address of the pool${holder === null ? '' : `; it is in ${holder.name}`}`;
  if (isExcluded(pool, address)) return 'must not end in .0 or .255: the pool has avoidBuggyIPs';
  return pool.reserved[address.family].has(address.value) ? TAKEN : null;
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
