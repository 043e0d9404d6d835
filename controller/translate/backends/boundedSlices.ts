import type { EndpointSlice } from '../../model/endpoints.ts';
import type { Service } from '../../model/service.ts';
import { compareText } from '../ingressAge.ts';
import { problemOf } from '../problemOf.ts';
import type { Problem } from '../../../core/ir/problem.ts';

/**
 * Addresses of one Service that are used (ours; Kubernetes is tested with 5,000 nodes and fewer Pods of one Service than this). Whoever
 * may write EndpointSlices must not fill the memory of every node, which has them once for each port that leads there.
 */
export const MAX_ADDRESSES_OF_SERVICE = 10_000;

/** The slices of one Service as far as the bound goes: whole ones, by name, so that every replica leaves out the same. */
export function boundedSlices(slices: readonly EndpointSlice[]): readonly EndpointSlice[] {
  if (countAddresses(slices) <= MAX_ADDRESSES_OF_SERVICE) return slices;
  let count = 0;
  return slices.toSorted((a, b) => compareText(a.metadata.name, b.metadata.name)).filter((slice) => {
    count += countAddresses([slice]);
    return count <= MAX_ADDRESSES_OF_SERVICE;
  });
}

/** Null when the Service keeps to the bound. */
export function tooManyAddresses(service: Service, slices: readonly EndpointSlice[]): Problem | null {
  const count = countAddresses(slices);
  if (count <= MAX_ADDRESSES_OF_SERVICE) return null;
  return problemOf(service, {
    severity: 'error',
    field: '',
    rule: `must have at most ${MAX_ADDRESSES_OF_SERVICE} addresses in its EndpointSlices`,
    value: count,
    effect: 'slices beyond, in the order of their names, are left out',
  });
}

function countAddresses(slices: readonly EndpointSlice[]): number {
  let count = 0;
  for (const { endpoints } of slices) for (const { addresses } of endpoints) count += addresses.length;
  return count;
}
