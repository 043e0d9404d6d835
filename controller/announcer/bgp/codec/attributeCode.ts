/** Path attribute type codes (IANA's registry "BGP Path Attributes"): those that are sent or looked at. */
export const ATTRIBUTE = {
  /** RFC 4271 section 5.1.1. */
  origin: 1,
  /** RFC 4271 section 5.1.2. */
  asPath: 2,
  /** RFC 4271 section 5.1.3. */
  nextHop: 3,
  /** RFC 4271 section 5.1.4. */
  multiExitDisc: 4,
  /** RFC 4271 section 5.1.5. */
  localPref: 5,
  /** RFC 4271 section 5.1.6. */
  atomicAggregate: 6,
  /** RFC 4271 section 5.1.7. */
  aggregator: 7,
  /** RFC 1997. */
  communities: 8,
  /** RFC 4456 section 8. */
  originatorId: 9,
  /** RFC 4456 section 8. */
  clusterList: 10,
  /** RFC 4760 section 3. */
  mpReach: 14,
  /** RFC 4760 section 4. */
  mpUnreach: 15,
  /** RFC 4360 section 2. */
  extendedCommunities: 16,
  /** RFC 6793 section 3. */
  as4Path: 17,
  /** RFC 6793 section 3. */
  as4Aggregator: 18,
  /** RFC 5701 section 2. */
  ipv6ExtendedCommunities: 25,
  /** RFC 7311 section 3. */
  aigp: 26,
  /** RFC 9552 section 5.3. */
  linkState: 29,
  /** RFC 8092 section 3. */
  largeCommunities: 32,
  /** RFC 9234 section 5. */
  onlyToCustomer: 35,
  /** RFC 8669 section 3. */
  prefixSid: 40,
} as const;

/** Attribute Flags (RFC 4271 section 4.3). */
export const OPTIONAL_FLAG = 0x80;
export const TRANSITIVE_FLAG = 0x40;
export const EXTENDED_LENGTH_FLAG = 0x10;

/** Flags by kind (RFC 4271 section 5). */
export const WELL_KNOWN = TRANSITIVE_FLAG;
export const OPTIONAL_TRANSITIVE = OPTIONAL_FLAG | TRANSITIVE_FLAG;
export const OPTIONAL_NON_TRANSITIVE = OPTIONAL_FLAG;

/** Path segment types of AS_PATH (RFC 4271 section 4.3; confederations: RFC 5065 section 3). */
export const AS_SET = 1;
export const AS_SEQUENCE = 2;
export const AS_CONFED_SEQUENCE = 3;
export const AS_CONFED_SET = 4;
