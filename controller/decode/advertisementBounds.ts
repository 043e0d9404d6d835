/** Most entries of one list in an advertisement; the bounds of our CRDs. */
export const ADVERTISEMENT_BOUNDS = { pools: 1000, interfaces: 64, preferences: 64, communities: 64, peers: 256 } as const;

/** Entries of one Community object. */
export const MAX_COMMUNITIES = 1000;

/** Characters of the name of a community. */
export const COMMUNITY_NAME_CHARS = 253;
