import { ADVERTISEMENT_BOUNDS as BOUNDS } from './advertisementBounds.ts';
import { groupOf, type Decoding } from './decoding.ts';
import type { FieldReader } from './fieldReader.ts';
import { INTERFACE_OR_ROUTE } from './interfaceForm.ts';
import { decodeLabelSelector, decodeLabelSelectors } from './labelSelector.ts';
import { DNS_SUBDOMAIN } from './textForm.ts';
import { reportUnknownFields } from './unknownFields.ts';
import type { L2Advertisement } from '../model/advertisements.ts';

const FIELDS = [
  'ipAddressPools',
  'ipAddressPoolSelectors',
  'nodeSelectors',
  'interfaces',
  'serviceSelectors',
  'preferredNodeSelectors',
  'sharing',
  'sticky',
  'ownership',
];

/** As of Kubernetes' PreferredSchedulingTerm. */
const MAX_WEIGHT = 100;

/** gatehouse.dev/v1 or metallb.io/v1beta1 L2Advertisement; one without `spec` announces every pool from every node. */
export function decodeL2Advertisement(decoding: Decoding): L2Advertisement | null {
  const { object, base } = decoding;
  const spec = object.optionalMap('spec');
  reportUnknownFields(spec, FIELDS);
  const advertisement: L2Advertisement = {
    ...base,
    kind: 'L2Advertisement',
    group: groupOf(decoding),
    ipAddressPools: spec.distinctTexts('ipAddressPools', DNS_SUBDOMAIN, BOUNDS.pools),
    ipAddressPoolSelectors: decodeLabelSelectors(spec, 'ipAddressPoolSelectors'),
    nodeSelectors: decodeLabelSelectors(spec, 'nodeSelectors'),
    interfaces: spec.allTexts('interfaces', INTERFACE_OR_ROUTE, BOUNDS.interfaces),
    serviceSelectors: decodeLabelSelectors(spec, 'serviceSelectors'),
    preferredNodeSelectors: spec.parts('preferredNodeSelectors', BOUNDS.preferences).map(decodePreference),
    sharing: spec.choice('sharing', ['owner', 'perClient']) ?? 'owner',
    sticky: spec.flag('sticky') ?? false,
    ownership: spec.choice('ownership', ['hash', 'lease']) ?? 'hash',
  };
  if (advertisement.ownership === 'lease' && advertisement.sharing === 'perClient') {
    spec.fail('ownership', 'must not be lease with sharing perClient: a Lease has one holder');
  }
  return object.failed ? null : advertisement;
}

function decodePreference(reader: FieldReader): L2Advertisement['preferredNodeSelectors'][number] {
  reportUnknownFields(reader, ['weight', 'preference']);
  if (!reader.has('weight')) reader.fail('weight', `must be set: 1 to ${MAX_WEIGHT}`);
  const weight = reader.integer('weight', 1, MAX_WEIGHT) ?? 1;
  const preference = reader.requiredMap('preference');
  const none = { matchLabels: new Map<string, string>(), matchExpressions: [] };
  return { weight, preference: preference === null ? none : decodeLabelSelector(preference) };
}
