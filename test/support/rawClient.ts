import { connect } from 'node:net';

/** In how many writes a case is sent. */
export const WRITE_MODES = ['whole', 'by octet', 'by line'] as const;
export type WriteMode = (typeof WRITE_MODES)[number];

/** What a client sends, from which loopback address, so that a backend's record tells it from all others. */
export interface RawSending {
  readonly port: number;
  readonly from: string;
  readonly octets: Buffer;
  readonly mode: WriteMode;
}

/** What came back: `octets` until the end, and how the connection ended. */
export interface RawReceived {
  readonly octets: string;
  readonly end: 'closed' | 'reset' | 'timeout';
}

/** The event loop turns between two writes, so that they arrive apart; long cases take more at a time. */
const LONG_PARTS = 4000;
const LONG_PARTS_PER_TURN = 64;
const TIMEOUT_MS = 20_000;

/** Sends, ends its half of the connection, and reads until the peer ends the other. */
export function exchangeRaw({ port, from, octets, mode }: RawSending): Promise<RawReceived> {
  const { promise, resolve } = Promise.withResolvers<RawReceived>();
  const socket = connect({ host: '127.0.0.1', port, localAddress: from, noDelay: true, allowHalfOpen: true });
  const received: Buffer[] = [];
  let end: RawReceived['end'] = 'closed';
  const timer = setTimeout(() => {
    end = 'timeout';
    socket.destroy();
  }, TIMEOUT_MS);
  socket.on('data', (chunk: Buffer) => received.push(chunk));
  socket.on('error', (error: NodeJS.ErrnoException) => {
    // The peer may have closed while octets were still to be written: no fault. A reset may have cost octets.
    if (error.code !== 'EPIPE') end = 'reset';
  });
  socket.on('close', () => {
    clearTimeout(timer);
    resolve({ octets: Buffer.concat(received).toString('latin1'), end });
  });
  socket.on('connect', () => writeParts(partsOf(octets, mode), (part) => socket.write(part), () => socket.end()));
  return promise;
}

function partsOf(octets: Buffer, mode: WriteMode): Buffer[] {
  switch (mode) {
    case 'whole':
      return [octets];
    case 'by octet':
      return Array.from(octets, (_, index) => octets.subarray(index, index + 1));
    case 'by line':
      return octets.toString('latin1').split(/(?<=\r\n)/).map((line) => Buffer.from(line, 'latin1'));
  }
}

function writeParts(parts: readonly Buffer[], write: (part: Buffer) => void, end: () => void, from = 0): void {
  const to = Math.min(from + (parts.length > LONG_PARTS ? LONG_PARTS_PER_TURN : 1), parts.length);
  for (let index = from; index < to; index += 1) write(parts[index] ?? Buffer.alloc(0));
  if (to === parts.length) return end();
  setImmediate(() => writeParts(parts, write, end, to));
}
