import { ADDRESS_BITS, type IpFamily } from '../../../core/net/ipAddress.ts';
import { parseIpRange, rangeSize, type IpRange } from '../../../core/net/ipRange.ts';
import { matchesSelector } from '../../model/labelSelector.ts';
import type { IPAddressPool } from '../../model/addressPool.ts';
import type { BGPAdvertisement, L2Advertisement } from '../../model/advertisements.ts';
import { memoizeByObject } from '../memoize.ts';

/** Pools that an advertisement names or selects; without either all pools. */
export function selectedPools(
  { ipAddressPools, ipAddressPoolSelectors }: Pick<L2Advertisement | BGPAdvertisement, 'ipAddressPools' | 'ipAddressPoolSelectors'>,
  pools: readonly IPAddressPool[],
): readonly IPAddressPool[] {
  if (ipAddressPools.length === 0 && ipAddressPoolSelectors.length === 0) return pools;
  const names = new Set(ipAddressPools);
  return pools.filter(
    ({ metadata }) => names.has(metadata.name) || ipAddressPoolSelectors.some((selector) => matchesSelector(selector, metadata.labels)),
  );
}

/** Shortest prefix among the CIDR blocks that make up a pool, by family; null: the pool has no address of it. */
export type WidestBlocks = Readonly<Record<IpFamily, number | null>>;

/** The widest block of a pool, remembered as long as the pool lives. */
export const widestBlocks: (pool: IPAddressPool) => WidestBlocks = ((): ((pool: IPAddressPool) => WidestBlocks) => {
  const remembered = memoizeByObject<IPAddressPool, null, WidestBlocks>(computeWidest);
  return (pool) => remembered(pool, null);
})();

function computeWidest(pool: IPAddressPool): WidestBlocks {
  const widest: Record<IpFamily, number | null> = { IPv4: null, IPv6: null };
  for (const text of pool.addresses) {
    const parsed = parseIpRange(text);
    if (!parsed.ok) continue;
    const { family } = parsed.range;
    widest[family] = Math.min(widest[family] ?? ADDRESS_BITS[family], shortestPrefix(parsed.range));
  }
  return widest;
}

/** Prefix of the largest aligned block within a range. */
function shortestPrefix(range: IpRange): number {
  const bits = ADDRESS_BITS[range.family];
  // A larger block than the range has addresses cannot be in it; one of a quarter of its size always is.
  let prefix = bits - (rangeSize(range).toString(2).length - 1);
  while (prefix < bits && !holdsBlock(range, 1n << BigInt(bits - prefix))) prefix += 1;
  return prefix;
}

function holdsBlock({ first, last }: IpRange, size: bigint): boolean {
  const start = ((first + size - 1n) / size) * size;
  return start + size - 1n <= last;
}
