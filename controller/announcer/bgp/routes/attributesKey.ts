import type { PathAttributes } from '../codec/message.ts';

/** Attributes do not change, and many routes share them: each is written out once. */
const keys = new WeakMap<PathAttributes, string>();

/** Text that is equal for equal attributes, and for those alone. */
export function attributesKey(attributes: PathAttributes): string {
  const known = keys.get(attributes);
  if (known !== undefined) return known;
  const { origin, asPath, nextHop, linkLocalNextHop, med, localPref, communities, largeCommunities, linkBandwidth, onlyToCustomer } = attributes;
  const bandwidth = linkBandwidth === null ? null : [linkBandwidth.asn, linkBandwidth.octetsPerSecond, linkBandwidth.transitive];
  const key = JSON.stringify([origin, asPath, nextHop, linkLocalNextHop, med, localPref, communities, largeCommunities, bandwidth, onlyToCustomer]);
  keys.set(attributes, key);
  return key;
}
