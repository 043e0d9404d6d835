import type { Socket } from 'node:net';
import { parseIpAddress, printIpAddress } from '../../../../core/net/ipAddress.ts';
import type { ConnectionEnds } from '../session/sessionEvents.ts';

/** Addresses of a socket that is connected; null: it is not any more. */
export function connectionEnds(socket: Socket): ConnectionEnds | null {
  const localAddress = withoutZone(socket.localAddress);
  const remoteAddress = withoutZone(socket.remoteAddress);
  return localAddress === null || remoteAddress === null ? null : { localAddress, remoteAddress };
}

/** Canonical, without the zone that Node.js puts behind link-local addresses; null: it is none. */
function withoutZone(text: string | undefined): string | null {
  const address = parseIpAddress(text?.split('%', 1)[0] ?? '');
  return address === null ? null : printIpAddress(address);
}
