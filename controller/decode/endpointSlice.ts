import { isBeta, type Decoding } from './decoding.ts';
import { ADDRESS_FORMS } from './endpointAddress.ts';
import { decodeSlicePorts } from './slicePort.ts';
import type { FieldReader } from './fieldReader.ts';
import type { EndpointSlice, SliceEndpoint } from '../model/endpoints.ts';

const ADDRESS_TYPES: readonly EndpointSlice['addressType'][] = ['IPv4', 'IPv6', 'FQDN'];
const SERVICE_LABEL = 'kubernetes.io/service-name';

/** v1beta1 keeps node and zone in a map. */
const TOPOLOGY_NODE = 'kubernetes.io/hostname';
const TOPOLOGY_ZONE = 'topology.kubernetes.io/zone';

/** Bounds of the API (discovery validation). */
const MAX_ENDPOINTS = 1000;
const MAX_ADDRESSES = 100;
const MAX_PORTS = 20_000;
const MAX_HINTS = 8;

/** discovery.k8s.io EndpointSlice. Null when its address type or its shape is faulty. */
export function decodeEndpointSlice(decoding: Decoding): EndpointSlice | null {
  const { object, base } = decoding;
  if (!object.has('addressType')) object.fail('addressType', 'must be set: IPv4, IPv6 or FQDN');
  const addressType = object.choice('addressType', ADDRESS_TYPES) ?? 'IPv4';
  const ports = decodeSlicePorts(object, { max: MAX_PORTS, effect: 'the port is left out' });
  const endpoints: SliceEndpoint[] = [];
  const readers = object.elements('endpoints', { max: MAX_ENDPOINTS, effect: 'the endpoint is left out' });
  // Without a known type every address would look wrong.
  for (const reader of object.failed ? [] : readers) {
    const endpoint = decodeEndpoint(reader, addressType, isBeta(decoding));
    if (endpoint !== null) endpoints.push(endpoint);
  }
  const service = base.metadata.labels.get(SERVICE_LABEL) ?? '';
  return object.failed ? null : { ...base, kind: 'EndpointSlice', addressType, service, ports, endpoints };
}

function decodeEndpoint(
  endpoint: FieldReader,
  addressType: EndpointSlice['addressType'],
  beta: boolean,
): SliceEndpoint | null {
  const bounds = { max: MAX_ADDRESSES, effect: 'the address is left out' };
  const addresses = endpoint.texts('addresses', ADDRESS_FORMS[addressType], bounds);
  const written = endpoint.value('addresses');
  if (written === undefined || (Array.isArray(written) && written.length === 0)) {
    endpoint.fail('addresses', 'must have at least one address');
  }
  const conditions = endpoint.map('conditions');
  const hints = endpoint.element('hints', 'the hints are left out');
  const topology = beta ? endpoint.map('topology') : null;
  const decoded: SliceEndpoint = {
    addresses,
    ready: conditions?.flag('ready') ?? null,
    serving: conditions?.flag('serving') ?? null,
    terminating: conditions?.flag('terminating') ?? null,
    nodeName: endpoint.text('nodeName') ?? topology?.text(TOPOLOGY_NODE) ?? '',
    hintZones: decodeHints(hints, 'forZones'),
    hintNodes: decodeHints(hints, 'forNodes'),
    zone: endpoint.text('zone') ?? topology?.text(TOPOLOGY_ZONE) ?? '',
  };
  return endpoint.failed || addresses.length === 0 ? null : decoded;
}

/** A faulty hint costs only itself: traffic still arrives without one. */
function decodeHints(hints: FieldReader | null, key: 'forZones' | 'forNodes'): string[] {
  const names: string[] = [];
  for (const reader of hints?.elements(key, { max: MAX_HINTS, effect: 'the hint is left out' }) ?? []) {
    const name = reader.requiredText('name');
    if (!reader.failed) names.push(name);
  }
  return names;
}
