import { ADVERTISEMENT_BOUNDS as BOUNDS } from './advertisementBounds.ts';
import { COMMUNITY } from './communityForm.ts';
import { groupOf, METALLB_GROUP, type Decoding } from './decoding.ts';
import { decodeLabelSelectors } from './labelSelector.ts';
import { DNS_SUBDOMAIN } from './textForm.ts';
import { reportUnknownFields } from './unknownFields.ts';
import type { BGPAdvertisement } from '../model/advertisements.ts';

const FIELDS = [
  'aggregationLength',
  'aggregationLengthV6',
  'localPref',
  'communities',
  'ipAddressPools',
  'ipAddressPoolSelectors',
  'nodeSelectors',
  'peers',
  'serviceSelectors',
];
/** Beyond what MetalLB has. */
const OWN_FIELDS = ['med', 'asPathPrepend', 'linkBandwidth'];
const MAX_PREPEND = 10;

const MAX_UINT32 = 4_294_967_295;
const IPV4_BITS = 32;
const IPV6_BITS = 128;

/** gatehouse.dev/v1 or metallb.io/v1beta1 BGPAdvertisement; one without `spec` announces every pool to every peer. */
export function decodeBGPAdvertisement(decoding: Decoding): BGPAdvertisement | null {
  const { object, base } = decoding;
  const spec = object.optionalMap('spec');
  const own = groupOf(decoding) !== METALLB_GROUP;
  reportUnknownFields(spec, own ? [...FIELDS, ...OWN_FIELDS] : FIELDS);
  const advertisement: BGPAdvertisement = {
    ...base,
    kind: 'BGPAdvertisement',
    group: groupOf(decoding),
    aggregationLength: spec.integer('aggregationLength', 1, IPV4_BITS) ?? IPV4_BITS,
    aggregationLengthV6: spec.integer('aggregationLengthV6', 1, IPV6_BITS) ?? IPV6_BITS,
    // MetalLB's 0 stands for none.
    localPref: spec.integer('localPref', 0, MAX_UINT32) || null,
    communities: spec.distinctTexts('communities', COMMUNITY, BOUNDS.communities),
    ipAddressPools: spec.distinctTexts('ipAddressPools', DNS_SUBDOMAIN, BOUNDS.pools),
    ipAddressPoolSelectors: decodeLabelSelectors(spec, 'ipAddressPoolSelectors'),
    nodeSelectors: decodeLabelSelectors(spec, 'nodeSelectors'),
    peers: spec.distinctTexts('peers', DNS_SUBDOMAIN, BOUNDS.peers),
    serviceSelectors: decodeLabelSelectors(spec, 'serviceSelectors'),
    med: own ? spec.integer('med', 0, MAX_UINT32) : null,
    asPathPrepend: (own ? spec.integer('asPathPrepend', 0, MAX_PREPEND) : null) ?? 0,
    linkBandwidth: own ? spec.choice('linkBandwidth', ['endpoints']) : null,
  };
  if (advertisement.serviceSelectors.length > 0) {
    const rule = 'must be the whole address when serviceSelectors are set: a wider prefix would carry other Services too';
    if (advertisement.aggregationLength !== IPV4_BITS) spec.fail('aggregationLength', rule, advertisement.aggregationLength);
    if (advertisement.aggregationLengthV6 !== IPV6_BITS) spec.fail('aggregationLengthV6', rule, advertisement.aggregationLengthV6);
  }
  return object.failed ? null : advertisement;
}
