import { ATTRIBUTE, OPTIONAL_NON_TRANSITIVE, OPTIONAL_TRANSITIVE, WELL_KNOWN } from './attributeCode.ts';
import { as4PathFault, asPathFault } from './asPathForm.ts';
import type { CodecOptions } from './message.ts';
import { read16, read32 } from './octets.ts';
import { linkStateFault, aigpFault, prefixSidFault } from './tlvForm.ts';

/** What is done about a malformed attribute, short of ending the session (RFC 7606 section 2). */
export type AttributeOutcome = 'treat-as-withdraw' | 'attribute-discard';

/** Around an attribute. */
export interface AttributeContext {
  readonly options: CodecOptions;
  /** There are NLRI in the classic field, which NEXT_HOP is for. */
  readonly hasClassicNlri: boolean;
}

/** How an attribute must look. */
export interface AttributeRule {
  readonly name: string;
  /** Its Optional and Transitive flags; others are malformed (RFC 7606 section 3 c). */
  readonly flags: number;
  /** What is done about others. */
  readonly flagsOutcome: AttributeOutcome;
  /** What is wrong with a value, in words; null: nothing. */
  readonly fault: (value: Uint8Array, context: AttributeContext) => string | null;
  readonly outcome: AttributeOutcome;
  /** From a peer of another AS it is discarded unseen (RFC 7606 sections 7.5, 7.9, 7.10). */
  readonly internalOnly: boolean;
}

const ORIGIN_INCOMPLETE = 2;
/** First octets of IPv4 addresses that no router has: 127/8, and from 224/4 on groups and what is reserved. */
const LOOPBACK_OCTET = 127;
const FIRST_GROUP_OCTET = 224;

const withdraw = { outcome: 'treat-as-withdraw', flagsOutcome: 'treat-as-withdraw', internalOnly: false } as const;
const internal = { outcome: 'treat-as-withdraw', flagsOutcome: 'treat-as-withdraw', internalOnly: true } as const;
const discard = { outcome: 'attribute-discard', flagsOutcome: 'treat-as-withdraw', internalOnly: false } as const;

/**
 * Known attributes by code; MP_REACH_NLRI and MP_UNREACH_NLRI are read elsewhere. What is not here is passed on or
 * dropped unseen.
 */
export const ATTRIBUTE_RULES: ReadonlyMap<number, AttributeRule> = new Map<number, AttributeRule>([
  // RFC 7606 section 7.1.
  [ATTRIBUTE.origin, { name: 'ORIGIN', flags: WELL_KNOWN, fault: originFault, ...withdraw }],
  // RFC 7606 section 7.2, RFC 7607.
  [ATTRIBUTE.asPath, { name: 'AS_PATH', flags: WELL_KNOWN, fault: pathFault, ...withdraw }],
  // RFC 7606 section 7.3.
  [ATTRIBUTE.nextHop, { name: 'NEXT_HOP', flags: WELL_KNOWN, fault: nextHopFault, ...withdraw }],
  // RFC 7606 section 7.4.
  [ATTRIBUTE.multiExitDisc, { name: 'MULTI_EXIT_DISC', flags: OPTIONAL_NON_TRANSITIVE, fault: lengthOf(4), ...withdraw }],
  // RFC 7606 section 7.5.
  [ATTRIBUTE.localPref, { name: 'LOCAL_PREF', flags: WELL_KNOWN, fault: lengthOf(4), ...internal }],
  // RFC 7606 section 7.6.
  [ATTRIBUTE.atomicAggregate, { name: 'ATOMIC_AGGREGATE', flags: WELL_KNOWN, fault: lengthOf(0), ...discard }],
  // RFC 7606 section 7.7, RFC 7607.
  [ATTRIBUTE.aggregator, { name: 'AGGREGATOR', flags: OPTIONAL_TRANSITIVE, fault: aggregatorFault, ...discard }],
  // RFC 7606 section 7.8.
  [ATTRIBUTE.communities, { name: 'COMMUNITIES', flags: OPTIONAL_TRANSITIVE, fault: multipleOf(4), ...withdraw }],
  // RFC 7606 section 7.9.
  [ATTRIBUTE.originatorId, { name: 'ORIGINATOR_ID', flags: OPTIONAL_NON_TRANSITIVE, fault: lengthOf(4), ...internal }],
  // RFC 7606 section 7.10.
  [ATTRIBUTE.clusterList, { name: 'CLUSTER_LIST', flags: OPTIONAL_NON_TRANSITIVE, fault: multipleOf(4), ...internal }],
  // RFC 7606 section 7.14.
  [ATTRIBUTE.extendedCommunities, { name: 'EXTENDED_COMMUNITIES', flags: OPTIONAL_TRANSITIVE, fault: multipleOf(8), ...withdraw }],
  // RFC 6793 section 6.
  [ATTRIBUTE.as4Path, { name: 'AS4_PATH', flags: OPTIONAL_TRANSITIVE, fault: path4Fault, ...discard }],
  // RFC 6793 section 6.
  [ATTRIBUTE.as4Aggregator, { name: 'AS4_AGGREGATOR', flags: OPTIONAL_TRANSITIVE, fault: as4AggregatorFault, ...discard }],
  // RFC 7606 section 7.15.
  [ATTRIBUTE.ipv6ExtendedCommunities, {
    name: 'IPv6 EXTENDED_COMMUNITIES', flags: OPTIONAL_TRANSITIVE, fault: multipleOf(20), ...withdraw,
  }],
  // RFC 7311 sections 3 and 3.2.
  [ATTRIBUTE.aigp, {
    name: 'AIGP', flags: OPTIONAL_NON_TRANSITIVE, fault: aigpFault, ...discard, flagsOutcome: 'attribute-discard',
  }],
  // RFC 9552 section 8.2.2.
  [ATTRIBUTE.linkState, { name: 'BGP-LS', flags: OPTIONAL_NON_TRANSITIVE, fault: linkStateFault, ...discard }],
  // RFC 8092 section 6.
  [ATTRIBUTE.largeCommunities, { name: 'LARGE_COMMUNITY', flags: OPTIONAL_TRANSITIVE, fault: multipleOf(12), ...withdraw }],
  // RFC 9234 section 5.
  [ATTRIBUTE.onlyToCustomer, { name: 'ONLY_TO_CUSTOMER', flags: OPTIONAL_TRANSITIVE, fault: onlyToCustomerFault, ...withdraw }],
  // RFC 8669 section 6.
  [ATTRIBUTE.prefixSid, { name: 'BGP Prefix-SID', flags: OPTIONAL_TRANSITIVE, fault: prefixSidFault, ...discard }],
]);

