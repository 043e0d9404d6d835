import { NDP_ICMP } from '../ndp.ts';
import { withNdpOctets } from './spoilFrame.ts';

/** Octets and words that break parsers: limits of lengths, types, groups. */
const TOKENS: readonly (readonly number[])[] = [
  [0], [1], [0x7f], [0x80], [0xff], [0, 0], [0xff, 0xff], [0x81, 0], [0x08, 0x06], [0x86, 0xdd], [1, 0], [1, 1], [2, 1], [14, 0], [135], [136],
];
const MOST_CHANGES = 4;
const IPV6_HIGH_OCTET = 0x86;

/** For tests: one to four changes: octets replaced, cut off, put in, doubled; every other IPv6 frame gets a right checksum again. */
export function mutateFrame(frame: Uint8Array, random: () => number): Uint8Array {
  let mutated = frame;
  for (let changes = 1 + integer(random, MOST_CHANGES); changes > 0; changes -= 1) mutated = change(mutated, random);
  if (mutated.length < NDP_ICMP + 4 || mutated[12] !== IPV6_HIGH_OCTET || random() < 0.5) return mutated;
  return withNdpOctets(mutated, {});
}

function change(frame: Uint8Array, random: () => number): Uint8Array {
  const at = integer(random, frame.length + 1);
  const token = TOKENS[integer(random, TOKENS.length)] ?? [];
  switch (integer(random, 5)) {
    case 0:
      return frame.slice(0, at);
    case 1:
      return Uint8Array.from([...frame.subarray(0, at), ...token, ...frame.subarray(at)]);
    case 2:
      return Uint8Array.from([...frame.subarray(0, at), ...token, ...frame.subarray(at + token.length)]);
    case 3:
      return Uint8Array.from([...frame, ...frame.subarray(at)]);
    default:
      return Uint8Array.from(frame, (octet, index) => (index === at ? octet ^ (1 << integer(random, 8)) : octet));
  }
}

function integer(random: () => number, below: number): number {
  return Math.floor(random() * below);
}
