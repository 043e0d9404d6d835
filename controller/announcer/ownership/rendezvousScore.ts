/**
 * 32-bit hash of a node name or an address: FNV-1a over its characters, then MurmurHash3's finaliser, since FNV alone leaves the
 * high bits of short texts poor. The same on every node; no secret, and not against collisions on purpose.
 */
export function ownershipHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return mix32(hash);
}

/**
 * What a node bids for an address, 0 to 2³² - 1: who bids most owns it (highest random weight, Thaler and Ravishankar 1998). Both
 * arguments come from `ownershipHash`. All nodes of a cluster must bid alike: to change this moves VIPs, and during an upgrade
 * gives some of them two owners.
 */
export function rendezvousScore(nodeHash: number, addressHash: number): number {
  return mix32(mix32((addressHash + 0x9e3779b9) | 0) ^ nodeHash);
}

function mix32(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
