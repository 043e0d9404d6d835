import type { Decoding } from './decoding.ts';
import { MAX_ENTRIES, type FieldReader } from './fieldReader.ts';
import { IP_ADDRESS } from './textForm.ts';
import type { Node } from '../model/objects.ts';

const CONDITION_STATUSES = ['True', 'False', 'Unknown'] as const;

/** v1 Node: internal addresses, schedulability and conditions. */
export function decodeNode({ object, base }: Decoding): Node | null {
  const status = object.map('status');
  const node: Node = {
    ...base,
    kind: 'Node',
    internalIPs: status === null ? [] : decodeInternalIps(status),
    unschedulable: object.map('spec')?.flag('unschedulable') ?? false,
    conditions: status === null ? new Map() : decodeConditions(status),
  };
  return object.failed ? null : node;
}

function decodeInternalIps(status: FieldReader): string[] {
  const addresses: string[] = [];
  for (const reader of status.elements('addresses', { max: MAX_ENTRIES, effect: 'the address is left out' })) {
    const type = reader.requiredText('type');
    if (type !== 'InternalIP') continue;
    const address = reader.requiredText('address', IP_ADDRESS);
    if (!reader.failed) addresses.push(address);
  }
  return addresses;
}

function decodeConditions(status: FieldReader): Map<string, string> {
  const conditions = new Map<string, string>();
  for (const reader of status.elements('conditions', { max: MAX_ENTRIES, effect: 'the condition is left out' })) {
    const type = reader.requiredText('type');
    const value = reader.choice('status', CONDITION_STATUSES) ?? 'Unknown';
    if (!reader.failed) conditions.set(type, value);
  }
  return conditions;
}
