import { ARP_FRAME_LENGTH, ARP_SENDER_IP, ARP_TARGET_IP, decodeArp, isArpProbe } from './arp.ts';
import { answer } from './answer.ts';
import { seeForeignUse } from './conflict.ts';
import { etherKind } from './ethernet.ts';
import type { IgnoredReason } from './ignoredReason.ts';
import { BROADCAST_MAC, macNumber } from './macAddress.ts';
import { NDP_FRAME_LENGTH, NDP_IP_SOURCE, NDP_TARGET, decodeNdp, type NeighborAdvertisement, type NeighborSolicitation } from './ndp.ts';
import type { Outbox } from './outbox.ts';
import type { ReplyLimit } from './replyLimit.ts';
import { seeOwnFrame } from './twins.ts';
import type { L2Link, VipLink } from './vip.ts';

/** What is needed to judge a frame. */
export interface ReceiveContext {
  readonly link: L2Link;
  readonly nowMs: number;
  /** Is it the address (`macNumber`) of an interface of this machine? */
  readonly isOwnMac: (mac: number) => boolean;
  readonly limit: ReplyLimit;
  readonly outbox: Outbox;
}

const IPV4_LENGTH = 4;
const IPV6_LENGTH = 16;
const BROADCAST = macNumber(BROADCAST_MAC);
/** First octets of the Ethernet addresses of IPv6 groups (RFC 2464 section 7). */
const IPV6_GROUP = 0x3333;

/**
 * Does what a frame demands. Answers why it demands nothing, or null. Whether it is about a VIP of this interface is asked
 * before all else, as nearly no frame is.
 */
export function receive(frame: Uint8Array, context: ReceiveContext): IgnoredReason | null {
  const kind = etherKind(frame);
  if (kind.type === 'ignored') return kind.reason;
  return kind.type === 'arp' ? receiveArp(frame, context) : receiveNdp(frame, context);
}

function receiveArp(frame: Uint8Array, context: ReceiveContext): IgnoredReason | null {
  if (frame.length < ARP_FRAME_LENGTH) return 'short';
  const { link } = context;
  const asked = link.vips.find(frame, ARP_TARGET_IP, IPV4_LENGTH);
  const used = link.vips.find(frame, ARP_SENDER_IP, IPV4_LENGTH);
  if (asked === null && used === null) return 'notOurs';
  const message = decodeArp(frame);
  if (message.type === 'ignored') return message.reason;
  if (isOwn(context, message.ethernetSource) || isOwn(context, message.senderMac)) {
    if (used !== null) seeOwnFrame(used, message.ethernetSource, context.nowMs);
    return 'ownFrame';
  }
  const destination = macNumber(frame);
  if (destination !== BROADCAST && destination !== macNumber(link.mac)) return 'destination';
  if (used !== null) {
    seeForeignUse(used, message.senderMac, context);
    return null;
  }
  if (asked === null || message.opcode === 'reply') return 'reply';
  const { senderMac: mac, senderIp: ip } = message;
  return answer(asked, { mac, ip, identity: ip, isDetection: isArpProbe(message) }, context);
}

function receiveNdp(frame: Uint8Array, context: ReceiveContext): IgnoredReason | null {
  if (frame.length < NDP_FRAME_LENGTH) return 'short';
  const { link } = context;
  const target = link.vips.find(frame, NDP_TARGET, IPV6_LENGTH);
  const used = link.vips.find(frame, NDP_IP_SOURCE, IPV6_LENGTH);
  if (target === null && used === null) return 'notOurs';
  const message = decodeNdp(frame);
  if (message.type === 'ignored') return message.reason;
  const mac = speakerOf(message);
  if (isOwn(context, message.ethernetSource) || isOwn(context, mac)) {
    if (target !== null && message.type === 'advertisement') seeOwnFrame(target, message.ethernetSource, context.nowMs);
    return 'ownFrame';
  }
  const destination = macNumber(frame);
  if (destination !== macNumber(link.mac) && Math.floor(destination / 2 ** 32) !== IPV6_GROUP) return 'destination';
  const foreign = message.type === 'advertisement' ? (target ?? used) : used;
  if (foreign !== null) seeForeignUse(foreign, mac, context);
  if (message.type === 'advertisement' || foreign !== null || target === null) return null;
  return solicited(target, message, context);
}

/** Where there is no option, the frame says where its sender is: reachability probes come so (RFC 4861 section 4.3). */
function speakerOf(message: NeighborSolicitation | NeighborAdvertisement): Uint8Array {
  const option = message.type === 'solicitation' ? message.sourceLinkLayer : message.targetLinkLayer;
  return option ?? message.ethernetSource;
}

function solicited(on: VipLink, message: NeighborSolicitation, context: ReceiveContext): IgnoredReason | null {
  const mac = speakerOf(message);
  if (message.duplicateDetection) on.vip.detectedMs = context.nowMs;
  return answer(on, { mac, ip: message.sourceIp, identity: mac, isDetection: message.duplicateDetection }, context);
}

function isOwn(context: ReceiveContext, mac: Uint8Array): boolean {
  return context.isOwnMac(macNumber(mac));
}
