import type { Decoded } from '../decodeObject.ts';
import { isPlainMap } from '../plainMap.ts';
import { decodeOwnForm, isSet, notTakenFields, valueAt, withoutUnset } from './foreignObject.ts';
import { ADDRESS_BITS, parseIpAddress } from '../../../core/net/ipAddress.ts';

/** OpenELB's group. */
export const OPENELB_GROUP = 'network.kubesphere.io';

const DEFAULT_EIP = 'eip.openelb.kubesphere.io/is-default-eip';
const MAX_PRIORITY = 2_147_483_646;

/**
 * network.kubesphere.io/v1alpha2 Eip: a pool, and an advertisement that belongs to it alone, by ARP and NDP for protocols
 * layer2 and vip, by BGP else. OpenELB gives Services without a wish the pools of their namespace, by priority and 0 first,
 * then the default pool, and never any other: so `autoAssign` is off for those, and priorities begin at 1 here, where 0 is last.
 */
export function decodeEip(value: unknown): readonly Decoded[] {
  const metadata = valueAt(value, 'metadata');
  const spec = valueAt(value, 'spec');
  const pool = decodePool(metadata, spec);
  const name = pool.ref?.name;
  if (name === undefined) return [pool];
  const layer2 = ['layer2', 'vip'].includes(String(valueAt(spec, 'protocol')));
  const kind = layer2 ? 'L2Advertisement' : 'BGPAdvertisement';
  // Where a last good form of the pool stays in use, that of its advertisement must.
  if (pool.object === null) return [pool, { object: null, ref: { kind, namespace: '', name }, problems: [] }];
  const interfaceName = valueAt(spec, 'interface');
  const advertisement = decodeOwnForm(
    {
      kind,
      group: OPENELB_GROUP,
      metadata: { name },
      spec: { ipAddressPools: [name], ...(layer2 && isSet(interfaceName) ? { interfaces: [interfaceName] } : {}) },
      fields: [['spec.interfaces[0]', 'spec.interface']],
      problems: [],
    },
    '',
  );
  return [pool, advertisement];
}

function decodePool(metadata: unknown, spec: unknown): Decoded {
  const namespaces = valueAt(spec, 'namespaces');
  const namespaceSelector = valueAt(spec, 'namespaceSelector');
  const fenced = isSet(namespaces) || (isPlainMap(namespaceSelector) && Object.keys(namespaceSelector).length > 0);
  const isDefault = valueAt(metadata, 'annotations', DEFAULT_EIP) === 'true';
  return decodeOwnForm(
    {
      kind: 'IPAddressPool',
      group: OPENELB_GROUP,
      metadata: isPlainMap(metadata) ? metadata : {},
      spec: {
        addresses: [rangeOf(valueAt(spec, 'address'))],
        autoAssign: fenced || isDefault,
        isDefault,
        ...withoutUnset({ drain: valueAt(spec, 'disable') }),
        ...(fenced ? { serviceAllocation: allocationOf(spec) } : {}),
      },
      fields: [
        ['spec.addresses[0]', 'spec.address'],
        ['spec.drain', 'spec.disable'],
        ['spec.serviceAllocation.namespaceSelectors[0].matchLabels', 'spec.namespaceSelector'],
        ['spec.serviceAllocation', 'spec'],
      ],
      problems: notTakenFields(spec, 'spec', { usingKnownIPs: 'addresses of nodes are given like any others' }),
    },
    '',
  );
}

/** OpenELB takes a single address too. */
function rangeOf(address: unknown): unknown {
  const parsed = typeof address === 'string' ? parseIpAddress(address) : null;
  return parsed === null ? address : `${String(address)}/${ADDRESS_BITS[parsed.family]}`;
}

function allocationOf(spec: unknown): Readonly<Record<string, unknown>> {
  const priority = valueAt(spec, 'priority') ?? 0;
  const namespaceSelector = valueAt(spec, 'namespaceSelector');
  const namespaces = valueAt(spec, 'namespaces');
  const shifted = typeof priority === 'number' && priority <= MAX_PRIORITY ? (priority < 0 ? priority : priority + 1) : priority;
  return {
    priority: shifted,
    ...(isSet(namespaces) ? { namespaces: Array.isArray(namespaces) ? [...new Set(namespaces)] : namespaces } : {}),
    ...(isPlainMap(namespaceSelector) ? { namespaceSelectors: [{ matchLabels: namespaceSelector }] } : {}),
  };
}
