import { ADDRESS_BITS, printIpAddress, type IpAddress, type IpFamily } from '../../../../core/net/ipAddress.ts';
import { parseIpRange, type IpRange } from '../../../../core/net/ipRange.ts';
import type { IPAddressPool } from '../../../model/addressPool.ts';
import type { BGPAdvertisement } from '../../../model/advertisements.ts';
import { widestBlocks } from '../poolSelection.ts';

/** A prefix that an address is announced as. */
export interface Aggregate {
  /** Canonical, such as `192.0.2.0/24`. */
  readonly prefix: string;
  readonly length: number;
}

/** The network of the length asked for that an address is in, or as much of it as lies within one range: the rest may be anybody else's. */
export function aggregateOf({ family, value }: IpAddress, advertisement: AggregationLengths, ranges: readonly IpRange[]): Aggregate {
  const bits = ADDRESS_BITS[family];
  const networkOf = (length: number): bigint => (value >> BigInt(bits - length)) << BigInt(bits - length);
  const isOurs = (length: number): boolean => {
    const [first, last] = [networkOf(length), networkOf(length) + (1n << BigInt(bits - length)) - 1n];
    return ranges.some((range) => range.family === family && range.first <= first && last <= range.last);
  };
  let length = lengthFor(family, advertisement);
  while (length < bits && !isOurs(length)) length += 1;
  return { prefix: `${printIpAddress({ family, value: networkOf(length) })}/${length}`, length };
}

/** What of an advertisement says how wide its prefixes are. */
export type AggregationLengths = Pick<BGPAdvertisement, 'aggregationLength' | 'aggregationLengthV6'>;

/** Length of the prefixes asked for. */
export function lengthFor(family: IpFamily, { aggregationLength, aggregationLengthV6 }: AggregationLengths): number {
  return family === 'IPv4' ? aggregationLength : aggregationLengthV6;
}

/** True where the prefixes asked for are wider than any block of the pool: it cannot be right for these, and is not announced. */
export function isTooNarrow(pool: IPAddressPool, family: IpFamily, advertisement: AggregationLengths): boolean {
  return lengthFor(family, advertisement) < (widestBlocks(pool)[family] ?? 0);
}

/** Addresses that stand together in a pool. */
export interface PoolRange {
  /** As the pool has it. */
  readonly text: string;
  readonly range: IpRange;
}

/** All ranges of a pool that can be read. */
export function rangesOf({ addresses }: IPAddressPool): readonly PoolRange[] {
  return addresses.flatMap((text) => {
    const parsed = parseIpRange(text);
    return parsed.ok ? [{ text, range: parsed.range }] : [];
  });
}
