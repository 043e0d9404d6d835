import { assembleBpf, type BpfStep } from '../../../../core/os/bpfProgram.ts';

/** linux/if_ether.h. */
export const ETHERTYPE_IPV4 = 0x0800;

/** RFC 5881 section 4: echo packets are sent to this port; control packets to that. */
const ECHO_PORT = 3785;
const CONTROL_PORT = 3784;

/** The TTL of echo packets that are sent; the peer takes one off, or none where its hardware returns them. */
const SENT_TTL = 255;
const LOWEST_TTL = 254;

const UDP = 17;
const TRAFFIC_CLASS = 0xc0;
const IPV4_HEADER_BYTES = 20;
const UDP_HEADER_BYTES = 8;
/** Ethernet (14 octets), IPv4 without options (20), UDP (8). */
const AT = {
  destinationMac: 0, sourceMac: 6, etherType: 12, version: 14, trafficClass: 15, totalLength: 16, fragment: 20, ttl: 22, protocol: 23, checksum: 24,
  source: 26, destination: 30, sourcePort: 34, destinationPort: 36, udpLength: 38, payload: 42,
} as const;

/** Octets of the longest frame of interest: a control packet may bring an authentication section. */
export const MAX_ECHO_FRAME_BYTES = AT.payload + 255;

/** Who is at the other end of a link, and who is here: six octets each. */
export interface LinkEnds {
  readonly peerMac: Buffer;
  readonly ownMac: Buffer;
}

/** What a frame that has come in tells. Octets of addresses in hexadecimal digits. */
export type EchoLinkFrame =
  /** The peer of that address sends from that MAC. */
  | { readonly type: 'control'; readonly source: string; readonly ends: LinkEnds }
  | { readonly type: 'echo'; readonly payload: Buffer };

/** Lets through BFD packets of IPv4 to this host that no router has passed on, but for echo packets, which the peer has. */
export function assembleEchoFilter(interfaceIndex: number): Buffer {
  return assembleBpf([
    { type: 'loadFact', fact: 'packetType' },
    { type: 'jump', test: 'equal', value: 0, whenFalse: 'foreign' },
    // A socket of `eth0` is shown what belongs to `eth0.10` as well.
    { type: 'loadFact', fact: 'interfaceIndex' },
    { type: 'jump', test: 'equal', value: interfaceIndex, whenFalse: 'foreign' },
    ...expect(1, AT.protocol, UDP),
    ...expect(1, AT.version, 0x45),
    { type: 'load', octets: 2, offset: AT.fragment },
    { type: 'and', mask: 0x3fff },
    { type: 'jump', test: 'equal', value: 0, whenFalse: 'foreign' },
    { type: 'load', octets: 1, offset: AT.ttl },
    { type: 'jump', test: 'greaterOrEqual', value: LOWEST_TTL, whenFalse: 'foreign' },
    { type: 'load', octets: 2, offset: AT.destinationPort },
    { type: 'jump', test: 'equal', value: ECHO_PORT, whenTrue: 'ours' },
    { type: 'jump', test: 'equal', value: CONTROL_PORT, whenFalse: 'foreign' },
    { type: 'label', name: 'ours' },
    { type: 'return', octets: MAX_ECHO_FRAME_BYTES },
    { type: 'label', name: 'foreign' },
    { type: 'return', octets: 0 },
  ]);
}

/** Reads a frame that the filter has let through; null: it is neither. What is kept is copied. */
export function readEchoLinkFrame(frame: Buffer): EchoLinkFrame | null {
  if (frame.length < AT.payload) return null;
  if (frame.readUInt16BE(AT.destinationPort) === ECHO_PORT) {
    const payloadBytes = Math.min(frame.length - AT.payload, frame.readUInt16BE(AT.udpLength) - UDP_HEADER_BYTES);
    return payloadBytes < 0 ? null : { type: 'echo', payload: Buffer.from(frame.subarray(AT.payload, AT.payload + payloadBytes)) };
  }
  if (frame.readUInt8(AT.ttl) !== SENT_TTL) return null;
  return {
    type: 'control',
    source: frame.toString('hex', AT.source, AT.source + 4),
    ends: {
      peerMac: Buffer.from(frame.subarray(AT.sourceMac, AT.sourceMac + 6)), ownMac: Buffer.from(frame.subarray(AT.destinationMac, AT.destinationMac + 6)),
    },
  };
}

/** A frame to the peer's MAC for this side's own address (four octets), so that the peer's forwarding plane returns it. */
export function encodeEchoFrame({ peerMac, ownMac }: LinkEnds, ownAddress: Buffer, payload: Buffer): Buffer {
  const frame = Buffer.alloc(AT.payload + payload.length);
  peerMac.copy(frame, AT.destinationMac);
  ownMac.copy(frame, AT.sourceMac);
  frame.writeUInt16BE(ETHERTYPE_IPV4, AT.etherType);
  frame.writeUInt8(0x45, AT.version);
  frame.writeUInt8(TRAFFIC_CLASS, AT.trafficClass);
  frame.writeUInt16BE(IPV4_HEADER_BYTES + UDP_HEADER_BYTES + payload.length, AT.totalLength);
  frame.writeUInt8(SENT_TTL, AT.ttl);
  frame.writeUInt8(UDP, AT.protocol);
  ownAddress.copy(frame, AT.source);
  ownAddress.copy(frame, AT.destination);
  frame.writeUInt16BE(headerChecksum(frame.subarray(AT.version, AT.version + IPV4_HEADER_BYTES)), AT.checksum);
  frame.writeUInt16BE(ECHO_PORT, AT.sourcePort);
  frame.writeUInt16BE(ECHO_PORT, AT.destinationPort);
  // No UDP checksum, which IPv4 leaves to the sender (RFC 768): nobody but the sender reads the payload.
  frame.writeUInt16BE(UDP_HEADER_BYTES + payload.length, AT.udpLength);
  payload.copy(frame, AT.payload);
  return frame;
}

/** RFC 791 section 3.1; the checksum's own field must be 0. */
function headerChecksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function expect(octets: 1 | 2 | 4, offset: number, value: number): readonly BpfStep[] {
  return [{ type: 'load', octets, offset }, { type: 'jump', test: 'equal', value, whenFalse: 'foreign' }];
}
