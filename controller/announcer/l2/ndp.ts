import { ETHERNET_LENGTH, ETHERNET_SOURCE, etherKind } from './ethernet.ts';
import { icmpv6Sum } from './icmpv6Checksum.ts';
import { ignored, type Ignored, type IgnoredReason } from './ignoredReason.ts';
import { MAC_LENGTH, isMulticastMac } from './macAddress.ts';
import { isSolicitedNodeGroup } from './solicitedNode.ts';

/** Neighbour discovery (RFC 4861) as it is in a frame; the encoders are in encodeNdp.ts. Offsets are into the frame. */
export const NDP_IP_SOURCE = 22;
export const NDP_IP_DESTINATION = 38;
export const NDP_ICMP = ETHERNET_LENGTH + 40;
export const NDP_TARGET = NDP_ICMP + 8;
/** Octets of a message without options, in its frame. */
export const NDP_FRAME_LENGTH = NDP_ICMP + 24;
export const NDP_OPTIONS = NDP_FRAME_LENGTH;

export const NEIGHBOR_SOLICITATION = 135;
export const NEIGHBOR_ADVERTISEMENT = 136;
export const SOURCE_LINK_LAYER = 1;
export const TARGET_LINK_LAYER = 2;
export const FLAG_ROUTER = 0x80;
export const FLAG_SOLICITED = 0x40;
export const FLAG_OVERRIDE = 0x20;
export const NEXT_HEADER_ICMPV6 = 58;
/** What no router passes on has it still: the sender is on this link. */
export const NDP_HOP_LIMIT = 255;

const IP_LENGTH = 18;
const MINIMUM_LENGTH = 24;
const OPTION_UNIT = 8;

interface NdpFields {
  readonly ethernetDestination: Uint8Array;
  readonly ethernetSource: Uint8Array;
  readonly sourceIp: Uint8Array;
  readonly destinationIp: Uint8Array;
  readonly target: Uint8Array;
}

/** Who has `target`? All octets are views of the frame. */
export interface NeighborSolicitation extends NdpFields {
  readonly type: 'solicitation';
  readonly sourceLinkLayer: Uint8Array | null;
  /** Duplicate address detection: the source address is unspecified (RFC 4862 section 5.4.3). */
  readonly duplicateDetection: boolean;
}

/** `target` is at `targetLinkLayer`. */
export interface NeighborAdvertisement extends NdpFields {
  readonly type: 'advertisement';
  readonly targetLinkLayer: Uint8Array | null;
  readonly router: boolean;
  readonly solicited: boolean;
  readonly override: boolean;
}

export type NdpMessage = NeighborSolicitation | NeighborAdvertisement;

/**
 * Reads a neighbour solicitation or advertisement; every rule of RFC 4861 sections 7.1.1 and 7.1.2 is checked. All else
 * is ignored: router solicitations and advertisements, redirects, and messages behind extension headers (nobody sends
 * such, and a fragment must be ignored: RFC 6980).
 */
export function decodeNdp(frame: Uint8Array): NdpMessage | Ignored {
  const kind = etherKind(frame);
  if (kind.type === 'ignored') return kind;
  if (kind.type !== 'ipv6') return ignored('etherType');
  const reason = brokenHeader(frame) ?? brokenMessage(frame);
  if (reason !== null) return ignored(reason);
  const end = NDP_ICMP + read16(frame, IP_LENGTH);
  const solicitation = frame[NDP_ICMP] === NEIGHBOR_SOLICITATION;
  const option = findLinkLayer(frame, end, solicitation ? SOURCE_LINK_LAYER : TARGET_LINK_LAYER);
  if (option === 'broken') return ignored('option');
  if (option !== null && isMulticastMac(option)) return ignored('senderMac');
  return solicitation ? solicitationOf(frame, option) : advertisementOf(frame, option);
}

