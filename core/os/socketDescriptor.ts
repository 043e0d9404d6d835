import type { Socket } from 'node:net';

/** The descriptor of a socket, which `net` tells nowhere else; null when there is none (yet, or any more). It stays the socket's own. */
export function descriptorOf(socket: Socket): number | null {
  const handle: unknown = Reflect.get(socket, '_handle');
  const descriptor: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  return typeof descriptor === 'number' && descriptor >= 0 ? descriptor : null;
}
