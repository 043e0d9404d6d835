import type { IpFamily } from '../../core/net/ipAddress.ts';
import { rangeSize, type IpRange } from '../../core/net/ipRange.ts';
import type { AllocationRun } from './allocationRun.ts';
import type { Holdings } from './holdings.ts';
import type { Pool, PoolTable } from './poolTable.ts';

/** Addresses of one family; counts beyond 2^53 - 1 are cut to that. */
export interface PoolFamilyUsage {
  /** Addresses the pool may give. */
  readonly total: number;
  /** Of them in use; one that Services share counts once. */
  readonly assigned: number;
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
  readonly ipv4: PoolFamilyUsage;
  readonly ipv6: PoolFamilyUsage;
  /** Services with an address of the pool. */
  readonly services: number;
}

/** Pools with their use after a run. */
export function viewPools(table: PoolTable, { holdings, candidates }: AllocationRun): PoolView[] {
  const services = new Map<Pool, number>();
  for (const { held } of candidates) if (held !== null) services.set(held.pool, (services.get(held.pool) ?? 0) + 1);
  return table.pools.map((pool) => ({
    namespace: pool.object.metadata.namespace,
    name: pool.name,
    addresses: pool.object.addresses,
    autoAssign: pool.object.autoAssign,
    avoidBuggyIPs: pool.object.avoidBuggyIPs,
    ipv4: usageOf(pool, 'IPv4', holdings),
    ipv6: usageOf(pool, 'IPv6', holdings),
    services: services.get(pool) ?? 0,
  }));
}

function usageOf(pool: Pool, family: IpFamily, holdings: Holdings): PoolFamilyUsage {
  let total = 0n;
  for (const range of pool.ranges[family]) total += givable(range, pool);
  const assigned = holdings.count(pool, family);
  return { total: cut(total), assigned, available: cut(total - BigInt(assigned)) };
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
