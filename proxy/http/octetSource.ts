import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';

/** Names who gets the octets of a socket from now on; the one before gets no more. */
export type OctetSource = (listener: (chunk: Buffer) => void) => void;

/** The octets of a socket as its data events bring them. */
export function octetsOf(socket: Socket): OctetSource {
  let current: ((chunk: Buffer) => void) | null = null;
  return (listener) => {
    if (current !== null) socket.off('data', current);
    current = listener;
    socket.on('data', listener);
  };
}

/** As much as libuv reads at once. */
const READ_BYTES = 64 * 1024;

/** Sockets read one after the other, and what was read is copied out before the next: one buffer serves them all. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * Connects a socket that reads into one buffer of the thread. Without it every read allocates 64 KiB, of which a response
 * head fills a few hundred octets, and the garbage collector has to find them all again.
 */
export function connectReading(options: TcpNetConnectOpts): { readonly socket: Socket; readonly source: OctetSource } {
  let deliver: (chunk: Buffer) => void = () => {};
  const callback = (bytes: number): boolean => {
    const chunk = Buffer.allocUnsafe(bytes);
    readBuffer.copy(chunk, 0, 0, bytes);
    deliver(chunk);
    // False would stop reading; whoever wants that pauses the socket.
    return true;
  };
  const socket = connect({ ...options, onread: { buffer: readBuffer, callback } });
  return {
    socket,
    source: (listener) => {
      deliver = listener;
    },
  };
}
