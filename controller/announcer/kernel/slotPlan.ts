import { apportion } from '../../../core/balance/apportion.ts';
import { buildMaglevTable } from '../../../core/balance/maglevTable.ts';
import type { KernelEndpoint } from '../wanted.ts';

/** Which endpoint each slot leads to: a packet draws a slot, by chance or by hash. */
export type SlotPlan = readonly KernelEndpoint[];

/** Unequal weights whose sum, reduced, is over this share so many slots: as near as 0.1 % to what was asked for. */
const MOST_RANDOM_SLOTS = 1_000;

/**
 * Primes. Each place is an element of a map, so tables are smaller than the proxy's; few and far apart, as crossing a bound
 * moves most flows. Shares are within 2 % up to 16 endpoints, 4 % up to 256.
 */
const MAGLEV_SIZES: readonly { readonly endpoints: number; readonly size: number }[] = [
  { endpoints: 16, size: 1_021 },
  { endpoints: 256, size: 8_191 },
  { endpoints: 65_535, size: 65_537 },
];

/** Slots in proportion to weights, as few as that takes. Neighbours lead to the same endpoint. At least one endpoint. */
export function planRandomSlots(endpoints: readonly KernelEndpoint[]): SlotPlan {
  const divisor = endpoints.reduce((common, { weight }) => greatestCommonDivisor(common, weight), 0);
  const weights = endpoints.map(({ weight }) => weight / divisor);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const size = Math.min(total, Math.max(MOST_RANDOM_SLOTS, endpoints.length));
  const quotas = size === total ? weights : apportion(weights, size);
  return endpoints.flatMap((endpoint, index) => Array<KernelEndpoint>(quotas[index] ?? 0).fill(endpoint));
}

/** A Maglev table over them, the same on every node. At least one endpoint, at most 65,535. */
export function planMaglevSlots(endpoints: readonly KernelEndpoint[]): SlotPlan {
  const size = MAGLEV_SIZES.find((row) => endpoints.length <= row.endpoints)?.size;
  if (size === undefined) throw new RangeError(`a Maglev table cannot have ${endpoints.length} endpoints`);
  const members = endpoints.map(({ address, port, weight }) => ({ key: `${address} ${port}`, weight }));
  return Array.from(buildMaglevTable(members, size), (index) => endpoints[index] as KernelEndpoint);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
