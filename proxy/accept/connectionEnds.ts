import type { Socket } from 'node:net';
import type { ClientConnection } from '../http/exchange.ts';
import type { ProxyHeader } from '../l4/proxyProtocol.ts';

/** Who talks to whom, as far as it is known before the first request. */
export type ConnectionEnds = Pick<ClientConnection, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>;

/** The ends of an accepted socket; null when the peer is gone already, which leaves it without an address. */
export function endsOf(socket: Socket): ConnectionEnds | null {
  if (socket.destroyed || socket.remoteAddress === undefined) return null;
  return {
    remoteAddress: unmapped(socket.remoteAddress),
    remotePort: socket.remotePort ?? 0,
    localAddress: unmapped(socket.localAddress ?? ''),
    localPort: socket.localPort ?? 0,
  };
}

/** The ends a PROXY header tells of; those of the socket where it names none (LOCAL, UNKNOWN). */
export function endsBehind(header: ProxyHeader, own: ConnectionEnds): ConnectionEnds {
  if (header.source === null || header.destination === null) return own;
  return {
    remoteAddress: header.source.address,
    remotePort: header.source.port,
    localAddress: header.destination.address,
    localPort: header.destination.port,
  };
}

/** IPv4 clients of a dual-stack socket appear as `::ffff:a.b.c.d`. */
function unmapped(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
