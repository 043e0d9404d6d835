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
  const reading = readingInto((chunk) => socket.emit('data', chunk));
  Reflect.set(socket, kBuffer, reading.buffer);
  Reflect.set(socket, kBufferCb, reading.callback);
  useUserBuffer.call(handle, reading.buffer);
  return socket;
}

/** Reads into the thread's buffer and hands copies on. */
function readingInto(deliver: (chunk: Buffer) => void): { buffer: Buffer; callback: (this: void, bytes: number) => boolean } {
  const callback = (bytes: number): boolean => {
    const chunk = Buffer.allocUnsafe(bytes);
    readBuffer.copy(chunk, 0, 0, bytes);
    deliver(chunk);
    // False would stop reading; whoever wants that pauses the socket.
    return true;
  };
  return { buffer: readBuffer, callback };
}
