/** Octets and words that break parsers: limits of lengths, types, attributes that need other hands. */
const TOKENS: readonly (readonly number[])[] = [
  [0], [1], [2], [4], [0x10], [0x40], [0x7f], [0x80], [0xc0], [0xff], [0, 0], [0xff, 0xff], [0x10, 0], [255, 255, 0], [2, 0], [0x40, 1, 1, 0],
  [0x40, 2, 0], [0x80, 14], [0x90, 15, 0xff, 0xff], [0xc0, 17, 0], [65, 4], [69, 4, 0, 1, 1], [33], [129], [0, 1, 1], [0, 2, 1],
];
const MOST_CHANGES = 4;
const LENGTH_OFFSET = 16;
const HEADER_LENGTH = 19;

/**
 * For tests: one to four changes: octets replaced, cut off, put in, doubled. Nine of ten get a right marker and length again, as others
 * end at the header.
 */
export function mutateMessage(message: Uint8Array, random: () => number): Uint8Array {
  let mutated = message;
  for (let changes = 1 + below(random, MOST_CHANGES); changes > 0; changes -= 1) mutated = change(mutated, random);
  if (mutated.length < HEADER_LENGTH || random() < 0.1) return mutated;
  const mended = Uint8Array.from(mutated).fill(0xff, 0, LENGTH_OFFSET);
  mended[LENGTH_OFFSET] = mended.length >> 8;
  mended[LENGTH_OFFSET + 1] = mended.length & 0xff;
  return mended;
}

function change(octets: Uint8Array, random: () => number): Uint8Array {
  const at = below(random, octets.length + 1);
  const token = Uint8Array.from(TOKENS[below(random, TOKENS.length)] ?? []);
  switch (below(random, 5)) {
    case 0:
      return octets.subarray(0, at);
    case 1:
      return Buffer.concat([octets.subarray(0, at), token, octets.subarray(at)]);
    case 2:
      return Buffer.concat([octets.subarray(0, at), token, octets.subarray(at + token.length)]);
    case 3:
      return Buffer.concat([octets, octets.subarray(at)]);
    default:
      return at === octets.length ? octets : Uint8Array.from(octets).with(at, below(random, 256));
  }
}

/** For tests: an integer from 0 on. */
export function below(random: () => number, limit: number): number {
  return Math.floor(random() * limit);
}
