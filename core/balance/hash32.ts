/**
 * 32-bit hash of a text (FNV-1a over its characters, then MurmurHash3's finaliser, since FNV alone leaves the high bits
 * of short texts poor). The same in every worker and on every node; not a secret, not against collisions on purpose.
 */
export function hash32(text: string, seed: number): number {
  let hash = (0x811c9dc5 ^ seed) | 0;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return mix32(hash);
}

/** Spreads every bit of `value` over all 32 (MurmurHash3 fmix32). */
export function mix32(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
