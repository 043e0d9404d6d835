import { ETHERNET_LENGTH, ETHERNET_SOURCE, ETHERTYPE_ARP, etherKind, writeEthernet } from './ethernet.ts';
import { ignored, type Ignored } from './ignoredReason.ts';
import { BROADCAST_MAC, MAC_LENGTH, isMulticastMac } from './macAddress.ts';

/** Octets of an Ethernet frame with ARP for IPv4 (RFC 826); what follows is padding. */
export const ARP_FRAME_LENGTH = 42;
/** Where in the frame the IPv4 addresses are. */
export const ARP_SENDER_IP = 28;
export const ARP_TARGET_IP = 38;

const SENDER_MAC = 22;
const TARGET_MAC = 32;
const HARDWARE_ETHERNET = 1;
const PROTOCOL_IPV4 = 0x0800;
const REQUEST = 1;
const REPLY = 2;
const IPV4_LENGTH = 4;
const NO_MAC: Uint8Array = new Uint8Array(MAC_LENGTH);
const NO_IP: Uint8Array = new Uint8Array(IPV4_LENGTH);

/** An ARP packet in its frame. All octets are views of the frame. */
export interface ArpMessage {
  readonly type: 'arp';
  readonly opcode: 'request' | 'reply';
  readonly ethernetDestination: Uint8Array;
  readonly ethernetSource: Uint8Array;
  readonly senderMac: Uint8Array;
  /** All zeroes in a probe (RFC 5227 section 1.1). */
  readonly senderIp: Uint8Array;
  readonly targetMac: Uint8Array;
  readonly targetIp: Uint8Array;
}

/**
 * Reads ARP for IPv4 over Ethernet. A sender MAC that is not the Ethernet source is taken, as RFC 826 takes it: routers
 * with virtual addresses and hosts behind MAC translation ask that way, and are told nothing but the truth. One that is
 * a group's address is not: no station has it, and an answer would go to many.
 */
export function decodeArp(frame: Uint8Array): ArpMessage | Ignored {
  const kind = etherKind(frame);
  if (kind.type === 'ignored') return kind;
  if (kind.type !== 'arp') return ignored('etherType');
  if (frame.length < ARP_FRAME_LENGTH) return ignored('short');
  if (read16(frame, 14) !== HARDWARE_ETHERNET) return ignored('hardwareType');
  if (read16(frame, 16) !== PROTOCOL_IPV4) return ignored('protocolType');
  if (frame[18] !== MAC_LENGTH || frame[19] !== IPV4_LENGTH) return ignored('addressLengths');
  const opcode = read16(frame, 20);
  if (opcode !== REQUEST && opcode !== REPLY) return ignored('opcode');
  if (isMulticastMac(frame, SENDER_MAC) || isMulticastMac(frame, ETHERNET_SOURCE)) return ignored('senderMac');
  if (!isStationIp(frame, ARP_SENDER_IP)) return ignored('senderIp');
  return messageOf(frame, opcode === REQUEST ? 'request' : 'reply');
}

/** Somebody asks whether an address is free, and does not use it yet. */
export function isArpProbe(message: ArpMessage): boolean {
  return message.opcode === 'request' && message.senderIp.every((octet) => octet === 0);
}

/** Who speaks, and about which address: a VIP of four octets. */
export interface ArpSpeaker {
  readonly mac: Uint8Array;
  readonly ip: Uint8Array;
}

/** The answer to whoever asked. Throws nothing; `to` has six and four octets. */
export function encodeArpReply(speaker: ArpSpeaker, to: { readonly mac: Uint8Array; readonly ip: Uint8Array }): Uint8Array {
  return encode(REPLY, { destination: to.mac, senderMac: speaker.mac, senderIp: speaker.ip, targetMac: to.mac, targetIp: to.ip });
}

/** Who has `target`? Tell `speaker`. */
export function encodeArpRequest(speaker: ArpSpeaker, target: Uint8Array): Uint8Array {
  return encode(REQUEST, {
    destination: BROADCAST_MAC, senderMac: speaker.mac, senderIp: speaker.ip, targetMac: NO_MAC, targetIp: target,
  });
}

/** Has anybody `target`? Enters nothing into caches (RFC 5227 section 2.1.1). */
export function encodeArpProbe(mac: Uint8Array, target: Uint8Array): Uint8Array {
  return encodeArpRequest({ mac, ip: NO_IP }, target);
}

/** The form of an ARP announcement (RFC 5227 section 2.3): a request for the speaker's own address, to all. */
export function encodeGratuitousRequest(speaker: ArpSpeaker): Uint8Array {
  return encodeArpRequest(speaker, speaker.ip);
}

/**
 * The other form, for those who only learn from replies; `destination` is broadcast unless one client is to hear it.
 * The target MAC is the speaker's (RFC 5944 section 4.6): Linux takes the reply for gratuitous only then, and heeds it
 * within the second in which it keeps others from changing a fresh entry.
 */
export function encodeGratuitousReply(speaker: ArpSpeaker, destination: Uint8Array = BROADCAST_MAC): Uint8Array {
  return encode(REPLY, { destination, senderMac: speaker.mac, senderIp: speaker.ip, targetMac: speaker.mac, targetIp: speaker.ip });
}

interface ArpFields {
  readonly destination: Uint8Array;
  readonly senderMac: Uint8Array;
  readonly senderIp: Uint8Array;
  readonly targetMac: Uint8Array;
  readonly targetIp: Uint8Array;
}

function encode(opcode: number, fields: ArpFields): Uint8Array {
  const frame = new Uint8Array(ARP_FRAME_LENGTH);
  writeEthernet(frame, fields.destination, fields.senderMac, ETHERTYPE_ARP);
  frame.set([0, HARDWARE_ETHERNET, PROTOCOL_IPV4 >> 8, PROTOCOL_IPV4 & 0xff, MAC_LENGTH, IPV4_LENGTH, 0, opcode], ETHERNET_LENGTH);
  frame.set(fields.senderMac, SENDER_MAC);
  frame.set(fields.senderIp, ARP_SENDER_IP);
  frame.set(fields.targetMac, TARGET_MAC);
  frame.set(fields.targetIp, ARP_TARGET_IP);
  return frame;
}

function messageOf(frame: Uint8Array, opcode: ArpMessage['opcode']): ArpMessage {
  return {
    type: 'arp',
    opcode,
    ethernetDestination: frame.subarray(0, ETHERNET_SOURCE),
    ethernetSource: frame.subarray(ETHERNET_SOURCE, ETHERNET_SOURCE + MAC_LENGTH),
    senderMac: frame.subarray(SENDER_MAC, ARP_SENDER_IP),
    senderIp: frame.subarray(ARP_SENDER_IP, TARGET_MAC),
    targetMac: frame.subarray(TARGET_MAC, ARP_TARGET_IP),
    targetIp: frame.subarray(ARP_TARGET_IP, ARP_FRAME_LENGTH),
  };
}

/** Loopback, groups and 255.255.255.255 are nobody's own address on a link; 0.0.0.0 is that of a probe. */
function isStationIp(frame: Uint8Array, offset: number): boolean {
  const first = frame[offset] ?? 0;
  const isGroup = first >= 224 && first < 240;
  return first !== 127 && !isGroup && (first !== 255 || frame.subarray(offset, offset + IPV4_LENGTH).some((octet) => octet !== 255));
}

function read16(octets: Uint8Array, offset: number): number {
  return ((octets[offset] ?? 0) << 8) | (octets[offset + 1] ?? 0);
}
