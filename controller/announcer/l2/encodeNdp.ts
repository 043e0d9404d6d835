import { ETHERTYPE_IPV6, writeEthernet } from './ethernet.ts';
import { icmpv6Sum } from './icmpv6Checksum.ts';
import {
  FLAG_OVERRIDE, FLAG_SOLICITED, NDP_FRAME_LENGTH, NDP_HOP_LIMIT, NDP_ICMP, NDP_IP_DESTINATION, NDP_IP_SOURCE, NDP_OPTIONS, NDP_TARGET,
  NEIGHBOR_ADVERTISEMENT, NEIGHBOR_SOLICITATION, NEXT_HEADER_ICMPV6, SOURCE_LINK_LAYER, TARGET_LINK_LAYER,
} from './ndp.ts';
import { ALL_NODES, groupMac, solicitedNodeGroup } from './solicitedNode.ts';

const LINK_LAYER_OPTION_LENGTH = 8;
const UNSPECIFIED: Uint8Array = new Uint8Array(16);

/** Who speaks, and about which address: a VIP of 16 octets. */
export interface NdpSpeaker {
  readonly mac: Uint8Array;
  readonly ip: Uint8Array;
}

/** Where a message goes: an Ethernet and an IPv6 address. */
export interface NdpDestination {
  readonly mac: Uint8Array;
  readonly ip: Uint8Array;
}

/** All nodes on the link. */
export const TO_ALL_NODES: NdpDestination = { mac: groupMac(ALL_NODES), ip: ALL_NODES };

/**
 * `speaker.ip` is at `speaker.mac`, sent from that very address: it is the speaker's, and needs no other on the
 * interface. The target link-layer option is always there, as answers to multicast solicitations must have it. The
 * router flag is never set: clients keep no routes through a VIP.
 */
export function encodeAdvertisement(
  speaker: NdpSpeaker,
  to: NdpDestination,
  flags: { readonly solicited: boolean; readonly override: boolean },
): Uint8Array {
  const frame = begin({ type: NEIGHBOR_ADVERTISEMENT, mac: speaker.mac, source: speaker.ip, to, target: speaker.ip }, true);
  frame[NDP_ICMP + 4] = (flags.solicited ? FLAG_SOLICITED : 0) | (flags.override ? FLAG_OVERRIDE : 0);
  writeLinkLayer(frame, TARGET_LINK_LAYER, speaker.mac);
  return seal(frame);
}

/** Unsolicited, to everybody: entries that exist are replaced (RFC 4861 section 7.2.6). */
export function encodeUnsolicitedAdvertisement(speaker: NdpSpeaker): Uint8Array {
  return encodeAdvertisement(speaker, TO_ALL_NODES, { solicited: false, override: true });
}

/** Who has `target`? To its solicited-node group, or to `to`; without source link-layer option as reachability probes may be. */
export function encodeSolicitation(
  speaker: NdpSpeaker,
  target: Uint8Array,
  { to = groupOf(target), linkLayer = true }: { readonly to?: NdpDestination; readonly linkLayer?: boolean } = {},
): Uint8Array {
  const frame = begin({ type: NEIGHBOR_SOLICITATION, mac: speaker.mac, source: speaker.ip, to, target }, linkLayer);
  if (linkLayer) writeLinkLayer(frame, SOURCE_LINK_LAYER, speaker.mac);
  return seal(frame);
}

/** Has anybody `target`? From the unspecified address (RFC 4862 section 5.4.2). */
export function encodeDuplicateDetection(mac: Uint8Array, target: Uint8Array): Uint8Array {
  return encodeSolicitation({ mac, ip: UNSPECIFIED }, target, { linkLayer: false });
}

function groupOf(target: Uint8Array): NdpDestination {
  const ip = solicitedNodeGroup(target);
  return { mac: groupMac(ip), ip };
}

interface NdpHead {
  readonly type: number;
  readonly mac: Uint8Array;
  readonly source: Uint8Array;
  readonly to: NdpDestination;
  readonly target: Uint8Array;
}

function begin(head: NdpHead, withOption: boolean): Uint8Array {
  const frame = new Uint8Array(NDP_FRAME_LENGTH + (withOption ? LINK_LAYER_OPTION_LENGTH : 0));
  writeEthernet(frame, head.to.mac, head.mac, ETHERTYPE_IPV6);
  frame.set([0x60, 0, 0, 0, 0, frame.length - NDP_ICMP, NEXT_HEADER_ICMPV6, NDP_HOP_LIMIT], 14);
  frame.set(head.source, NDP_IP_SOURCE);
  frame.set(head.to.ip, NDP_IP_DESTINATION);
  frame[NDP_ICMP] = head.type;
  frame.set(head.target, NDP_TARGET);
  return frame;
}

function writeLinkLayer(frame: Uint8Array, type: number, mac: Uint8Array): void {
  frame.set([type, 1], NDP_OPTIONS);
  frame.set(mac, NDP_OPTIONS + 2);
}

function seal(frame: Uint8Array): Uint8Array {
  const place = { addressesAt: NDP_IP_SOURCE, messageAt: NDP_ICMP, length: frame.length - NDP_ICMP };
  const checksum = ~icmpv6Sum(frame, place) & 0xffff;
  frame[NDP_ICMP + 2] = checksum >> 8;
  frame[NDP_ICMP + 3] = checksum & 0xff;
  return frame;
}
