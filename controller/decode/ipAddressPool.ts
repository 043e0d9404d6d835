import type { Decoding } from './decoding.ts';
import { MAX_ENTRIES, type FieldReader } from './fieldReader.ts';
import { isPlainMap } from './plainMap.ts';
import { parseIpRange } from '../../core/net/ipRange.ts';
import type { IPAddressPool } from '../model/objects.ts';

const FIELDS = ['addresses', 'autoAssign', 'avoidBuggyIPs'];

/** MetalLB's, which Gatehouse does not obey yet; what that means. */
const NOT_OBEYED = new Map([
  ['serviceAllocation', 'Services of every namespace may use the pool, in no order of priority'],
]);

/** Unknown fields that are named one by one. */
const MAX_UNKNOWN_FIELDS = 20;

/**
 * gatehouse.dev/v1 or metallb.io/v1beta1 IPAddressPool. A faulty range costs the change, not the range: Services would lose
 * the addresses they have in it.
 */
export function decodeIPAddressPool({ object, base }: Decoding): IPAddressPool | null {
  const spec = object.requiredMap('spec');
  if (spec === null) return null;
  reportOtherFields(object, spec);
  const pool: IPAddressPool = {
    ...base,
    kind: 'IPAddressPool',
    addresses: decodeRanges(spec),
    autoAssign: spec.flag('autoAssign') ?? true,
    avoidBuggyIPs: spec.flag('avoidBuggyIPs') ?? false,
  };
  return object.failed ? null : pool;
}

function decodeRanges(spec: FieldReader): string[] {
  const value = spec.value('addresses');
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_ENTRIES) {
    spec.fail('addresses', `must be a list of 1 to ${MAX_ENTRIES} CIDRs and ranges`, value);
    return [];
  }
  const ranges: string[] = [];
  for (const [index, text] of value.entries()) {
    const parsed = typeof text === 'string' ? parseIpRange(text) : ({ ok: false, rule: 'must be a string' } as const);
    if (parsed.ok) ranges.push(String(text).trim());
    else spec.fail(`addresses[${index}]`, parsed.rule, text);
  }
  return ranges;
}

function reportOtherFields(object: FieldReader, spec: FieldReader): void {
  const map = object.value('spec');
  const others = isPlainMap(map) ? Object.keys(map).filter((key) => !FIELDS.includes(key) && spec.has(key)) : [];
  for (const key of others.slice(0, MAX_UNKNOWN_FIELDS)) {
    const consequence = NOT_OBEYED.get(key);
    const rule =
      consequence === undefined
        ? `must be one of ${FIELDS.join(', ')}`
        : 'is a field of MetalLB that is not obeyed yet';
    const value = consequence === undefined ? key.slice(0, 60) : undefined;
    spec.report({
      severity: 'warning',
      field: spec.path(key.slice(0, 60)),
      rule,
      value,
      effect: consequence ?? 'it is ignored',
    });
  }
}
