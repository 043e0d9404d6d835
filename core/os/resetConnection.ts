import type { Socket } from 'node:net';
import { libc } from './libc.ts';
import { descriptorOf } from './socketDescriptor.ts';

// Linux values, asm-generic/socket.h.
const SOL_SOCKET = 1;
const SO_LINGER = 13;
/** struct linger: on, for 0 s, which makes close(2) of a TCP socket send RST (tcp(7), socket(7)). */
const NO_LINGER = Buffer.from(Int32Array.of(1, 0).buffer);

/**
 * Closes a TCP connection with RST, so that its peer does not take what it has got for the whole; one that is closed
 * already stays so. Its close event comes as with `destroy()`, without an error. Throws SystemError when the kernel refuses the option.
 *
 * `resetAndDestroy()` alone does not do: between the moment when libuv is asked to send the FIN and that when it has, it is refused
 * with EINVAL, the socket counts as destroyed, and its descriptor is never closed.
 */
export function resetConnection(socket: Socket): void {
  if (socket.destroyed) return;
  const isEnding = socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished;
  if (!isEnding) return void socket.resetAndDestroy();
  const descriptor = descriptorOf(socket);
  if (descriptor !== null) libc().setOption(descriptor, { level: SOL_SOCKET, name: SO_LINGER, value: NO_LINGER });
  socket.destroy();
}
