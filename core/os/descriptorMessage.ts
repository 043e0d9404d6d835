/** One message's share of a batch of descriptors: `offset` is the place of the first one in the batch. */
export interface DescriptorPart {
  /** 0 to 2^32 - 1, chosen by the sender. */
  readonly batch: number;
  readonly offset: number;
  readonly descriptors: readonly number[];
}

/** What a received message holds; the descriptors are open in this process, whatever else is wrong with the message. */
export interface IncomingDescriptors {
  readonly descriptors: readonly number[];
  /** Null: the message is not of this format. */
  readonly position: { readonly batch: number; readonly offset: number } | null;
  /** The kernel could not hand over everything that was sent: the limit of open descriptors is reached. */
  readonly isTruncated: boolean;
}

/** The kernel carries 253 (SCM_MAX_FD), but musl's sendmsg no more than 1024 octets of control data: 252 descriptors. */
export const MAX_DESCRIPTORS_PER_MESSAGE = 252;

// Linux, 64 bit, little-endian (x64 and arm64): struct msghdr (56 octets), struct iovec (16), our 8 octets of data, then
// control data: struct cmsghdr (16) and the descriptors. All in one buffer, so that one reference keeps all of it alive.
const MSGHDR = { iov: 16, iovlen: 24, control: 32, controllen: 40, flags: 48 } as const;
const IOVEC_OFFSET = 56;
const DATA_OFFSET = 72;
const DATA_BYTES = 8;
const CONTROL_OFFSET = 80;
const CMSGHDR = { len: 0, level: 8, type: 12, data: 16 } as const;
const CONTROL_BYTES = CMSGHDR.data + 4 * MAX_DESCRIPTORS_PER_MESSAGE;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 0x8;
const MSG_TRUNC = 0x20;

/** What sendmsg(2) takes to send `part`; `addressOf` tells where a buffer is. Throws RangeError for more than one message carries. */
export function encodeDescriptorMessage(part: DescriptorPart, addressOf: (bytes: Buffer) => bigint): Buffer {
  const { batch, offset, descriptors } = part;
  if (descriptors.length === 0 || descriptors.length > MAX_DESCRIPTORS_PER_MESSAGE) {
    throw new RangeError(`a message carries 1 to ${MAX_DESCRIPTORS_PER_MESSAGE} descriptors (got ${descriptors.length})`);
  }
  const controlBytes = CMSGHDR.data + 4 * descriptors.length;
  const message = createMessage(addressOf, controlBytes);
  message.writeUInt32LE(batch, DATA_OFFSET);
  message.writeUInt32LE(offset, DATA_OFFSET + 4);
  message.writeBigUInt64LE(BigInt(controlBytes), CONTROL_OFFSET + CMSGHDR.len);
  message.writeInt32LE(SOL_SOCKET, CONTROL_OFFSET + CMSGHDR.level);
  message.writeInt32LE(SCM_RIGHTS, CONTROL_OFFSET + CMSGHDR.type);
  for (const [index, descriptor] of descriptors.entries()) {
    message.writeInt32LE(descriptor, CONTROL_OFFSET + CMSGHDR.data + 4 * index);
  }
  return message;
}

/** What recvmsg(2) fills: room for one message of any size that encodeDescriptorMessage makes. */
export function createIncomingMessage(addressOf: (bytes: Buffer) => bigint): Buffer {
  return createMessage(addressOf, CONTROL_BYTES);
}

/** Reads what recvmsg(2) has filled, `octets` of data. Takes nothing on trust: lengths are checked against the buffer. */
export function decodeDescriptorMessage(message: Buffer, octets: number): IncomingDescriptors {
  const flags = message.readInt32LE(MSGHDR.flags);
  const isWhole = octets === DATA_BYTES && (flags & MSG_TRUNC) === 0;
  return {
    descriptors: readDescriptors(message),
    position: isWhole ? { batch: message.readUInt32LE(DATA_OFFSET), offset: message.readUInt32LE(DATA_OFFSET + 4) } : null,
    isTruncated: (flags & MSG_CTRUNC) !== 0,
  };
}

function createMessage(addressOf: (bytes: Buffer) => bigint, controlBytes: number): Buffer {
  const message = Buffer.alloc(CONTROL_OFFSET + CONTROL_BYTES);
  const address = addressOf(message);
  message.writeBigUInt64LE(address + BigInt(IOVEC_OFFSET), MSGHDR.iov);
  message.writeBigUInt64LE(1n, MSGHDR.iovlen);
  message.writeBigUInt64LE(address + BigInt(CONTROL_OFFSET), MSGHDR.control);
  message.writeBigUInt64LE(BigInt(controlBytes), MSGHDR.controllen);
  message.writeBigUInt64LE(address + BigInt(DATA_OFFSET), IOVEC_OFFSET);
  message.writeBigUInt64LE(BigInt(DATA_BYTES), IOVEC_OFFSET + 8);
  return message;
}

/** The descriptors of every SCM_RIGHTS element: a sender of another kind may have made several. */
function readDescriptors(message: Buffer): readonly number[] {
  const controlEnd = CONTROL_OFFSET + Math.min(CONTROL_BYTES, Number(message.readBigUInt64LE(MSGHDR.controllen)));
  const descriptors: number[] = [];
  for (let start = CONTROL_OFFSET; start + CMSGHDR.data <= controlEnd;) {
    const bytes = Number(message.readBigUInt64LE(start + CMSGHDR.len));
    if (bytes < CMSGHDR.data) break;
    const end = Math.min(controlEnd, start + bytes);
    const isRights = message.readInt32LE(start + CMSGHDR.level) === SOL_SOCKET && message.readInt32LE(start + CMSGHDR.type) === SCM_RIGHTS;
    for (let at = start + CMSGHDR.data; isRights && at + 4 <= end; at += 4) descriptors.push(message.readInt32LE(at));
    start += Math.ceil(bytes / 8) * 8;
  }
  return descriptors;
}
