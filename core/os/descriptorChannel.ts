import {
  createIncomingMessage, decodeDescriptorMessage, encodeDescriptorMessage, MAX_DESCRIPTORS_PER_MESSAGE, type IncomingDescriptors,
} from './descriptorMessage.ts';
import { libc } from './libc.ts';
import { SystemError } from './systemError.ts';

/** Why descriptors did not arrive as they were announced. */
export type DescriptorChannelFault =
  /** This process may hold no more descriptors. */
  | 'truncated'
  /** Fewer arrived than were announced, or others. */
  | 'incomplete'
  /** The other end is gone. */
  | 'closed';

/** Descriptors that did not arrive as announced; what did arrive is closed again. */
export class DescriptorChannelError extends Error {
  readonly code: DescriptorChannelFault;

  constructor(code: DescriptorChannelFault) {
    super(MESSAGES[code]);
    this.name = 'DescriptorChannelError';
    this.code = code;
  }
}

const MESSAGES: Readonly<Record<DescriptorChannelFault, string>> = {
  truncated: 'descriptors were lost on arrival: the limit of open descriptors is reached: raise it (ulimit -n, LimitNOFILE)',
  incomplete: 'descriptors did not arrive as they were announced',
  closed: 'the other end of the descriptor channel is closed',
};

/**
 * Opens a channel that carries descriptors from one process to another (SCM_RIGHTS, unix(7)). One end stays here, the other
 * is for a child to inherit by position. Neither tells when something arrives: the sender says so by other means, once
 * it has sent. Throws SystemError.
 */
export function openDescriptorChannel(): readonly [number, number] {
  return libc().openPacketPair();
}

/**
 * Sends `descriptors`, which stay the caller's, as one batch. Each 252 of them take one place in the receiver's queue,
 * which has as few as 10 (net.unix.max_dgram_qlen): a batch must have been received before the next is sent. Throws
 * SystemError: EAGAIN when the queue is full, EPIPE or ECONNRESET when the other end is closed. The receiver passes over
 * what it has got of a batch that failed.
 */
export function sendDescriptors(channel: number, batch: number, descriptors: readonly number[]): void {
  const c = libc();
  for (let offset = 0; offset < descriptors.length; offset += MAX_DESCRIPTORS_PER_MESSAGE) {
    const part = { batch, offset, descriptors: descriptors.slice(offset, offset + MAX_DESCRIPTORS_PER_MESSAGE) };
    c.sendMessage(channel, encodeDescriptorMessage(part, c.addressOf));
  }
}

/**
 * Takes the `count` descriptors of `batch`, all of which must have been sent; they are the caller's, and closed on exec.
 * Throws DescriptorChannelError or SystemError; then none of them is left open.
 */
export function receiveDescriptors(channel: number, batch: number, count: number): readonly number[] {
  const descriptors: number[] = [];
  try {
    while (descriptors.length < count) descriptors.push(...receivePart(channel, batch, descriptors.length));
    if (descriptors.length > count) throw new DescriptorChannelError('incomplete');
    return descriptors;
  } catch (error) {
    closeAll(descriptors);
    throw error;
  }
}

function receivePart(channel: number, batch: number, offset: number): readonly number[] {
  for (;;) {
    const { descriptors, position, isTruncated } = receiveMessage(channel);
    if (position?.batch === batch && position.offset === offset && !isTruncated && descriptors.length > 0) return descriptors;
    closeAll(descriptors);
    if (position?.batch === batch) throw new DescriptorChannelError(isTruncated ? 'truncated' : 'incomplete');
    // What is left of a batch that failed; the queue is short, and receiving from an empty one throws.
  }
}

function receiveMessage(channel: number): IncomingDescriptors {
  const c = libc();
  const message = createIncomingMessage(c.addressOf);
  try {
    const octets = c.receiveMessage(channel, message);
    if (octets > 0) return decodeDescriptorMessage(message, octets);
  } catch (error) {
    if (error instanceof SystemError && error.errnoName === 'EAGAIN') throw new DescriptorChannelError('incomplete');
    throw error;
  }
  throw new DescriptorChannelError('closed');
}

function closeAll(descriptors: readonly number[]): void {
  for (const descriptor of descriptors) libc().close(descriptor);
}