function brokenHeader(frame: Uint8Array): IgnoredReason | null {
  if (frame.length < NDP_ICMP + OPTION_UNIT) return 'short';
  if ((frame[ETHERNET_LENGTH] ?? 0) >> 4 !== 6) return 'ipVersion';
  if (frame[20] !== NEXT_HEADER_ICMPV6) return 'nextHeader';
  const type = frame[NDP_ICMP];
  if (type !== NEIGHBOR_SOLICITATION && type !== NEIGHBOR_ADVERTISEMENT) return 'icmpType';
  if (frame[21] !== NDP_HOP_LIMIT) return 'hopLimit';
  if (frame[NDP_ICMP + 1] !== 0) return 'icmpCode';
  const length = read16(frame, IP_LENGTH);
  if (length < MINIMUM_LENGTH) return 'icmpLength';
  if (NDP_ICMP + length > frame.length) return 'ipLength';
  return null;
}

function brokenMessage(frame: Uint8Array): IgnoredReason | null {
  if (isMulticastMac(frame, ETHERNET_SOURCE)) return 'senderMac';
  if (frame[NDP_IP_SOURCE] === 0xff) return 'multicastSource';
  if (frame[NDP_TARGET] === 0xff) return 'multicastTarget';
  const place = { addressesAt: NDP_IP_SOURCE, messageAt: NDP_ICMP, length: read16(frame, IP_LENGTH) };
  return icmpv6Sum(frame, place) === 0xffff ? null : 'checksum';
}

/** The link-layer address of the first option of `type`; all options are walked, as one of length zero spoils the message. */
function findLinkLayer(frame: Uint8Array, end: number, type: number): Uint8Array | null | 'broken' {
  let found: Uint8Array | null = null;
  let at = NDP_OPTIONS;
  while (at < end) {
    const length = (frame[at + 1] ?? 0) * OPTION_UNIT;
    if (at + 1 >= end || length === 0 || at + length > end) return 'broken';
    // An option of another length holds the address of another kind of link.
    if (frame[at] === type && length !== OPTION_UNIT) return 'broken';
    if (frame[at] === type) found ??= frame.subarray(at + 2, at + 2 + MAC_LENGTH);
    at += length;
  }
  return found;
}

function solicitationOf(frame: Uint8Array, sourceLinkLayer: Uint8Array | null): NeighborSolicitation | Ignored {
  const duplicateDetection = isUnspecified(frame, NDP_IP_SOURCE);
  if (duplicateDetection && (sourceLinkLayer !== null || !isSolicitedNodeGroup(frame, NDP_IP_DESTINATION))) {
    return ignored('unspecifiedSource');
  }
  return { type: 'solicitation', ...fieldsOf(frame), sourceLinkLayer, duplicateDetection };
}

function advertisementOf(frame: Uint8Array, targetLinkLayer: Uint8Array | null): NeighborAdvertisement | Ignored {
  if (isUnspecified(frame, NDP_IP_SOURCE)) return ignored('unspecifiedSource');
  const flags = frame[NDP_ICMP + 4] ?? 0;
  const solicited = (flags & FLAG_SOLICITED) !== 0;
  if (solicited && frame[NDP_IP_DESTINATION] === 0xff) return ignored('solicitedMulticast');
  const router = (flags & FLAG_ROUTER) !== 0;
  return { type: 'advertisement', ...fieldsOf(frame), targetLinkLayer, router, solicited, override: (flags & FLAG_OVERRIDE) !== 0 };
}

function fieldsOf(frame: Uint8Array): NdpFields {
  return {
    ethernetDestination: frame.subarray(0, ETHERNET_SOURCE),
    ethernetSource: frame.subarray(ETHERNET_SOURCE, ETHERNET_SOURCE + MAC_LENGTH),
    sourceIp: frame.subarray(NDP_IP_SOURCE, NDP_IP_DESTINATION),
    destinationIp: frame.subarray(NDP_IP_DESTINATION, NDP_ICMP),
    target: frame.subarray(NDP_TARGET, NDP_TARGET + 16),
  };
}

function isUnspecified(frame: Uint8Array, offset: number): boolean {
  for (let at = offset; at < offset + 16; at += 1) if (frame[at] !== 0) return false;
  return true;
}

function read16(octets: Uint8Array, offset: number): number {
  return ((octets[offset] ?? 0) << 8) | (octets[offset + 1] ?? 0);
}
