import type { BfdState } from './bfdSpeaker.ts';

/** A BFD Control packet (RFC 5880 section 4.1). Intervals in microseconds, as on the wire: 0 to 2^32 - 1, as are discriminators. */
export interface ControlPacket {
  /** 0 to 31. */
  readonly diagnostic: number;
  readonly state: BfdState;
  readonly poll: boolean;
  readonly final: boolean;
  /** What sends it lives on when its control plane ends. */
  readonly controlPlaneIndependent: boolean;
  /** There is an authentication section, which is not kept. */
  readonly authenticated: boolean;
  readonly demand: boolean;
  /** 1 to 255. */
  readonly detectMultiplier: number;
  /** Not 0. */
  readonly myDiscriminator: number;
  /** 0: not known yet. */
  readonly yourDiscriminator: number;
  readonly desiredMinTxUs: number;
  readonly requiredMinRxUs: number;
  readonly requiredMinEchoRxUs: number;
}

/** Which rule of RFC 5880 section 6.8.6 a packet breaks, of those that need no session. */
export type PacketFault = 'version' | 'length' | 'detect multiplier' | 'multipoint' | 'my discriminator' | 'your discriminator';

export type DecodedPacket =
  | { readonly type: 'packet'; readonly packet: ControlPacket }
  | { readonly type: 'fault'; readonly fault: PacketFault };

/** Of a packet without authentication, the only kind that is sent. */
export const CONTROL_PACKET_BYTES = 24;

/** RFC 5880 section 4.1: 24 octets, and an authentication section of at most 255, which is as long as the Length field can say. */
export const MAX_CONTROL_PACKET_BYTES = 255;

// RFC 5880 section 4.1.
const VERSION = 1;
const STATES: readonly BfdState[] = ['AdminDown', 'Down', 'Init', 'Up'];
const POLL = 0x20;
const FINAL = 0x10;
const CONTROL_PLANE_INDEPENDENT = 0x08;
const AUTHENTICATION_PRESENT = 0x04;
const DEMAND = 0x02;
const MULTIPOINT = 0x01;
const AUTHENTICATED_MIN_BYTES = 26;
const OFFSETS = { length: 3, detectMultiplier: 2, mine: 4, yours: 8, desiredMinTx: 12, requiredMinRx: 16, requiredMinEchoRx: 20 } as const;

/** Throws RangeError for numbers that have no room: this side's own mistake. */
export function encodeControlPacket(packet: ControlPacket): Buffer {
  if (packet.authenticated) throw new RangeError('a packet with an authentication section cannot be encoded');
  const octets = Buffer.alloc(CONTROL_PACKET_BYTES);
  octets.writeUInt8(VERSION << 5 | packet.diagnostic, 0);
  octets.writeUInt8(STATES.indexOf(packet.state) << 6 | encodeFlags(packet), 1);
  octets.writeUInt8(packet.detectMultiplier, OFFSETS.detectMultiplier);
  octets.writeUInt8(CONTROL_PACKET_BYTES, OFFSETS.length);
  octets.writeUInt32BE(packet.myDiscriminator, OFFSETS.mine);
  octets.writeUInt32BE(packet.yourDiscriminator, OFFSETS.yours);
  octets.writeUInt32BE(packet.desiredMinTxUs, OFFSETS.desiredMinTx);
  octets.writeUInt32BE(packet.requiredMinRxUs, OFFSETS.requiredMinRx);
  octets.writeUInt32BE(packet.requiredMinEchoRxUs, OFFSETS.requiredMinEchoRx);
  return octets;
}

/** Reads the payload of a datagram. What follows the packet's own length is ignored, as section 6.8.6 has it. */
export function decodeControlPacket(octets: Buffer): DecodedPacket {
  const fault = findFault(octets);
  if (fault !== null) return { type: 'fault', fault };
  const flags = octets.readUInt8(1);
  return {
    type: 'packet',
    packet: {
      diagnostic: octets.readUInt8(0) & 0x1f,
      state: readState(flags),
      poll: (flags & POLL) !== 0,
      final: (flags & FINAL) !== 0,
      controlPlaneIndependent: (flags & CONTROL_PLANE_INDEPENDENT) !== 0,
      authenticated: (flags & AUTHENTICATION_PRESENT) !== 0,
      demand: (flags & DEMAND) !== 0,
      detectMultiplier: octets.readUInt8(OFFSETS.detectMultiplier),
      myDiscriminator: octets.readUInt32BE(OFFSETS.mine),
      yourDiscriminator: octets.readUInt32BE(OFFSETS.yours),
      desiredMinTxUs: octets.readUInt32BE(OFFSETS.desiredMinTx),
      requiredMinRxUs: octets.readUInt32BE(OFFSETS.requiredMinRx),
      requiredMinEchoRxUs: octets.readUInt32BE(OFFSETS.requiredMinEchoRx),
    },
  };
}

/** The first rule that is broken, in the order of section 6.8.6. */
function findFault(octets: Buffer): PacketFault | null {
  // No field may be read that is not there.
  if (octets.length < CONTROL_PACKET_BYTES) return 'length';
  if (octets.readUInt8(0) >> 5 !== VERSION) return 'version';
  const flags = octets.readUInt8(1);
  const length = octets.readUInt8(OFFSETS.length);
  const minimum = (flags & AUTHENTICATION_PRESENT) === 0 ? CONTROL_PACKET_BYTES : AUTHENTICATED_MIN_BYTES;
  if (length < minimum || length > octets.length) return 'length';
  if (octets.readUInt8(OFFSETS.detectMultiplier) === 0) return 'detect multiplier';
  if ((flags & MULTIPOINT) !== 0) return 'multipoint';
  if (octets.readUInt32BE(OFFSETS.mine) === 0) return 'my discriminator';
  const state = readState(flags);
  if (octets.readUInt32BE(OFFSETS.yours) === 0 && state !== 'Down' && state !== 'AdminDown') return 'your discriminator';
  return null;
}

function readState(flags: number): BfdState {
  return STATES[flags >> 6] ?? 'AdminDown';
}

function encodeFlags({ poll, final, controlPlaneIndependent, demand }: ControlPacket): number {
  return (poll ? POLL : 0) | (final ? FINAL : 0) | (controlPlaneIndependent ? CONTROL_PLANE_INDEPENDENT : 0) | (demand ? DEMAND : 0);
}
