import { isIP } from 'node:net';
import type { AllocationRefusal } from '../allocator/refusal.ts';
import type { Condition } from '../model/objectBase.ts';
import type { ServiceStatus } from '../translate/translation.ts';
import { REFUSAL_REASONS } from './problemReason.ts';
import { cutMessage } from './problemText.ts';

/** Condition of Services of type LoadBalancer that are ours: whether they have an address, and why not. */
export const ADDRESS_ASSIGNED = 'gatehouse.dev/AddressAssigned';

/** What the condition should say. `refusal`: why the Service does not have what it asks for, if that is so. */
export function serviceCondition({ addresses, pool, reason }: ServiceStatus, refusal: AllocationRefusal | undefined): Condition {
  const type = ADDRESS_ASSIGNED;
  if (addresses.length > 0) {
    const message = `has ${addresses.join(' and ')}${pool === null ? '' : ` of pool ${pool}`}`;
    return { type, status: 'True', reason: 'Assigned', message };
  }
  if (refusal === undefined) {
    return { type, status: 'False', reason: 'Pending', message: reason === '' ? 'has no address yet' : cutMessage(reason) };
  }
  return { type, status: 'False', reason: REFUSAL_REASONS[refusal.reason], message: cutMessage(refusal.message) };
}

/**
 * Addresses that the conditions of a Service say we gave: evidence, across restarts and leaders, that entries of its status are
 * ours. They are in the words of `serviceCondition`.
 */
export function addressesGiven(conditions: readonly Condition[]): readonly string[] {
  const condition = conditions.find(({ type }) => type === ADDRESS_ASSIGNED);
  if (condition?.status !== 'True') return [];
  return condition.message.split(' ').filter((word) => isIP(word) !== 0);
}
