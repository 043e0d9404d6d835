/** One message of a datagram (struct nlmsghdr, linux/netlink.h). */
export interface NetlinkMessage {
  readonly type: number;
  /** Bits of NLM. */
  readonly flags: number;
  readonly sequence: number;
  /** Behind the header; part of the datagram, not a copy. */
  readonly payload: Buffer;
}

/** Whole messages, and whether something behind them could not be read: the datagram was cut, or is none. */
export interface DecodedDatagram {
  readonly messages: readonly NetlinkMessage[];
  readonly isCut: boolean;
}

/** Flags of messages, linux/netlink.h. */
export const NLM = {
  request: 0x1,
  multi: 0x2,
  acknowledge: 0x4,
  /** What was dumped has changed meanwhile: it may lack things or have them twice. */
  dumpInterrupted: 0x10,
  dump: 0x300,
  exclusive: 0x200,
  create: 0x400,
} as const;

/** Types that every protocol has. */
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

const HEADER_BYTES = 16;

/** One message in a buffer of its own; `parts` (fixed header, attributes) follow each other, each padded to four octets. */
export function encodeNetlinkMessage(header: Omit<NetlinkMessage, 'payload'>, parts: readonly Buffer[]): Buffer {
  const payload = Buffer.concat(parts.map(pad));
  const bytes = Buffer.alloc(HEADER_BYTES + payload.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(header.type, 4);
  bytes.writeUInt16LE(header.flags, 6);
  bytes.writeUInt32LE(header.sequence, 8);
  payload.copy(bytes, HEADER_BYTES);
  return bytes;
}

/** Reads what one receive has given. */
export function decodeNetlinkDatagram(datagram: Buffer): DecodedDatagram {
  const messages: NetlinkMessage[] = [];
  let offset = 0;
  while (offset < datagram.length) {
    const left = datagram.length - offset;
    const length = left < HEADER_BYTES ? 0 : datagram.readUInt32LE(offset);
    if (length < HEADER_BYTES || length > left) return { messages, isCut: true };
    messages.push({
      type: datagram.readUInt16LE(offset + 4),
      flags: datagram.readUInt16LE(offset + 6),
      sequence: datagram.readUInt32LE(offset + 8),
      payload: datagram.subarray(offset + HEADER_BYTES, offset + length),
    });
    offset += align(length);
  }
  return { messages, isCut: false };
}

/** Octets that `length` take, as each message and attribute begins at a multiple of four. */
export function align(length: number): number {
  return (length + 3) & ~3;
}

function pad(part: Buffer): Buffer {
  return part.length % 4 === 0 ? part : Buffer.concat([part, Buffer.alloc(align(part.length) - part.length)]);
}
