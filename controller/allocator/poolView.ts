import type { IpFamily } from '../../core/net/ipAddress.ts';
import { rangeSize, type IpRange } from '../../core/net/ipRange.ts';
import { printAllocation } from './admission.ts';
import type { AllocationState } from './allocationState.ts';
import type { Holdings } from './holdings.ts';
import type { Pool } from './poolTable.ts';

/** Addresses of one family; counts beyond 2^53 - 1 are cut to that. */
export interface PoolFamilyUsage {
  /** Addresses the pool may give. */
  readonly total: number;
  /** Of them in use; one that Services share counts once. */
  readonly assigned: number;
  /** Of them free for Services in general: without those that are kept for one, and none at all of a pool that is drained. */
  readonly available: number;
}

/** One pool in `GET /api/v1/pools`. */
export interface PoolView {
  readonly namespace: string;
  readonly name: string;
  /** As written. */
  readonly addresses: readonly string[];
  readonly autoAssign: boolean;
  readonly avoidBuggyIPs: boolean;
  /** Nothing new is given. */
  readonly drain: boolean;
  /** Tried first among those that are for every Service. */
  readonly isDefault: boolean;
  /** Which Services it is for, in words; null: every one. */
  readonly serviceAllocation: string | null;
  /** Addresses that are kept for a Service, given to it or not. */
  readonly reserved: number;
  readonly ipv4: PoolFamilyUsage;
  readonly ipv6: PoolFamilyUsage;
  /** Services with an address of the pool. */
  readonly services: number;
}

/** Pools with their use after a run. */
export function viewPools({ table, holdings, candidates }: AllocationState): PoolView[] {
  const services = new Map<Pool, number>();
  for (const { held } of candidates) if (held !== null) services.set(held.pool, (services.get(held.pool) ?? 0) + 1);
  return table.pools.map((pool) => ({
    namespace: pool.object.metadata.namespace,
    name: pool.name,
    addresses: pool.object.addresses,
    autoAssign: pool.object.autoAssign,
    avoidBuggyIPs: pool.object.avoidBuggyIPs,
    drain: pool.object.drain,
    isDefault: pool.object.isDefault,
    serviceAllocation: printAllocation(pool),
    reserved: pool.reserved.IPv4.size + pool.reserved.IPv6.size,
    ipv4: usageOf(pool, 'IPv4', holdings),
    ipv6: usageOf(pool, 'IPv6', holdings),
    services: services.get(pool) ?? 0,
  }));
}

function usageOf(pool: Pool, family: IpFamily, holdings: Holdings): PoolFamilyUsage {
  let total = 0n;
  for (const range of pool.ranges[family]) total += givable(range, pool);
  const assigned = holdings.count(pool, family);
  const kept = pool.object.drain ? 0 : [...pool.reserved[family].keys()].filter((value) => !holdings.isHeld({ family, value })).length;
  const available = pool.object.drain ? 0n : total - BigInt(assigned + kept);
  return { total: cut(total), assigned, available: cut(available) };
}

function givable(range: IpRange, { object }: Pool): bigint {
  if (!object.avoidBuggyIPs || range.family === 'IPv6') return rangeSize(range);
  const excluded = endingIn(0n, range) + endingIn(255n, range);
  return rangeSize(range) - excluded;
}

/** How many addresses of the range have this last octet. */
function endingIn(octet: bigint, { first, last }: IpRange): bigint {
  const upTo = (end: bigint): bigint => (end < octet ? 0n : (end - octet) / 256n + 1n);
  return upTo(last) - upTo(first - 1n);
}

function cut(count: bigint): number {
  return count > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(count);
}
