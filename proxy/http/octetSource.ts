import { connect, Socket, type SocketConstructorOpts, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';

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

/** From here on a read counts as large, and the next one may take this much. */
const BULK_BYTES = 32 * 1024;
const BULK_READ_BYTES = 128 * 1024;

/** Sockets read one after the other, and what was read is copied out before the next: one buffer serves them all. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * Connects a socket that reads into one buffer of the thread. Without it every read allocates 64 KiB, of which a response
 * head fills a few hundred octets, and the garbage collector has to find them all again.
 */
export function connectReading(options: TcpNetConnectOpts): { readonly socket: Socket; readonly source: OctetSource } {
  let deliver: (chunk: Buffer) => void = () => {};
  const socket = connect({ ...options, onread: readingInto((chunk) => deliver(chunk)) });
  return {
    socket,
    source: (listener) => {
      deliver = listener;
    },
  };
}

/** The same for a TLS connection. */
export function connectReadingTls(options: ConnectionOptions): { readonly socket: TLSSocket; readonly source: OctetSource } {
  let deliver: (chunk: Buffer) => void = () => {};
  const onread = readingInto((chunk) => deliver(chunk));
  const reading: ConnectionOptions & { readonly onread: typeof onread } = { ...options, onread };
  const socket = connectTls(reading);
  return {
    socket,
    source: (listener) => {
      deliver = listener;
    },
  };
}

/**
 * The same for a socket that a server with `pauseOnConnect` has accepted: another one takes its handle, and tells what it
 * reads as data events. `net` offers no way to ask for that, so this one place looks at `_handle`; a Node that keeps the
 * handle elsewhere gets its socket back as it is, which works as well and only reads more slowly.
 */
export function rereading(accepted: Socket): Socket {
  const handle: unknown = Reflect.get(accepted, '_handle');
  if (typeof handle !== 'object' || handle === null) return accepted.resume();
  Reflect.set(accepted, '_handle', null);
  const options: Omit<SocketConstructorOpts, 'handle'> & { readonly handle: object } = {
    handle,
    allowHalfOpen: accepted.allowHalfOpen,
    readable: true,
    writable: true,
    onread: readingInto((chunk) => socket.emit('data', chunk)),
  };
  const socket = new Socket(options as SocketConstructorOpts);
  // The server counts its connections by these.
  for (const name of ['server', '_server']) {
    Reflect.set(socket, name, Reflect.get(accepted, name));
    Reflect.set(accepted, name, null);
  }
  return socket.resume();
}

/**
 * The same for a TLS socket whose handshake is done, in place: its handle cannot move, as the handshake's own events come
 * through it. Where Node keeps these fields elsewhere, the socket reads as it did before.
 */
export function rereadingTls(socket: Socket): Socket {
  const handle: unknown = Reflect.get(socket, '_handle');
  const symbols = Object.getOwnPropertySymbols(socket);
  const kBuffer = symbols.find((symbol) => symbol.description === 'kBuffer');
  const kBufferCb = symbols.find((symbol) => symbol.description === 'kBufferCb');
  if (typeof handle !== 'object' || handle === null || kBuffer === undefined || kBufferCb === undefined) return socket;
  const useUserBuffer: unknown = Reflect.get(handle, 'useUserBuffer');
  if (typeof useUserBuffer !== 'function' || socket.readableLength > 0) return socket;
  // No read is larger than a record, so nothing is ever handed on as it is.
  const callback = (bytes: number): boolean => socket.emit('data', copyOf(readBuffer, bytes)) || true;
  Reflect.set(socket, kBuffer, readBuffer);
  Reflect.set(socket, kBufferCb, callback);
  useUserBuffer.call(handle, readBuffer);
  return socket;
}

interface Reading {
  /** Gives the memory for the next read. */
  readonly buffer: () => Buffer;
  readonly callback: (this: void, bytes: number) => boolean;
}

/**
 * Reads into the thread's buffer and hands copies on, as long as what comes is small. A large read is followed by one into
 * a buffer of the socket's own, which is handed on as it is: copying would cost a bulk transfer a tenth of its speed.
 */
function readingInto(deliver: (chunk: Buffer) => void): Reading {
  let buffer = readBuffer;
  let isBulk = false;
  const callback = (bytes: number): boolean => {
    isBulk = bytes >= BULK_BYTES;
    deliver(isBulk && buffer !== readBuffer ? buffer.subarray(0, bytes) : copyOf(buffer, bytes));
    // False would stop reading; whoever wants that pauses the socket.
    return true;
  };
  return { buffer: () => (buffer = isBulk ? Buffer.allocUnsafeSlow(BULK_READ_BYTES) : readBuffer), callback };
}

function copyOf(buffer: Buffer, bytes: number): Buffer {
  const chunk = Buffer.allocUnsafe(bytes);
  buffer.copy(chunk, 0, 0, bytes);
  return chunk;
}
