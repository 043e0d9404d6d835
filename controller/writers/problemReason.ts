import type { Problem } from '../../core/ir/problem.ts';
import type { AllocationRefusal } from '../allocator/refusal.ts';

/** Why a Service has no address, as its condition calls it (CamelCase, as the API wants), by what the allocator calls it. */
export const REFUSAL_REASONS: Readonly<Record<AllocationRefusal['reason'], string>> = {
  fault: 'InvalidRequest',
  noPools: 'NoPool',
  unknownPool: 'UnknownPool',
  outsidePools: 'AddressOutsidePools',
  otherPool: 'AddressOutsidePool',
  twoPools: 'AddressesOfTwoPools',
  excluded: 'AddressExcluded',
  inUse: 'AddressInUse',
  reserved: 'AddressReserved',
  keptInUse: 'ReservedAddressInUse',
  drained: 'PoolDrained',
  notAdmitted: 'PoolNotForService',
  leader: 'Pending',
  exhausted: 'PoolExhausted',
};

/** Reasons of Events by what the rule begins with, or the field contains; the first that fits. */
const EVENT_REASONS: readonly { readonly reason: string; readonly rule?: string; readonly field?: string }[] = [
  { reason: 'DeprecatedAnnotation', rule: 'has a deprecated prefix' },
  { reason: 'PortNotOpened', rule: 'needs its port to be opened' },
  { reason: 'NoEndpoints', rule: 'must have a ready endpoint' },
  { reason: 'InvalidAnnotation', field: 'metadata.annotations' },
  { reason: 'InvalidTLS', field: 'spec.tls' },
  { reason: 'InvalidBackend', field: '.backend' },
  { reason: 'InvalidBackend', field: 'spec.defaultBackend' },
];

/** Reason of everything that has no class of its own. */
const INVALID = 'Invalid';

/** Reason of the Event about a problem: the class it belongs to. `refusals`: those of the same object. */
export function problemReason({ field, rule, effect }: Problem, refusals: readonly AllocationRefusal[]): string {
  if (refusals.some(({ message }) => message === `${field}: ${rule}; ${effect}`)) return 'AllocationFailed';
  const known = EVENT_REASONS.find(
    (row) => (row.rule !== undefined && rule.startsWith(row.rule)) || (row.field !== undefined && field.includes(row.field)),
  );
  return known?.reason ?? INVALID;
}