function lengthOf(length: number): AttributeRule['fault'] {
  return (value) => (value.length === length ? null : `it has ${value.length} octets, not ${length}`);
}

function multipleOf(length: number): AttributeRule['fault'] {
  return (value) => {
    const isWhole = value.length > 0 && value.length % length === 0;
    return isWhole ? null : `${value.length} octets are no whole number of entries of ${length}`;
  };
}

function originFault(value: Uint8Array): string | null {
  if (value.length !== 1) return `it has ${value.length} octets, not 1`;
  const origin = value[0] ?? 0;
  return origin <= ORIGIN_INCOMPLETE ? null : `its value is ${origin}`;
}

/** With all NLRI in MP_REACH_NLRI it counts for nothing (RFC 4760 section 3), so only its length is looked at. */
function nextHopFault(value: Uint8Array, { hasClassicNlri }: AttributeContext): string | null {
  if (value.length !== 4) return `it has ${value.length} octets, not 4`;
  const first = value[0] ?? 0;
  const isRouter = read32(value, 0) !== 0 && first !== LOOPBACK_OCTET && first < FIRST_GROUP_OCTET;
  return isRouter || !hasClassicNlri ? null : `${value.join('.')} is no router's address`;
}

function pathFault(value: Uint8Array, { options }: AttributeContext): string | null {
  return asPathFault(value, options);
}

function path4Fault(value: Uint8Array, { options }: AttributeContext): string | null {
  return as4PathFault(value, options);
}

function aggregatorFault(value: Uint8Array, { options }: AttributeContext): string | null {
  const length = options.fourOctetAsn ? 8 : 6;
  if (value.length !== length) return `it has ${value.length} octets, not ${length}`;
  const asn = options.fourOctetAsn ? read32(value, 0) : read16(value, 0);
  return asn === 0 ? 'it has AS 0' : null;
}

function as4AggregatorFault(value: Uint8Array, { options }: AttributeContext): string | null {
  if (options.fourOctetAsn) return 'it is not for sessions with AS numbers of four octets';
  if (value.length !== 8) return `it has ${value.length} octets, not 8`;
  return read32(value, 0) === 0 ? 'it has AS 0' : null;
}

function onlyToCustomerFault(value: Uint8Array): string | null {
  if (value.length !== 4) return `it has ${value.length} octets, not 4`;
  return read32(value, 0) === 0 ? 'it has AS 0' : null;
}
