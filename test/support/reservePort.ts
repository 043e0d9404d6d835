import { libc } from '../../core/os/libc.ts';
import { encodeSocketAddress } from '../../core/os/socketAddress.ts';

// Linux values, asm-generic/socket.h.
const SOL_SOCKET = 1;
const SO_REUSEPORT = 15;

/**
 * Keeps a port of 127.0.0.1 from being given to anybody else while nobody listens on it: connections are refused, and no
 * other test gets what is meant for its owner, who listens beside it with `reusePort`. Answers what ends it.
 */
export function reservePort(port: number): () => void {
  const address = encodeSocketAddress('127.0.0.1', port);
  const descriptor = libc().openSocket(address.family, 'stream', `127.0.0.1:${port}`);
  libc().setIntOption(descriptor, { level: SOL_SOCKET, name: SO_REUSEPORT, value: 1 });
  libc().bind(descriptor, address.bytes, `127.0.0.1:${port}`);
  return () => libc().close(descriptor);
}
