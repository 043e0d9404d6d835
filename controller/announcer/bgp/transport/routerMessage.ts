import { parseIpAddress, printIpAddress } from '../../../../core/net/ipAddress.ts';
import { ETHERNET_LENGTH, ETHERNET_SOURCE, etherKind, ETHERTYPE_IPV6, writeEthernet } from '../../l2/ethernet.ts';
import { icmpv6Sum } from '../../l2/icmpv6Checksum.ts';
import { isMulticastMac, MAC_LENGTH } from '../../l2/macAddress.ts';
import { ALL_NODES, groupMac } from '../../l2/solicitedNode.ts';

/**
 * Router solicitations and advertisements (RFC 4861 sections 4.1 and 4.2) in Ethernet frames, as far as two BGP speakers on one link
 * find each other by them: who it is from. What an advertisement says of prefixes and routes is for others.
 */
export interface RouterMessage {
  readonly type: 'solicitation' | 'advertisement';
  readonly mac: Uint8Array;
  /** Canonical; a solicitation may be from `::`. */
  readonly address: string;
}

/** RFC 4861 sections 4.1 and 4.2. */
export const ROUTER_SOLICITATION = 133;
export const ROUTER_ADVERTISEMENT = 134;
/** ff02::2, all routers on the link. */
export const ALL_ROUTERS: Uint8Array = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);

const NEXT_HEADER_ICMPV6 = 58;
/** What no router passes on has it still: the sender is on this link (RFC 4861 section 6.1). */
const HOP_LIMIT = 255;
const PAYLOAD_LENGTH_AT = 18;
const NEXT_HEADER_AT = 20;
const HOP_LIMIT_AT = 21;
const SOURCE_AT = 22;
const DESTINATION_AT = 38;
const ICMP_AT = ETHERNET_LENGTH + 40;
/** Octets before options. */
const HEADER_LENGTH = { solicitation: 8, advertisement: 16 } as const;
const SOURCE_LINK_LAYER = 1;
const OPTION_UNIT = 8;
const TYPES = { solicitation: ROUTER_SOLICITATION, advertisement: ROUTER_ADVERTISEMENT } as const;

/** Reads one; null for anything else, and for what RFC 4861 section 6.1 has thrown away. */
export function decodeRouterMessage(frame: Uint8Array): RouterMessage | null {
  if (etherKind(frame).type !== 'ipv6' || frame.length < ICMP_AT + OPTION_UNIT || (frame[ETHERNET_LENGTH] ?? 0) >> 4 !== 6) return null;
  if (frame[NEXT_HEADER_AT] !== NEXT_HEADER_ICMPV6 || frame[HOP_LIMIT_AT] !== HOP_LIMIT || frame[ICMP_AT + 1] !== 0) return null;
  const type = frame[ICMP_AT] === ROUTER_ADVERTISEMENT ? 'advertisement' : frame[ICMP_AT] === ROUTER_SOLICITATION ? 'solicitation' : null;
  const length = ((frame[PAYLOAD_LENGTH_AT] ?? 0) << 8) | (frame[PAYLOAD_LENGTH_AT + 1] ?? 0);
  if (type === null || length < HEADER_LENGTH[type] || ICMP_AT + length > frame.length) return null;
  if (!hasWholeOptions(frame, ICMP_AT + HEADER_LENGTH[type], ICMP_AT + length)) return null;
  if (icmpv6Sum(frame, { addressesAt: SOURCE_AT, messageAt: ICMP_AT, length }) !== 0xffff) return null;
  const source = frame.subarray(SOURCE_AT, DESTINATION_AT);
  const address = printAddress(source);
  const isFromHost = isLinkLocal(source) || (type === 'solicitation' && address === '::');
  if (!isFromHost || isMulticastMac(frame, ETHERNET_SOURCE)) return null;
  return { type, mac: frame.slice(ETHERNET_SOURCE, ETHERNET_SOURCE + MAC_LENGTH), address };
}

/** Who sends it, and to whom; null: to all nodes, or with a solicitation to all routers. */
export interface RouterMessageEnds {
  readonly from: { readonly mac: Uint8Array; readonly address: string };
  readonly to: { readonly mac: Uint8Array; readonly address: string } | null;
}

/** An advertisement says `I am here` and nothing more: its router lifetime of 0 means that it is no way to anywhere. */
export function encodeRouterMessage(type: RouterMessage['type'], { from, to }: RouterMessageEnds): Uint8Array {
  const length = HEADER_LENGTH[type] + OPTION_UNIT;
  const frame = new Uint8Array(ICMP_AT + length);
  const group = type === 'solicitation' ? ALL_ROUTERS : ALL_NODES;
  writeEthernet(frame, to?.mac ?? groupMac(group), from.mac, ETHERTYPE_IPV6);
  frame.set([0x60, 0, 0, 0, 0, length, NEXT_HEADER_ICMPV6, HOP_LIMIT], ETHERNET_LENGTH);
  frame.set(octetsOf(from.address), SOURCE_AT);
  frame.set(to === null ? group : octetsOf(to.address), DESTINATION_AT);
  frame[ICMP_AT] = TYPES[type];
  frame.set([SOURCE_LINK_LAYER, 1], ICMP_AT + HEADER_LENGTH[type]);
  frame.set(from.mac.subarray(0, MAC_LENGTH), ICMP_AT + HEADER_LENGTH[type] + 2);
  const checksum = ~icmpv6Sum(frame, { addressesAt: SOURCE_AT, messageAt: ICMP_AT, length }) & 0xffff;
  frame.set([checksum >> 8, checksum & 0xff], ICMP_AT + 2);
  return frame;
}

/** One of length zero spoils the message (RFC 4861 section 6.1.2). */
function hasWholeOptions(frame: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const length = (frame[at + 1] ?? 0) * OPTION_UNIT;
    if (at + 1 >= end || length === 0 || at + length > end) return false;
    at += length;
  }
  return true;
}

/** fe80::/10. */
function isLinkLocal(octets: Uint8Array): boolean {
  return octets[0] === 0xfe && ((octets[1] ?? 0) & 0xc0) === 0x80;
}

function printAddress(octets: Uint8Array): string {
  return printIpAddress({ family: 'IPv6', value: BigInt(`0x${Buffer.from(octets).toString('hex')}`) });
}

function octetsOf(text: string): Uint8Array {
  const address = parseIpAddress(text);
  if (address?.family !== 'IPv6') throw new TypeError(`a router message is between IPv6 addresses (got ${JSON.stringify(text)})`);
  return new Uint8Array(Buffer.from(address.value.toString(16).padStart(32, '0'), 'hex'));
}
