import type { CodecOptions, PathAttributes } from '../message.ts';

/** For tests: what two speakers of today agree on. */
export const MODERN_CODEC: CodecOptions = {
  fourOctetAsn: true, extendedMessages: false, addPathSend: [], addPathReceive: [], families: ['ipv4', 'ipv6'], internal: false,
};

/** For tests: attributes of an ordinary route of IPv4. */
export const PLAIN_ATTRIBUTES: PathAttributes = {
  origin: 'igp', asPath: [64_512], nextHop: '192.0.2.1', linkLocalNextHop: null, med: null, localPref: null, communities: [], largeCommunities: [],
  linkBandwidth: null, onlyToCustomer: null,
};
