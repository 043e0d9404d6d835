import { ADDRESS } from './addressForm.ts';
import { groupOf, type Decoding } from './decoding.ts';
import type { FieldReader } from './fieldReader.ts';
import { decodeLabelSelectors } from './labelSelector.ts';
import { DNS_LABEL, type TextForm } from './textForm.ts';
import { reportUnknownFields } from './unknownFields.ts';
import { parseIpAddress, printIpAddress } from '../../core/net/ipAddress.ts';
import { inRange, parseIpRange, type IpRange } from '../../core/net/ipRange.ts';
import type { IPAddressPool, PoolStatus, ReservedAddress, ServiceAllocation } from '../model/addressPool.ts';

const OWN_GROUP = 'gatehouse.dev';
/** Those of MetalLB first. */
const FIELDS = ['addresses', 'autoAssign', 'avoidBuggyIPs', 'serviceAllocation', 'drain', 'reserved', 'isDefault'];
const ALLOCATION_FIELDS = ['priority', 'namespaces', 'namespaceSelectors', 'serviceSelectors'];

/** Bounds of the CRD. */
const MAX_RANGES = 1000;
const MAX_RESERVED = 1000;
const MAX_NAMESPACES = 1000;
const PRIORITY = { min: -2_147_483_648, max: 2_147_483_647 };

const SERVICE: TextForm = {
  rule: 'must be "namespace/name" of a Service',
  matches: (text) => {
    const [namespace = '', name = '', ...more] = text.split('/');
    return more.length === 0 && DNS_LABEL.matches(namespace) && DNS_LABEL.matches(name);
  },
};

/**
 * gatehouse.dev/v1 or metallb.io/v1beta1 IPAddressPool. A faulty range costs the change, not the range: Services would lose
 * the addresses they have in it.
 */
export function decodeIPAddressPool(decoding: Decoding): IPAddressPool | null {
  const { object, base } = decoding;
  const spec = object.requiredMap('spec');
  if (spec === null) return null;
  reportUnknownFields(spec, FIELDS);
  const group = groupOf(decoding);
  const { addresses, ranges } = decodeRanges(spec);
  const pool: IPAddressPool = {
    ...base,
    kind: 'IPAddressPool',
    group,
    addresses,
    autoAssign: spec.flag('autoAssign') ?? true,
    avoidBuggyIPs: spec.flag('avoidBuggyIPs') ?? false,
    serviceAllocation: decodeServiceAllocation(spec),
    drain: spec.flag('drain') ?? false,
    reserved: decodeReserved(spec, ranges),
    isDefault: spec.flag('isDefault') ?? false,
    status: group === OWN_GROUP ? decodeStatus(object) : null,
  };
  return object.failed ? null : pool;
}

function decodeRanges(spec: FieldReader): { readonly addresses: readonly string[]; readonly ranges: readonly IpRange[] } {
  const addresses: string[] = [];
  const ranges: IpRange[] = [];
  const value = spec.value('addresses');
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_RANGES) {
    spec.fail('addresses', `must be a list of 1 to ${MAX_RANGES} CIDRs and ranges`, value);
    return { addresses, ranges };
  }
  for (const [index, text] of value.entries()) {
    const parsed = typeof text === 'string' ? parseIpRange(text) : ({ ok: false, rule: 'must be a string' } as const);
    if (parsed.ok) {
      addresses.push(String(text).trim());
      ranges.push(parsed.range);
    } else {
      spec.fail(`addresses[${index}]`, parsed.rule, text);
    }
  }
  return { addresses, ranges };
}

function decodeServiceAllocation(spec: FieldReader): ServiceAllocation | null {
  const allocation = spec.map('serviceAllocation');
  if (allocation === null) return null;
  reportUnknownFields(allocation, ALLOCATION_FIELDS);
  return {
    priority: allocation.integer('priority', PRIORITY.min, PRIORITY.max) ?? 0,
    namespaces: allocation.distinctTexts('namespaces', DNS_LABEL, MAX_NAMESPACES),
    namespaceSelectors: decodeLabelSelectors(allocation, 'namespaceSelectors'),
    serviceSelectors: decodeLabelSelectors(allocation, 'serviceSelectors'),
  };
}

function decodeReserved(spec: FieldReader, ranges: readonly IpRange[]): ReservedAddress[] {
  const reserved: ReservedAddress[] = [];
  const taken = new Set<string>();
  for (const reader of spec.parts('reserved', MAX_RESERVED)) {
    reportUnknownFields(reader, ['address', 'service']);
    const text = reader.requiredText('address', ADDRESS);
    const service = reader.requiredText('service', SERVICE);
    const address = parseIpAddress(text);
    if (address === null) continue;
    const canonical = printIpAddress(address);
    if (taken.has(canonical)) reader.fail('address', 'must differ from the other reserved addresses', text);
    if (!ranges.some((range) => inRange(range, address))) reader.fail('address', 'must lie in spec.addresses', text);
    taken.add(canonical);
    reserved.push({ address: text, service });
  }
  return reserved;
}

/** Null when it lacks a count: it is written anew then. */
function decodeStatus(object: FieldReader): PoolStatus | null {
  const status = object.status('it counts as not written yet');
  const count = (key: keyof PoolStatus): number => status?.integer(key, 0, Number.MAX_SAFE_INTEGER) ?? -1;
  const counts: PoolStatus = {
    assignedIPv4: count('assignedIPv4'),
    assignedIPv6: count('assignedIPv6'),
    availableIPv4: count('availableIPv4'),
    availableIPv6: count('availableIPv6'),
  };
  return Object.values(counts).includes(-1) ? null : counts;
}
