import { icmpv6Sum } from '../icmpv6Checksum.ts';
import { NDP_ICMP, NDP_IP_SOURCE } from '../ndp.ts';

/** For tests: a copy with these octets at these offsets. */
export function withOctets(frame: Uint8Array, changes: Readonly<Record<number, readonly number[]>>): Uint8Array {
  const copy = Uint8Array.from(frame);
  for (const [offset, octets] of Object.entries(changes)) copy.set(octets, Number(offset));
  return copy;
}

/** For tests: the same with a right ICMPv6 checksum, so that the rule that is broken is the one that was meant. */
export function withNdpOctets(frame: Uint8Array, changes: Readonly<Record<number, readonly number[]>>): Uint8Array {
  return sealNdp(withOctets(frame, changes));
}

/** For tests: `frame` with these octets of options behind it, its IPv6 length and checksum right. */
export function withOptions(frame: Uint8Array, options: readonly number[]): Uint8Array {
  const copy = Uint8Array.from([...frame.subarray(0, NDP_ICMP + 24), ...options]);
  copy[19] = 24 + options.length;
  return sealNdp(copy);
}

function sealNdp(frame: Uint8Array): Uint8Array {
  frame.set([0, 0], NDP_ICMP + 2);
  const length = ((frame[18] ?? 0) << 8) | (frame[19] ?? 0);
  const checksum = ~icmpv6Sum(frame, { addressesAt: NDP_IP_SOURCE, messageAt: NDP_ICMP, length }) & 0xffff;
  frame.set([checksum >> 8, checksum & 0xff], NDP_ICMP + 2);
  return frame;
}
