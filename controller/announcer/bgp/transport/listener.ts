import { createServer, type Server, type Socket } from 'node:net';
import { libc } from '../../../../core/os/libc.ts';
import { descriptorOf } from '../../../../core/os/socketDescriptor.ts';
import { attachSocketFilter } from '../../../../core/os/socketFilter.ts';
import { addTcpKey, openTcpSocket, removeTcpKey, setHopLimits, type HopLimits, type TcpKey } from '../../../../core/os/tcpSocket.ts';

/** Where connections are taken: one socket per address family and VRF. */
export interface ListenerPlace {
  readonly family: 'ipv4' | 'ipv6';
  /** Device of a VRF; null: none. */
  readonly vrf: string | null;
  readonly port: number;
}

/** A socket that listens. */
export interface Listener {
  readonly place: ListenerPlace;
  /** Port that it is bound to. */
  readonly port: number;
  /** From now on exactly these. */
  setKeys(keys: readonly TcpKey[]): KeyChanges;
  /** What assemblePeerFilter has made counts from now on, for connections that are taken later too. Throws SystemError. */
  setFilter(filter: Buffer): void;
  close(): void;
}

/** What has become of keys. */
export interface KeyChanges {
  /** They count from now on; connections that wait to be taken know nothing of them. */
  readonly added: ReadonlySet<TcpKey>;
  /** The kernel does not take them: key and error. */
  readonly failures: ReadonlyMap<TcpKey, unknown>;
}

/** Ours: peers are few, and connect one by one; what is more waits with the sender. */
const BACKLOG = 64;
/** The highest there is: the peer may look at it (RFC 5082), and it is changed once it is known whose connection it is. What is to come in is the filter's. */
const FIRST_HOP_LIMITS: HopLimits = { sent: 255, received: null };

/** Listens on all addresses. `failed`: it does not any more. Throws SystemError; then nothing is left open. */
export function openListener(place: ListenerPlace, accepted: (socket: Socket) => void, failed: (error: Error) => void): Listener {
  const { family, vrf, port } = place;
  const subject = `port ${port} for BGP${vrf === null ? '' : ` of VRF ${vrf}`} (${family})`;
  const bind = { address: family === 'ipv4' ? '0.0.0.0' : '::', scopeId: 0, port };
  const descriptor = openTcpSocket({ family, subject, device: vrf, bind, hopLimits: FIRST_HOP_LIMITS, keys: [] });
  const server = startListening(descriptor, subject);
  server.on('connection', accepted);
  server.on('error', failed);
  let current: readonly TcpKey[] = [];
  let attached: Buffer | null = null;
  return {
    place,
    port: portOf(server),
    setKeys: (keys) => {
      const changes = replaceKeys(descriptor, current, keys);
      current = keys.filter((key) => !changes.failures.has(key));
      return changes;
    },
    setFilter: (filter) => {
      if (attached?.equals(filter) === true) return;
      attachSocketFilter(descriptor, filter);
      attached = filter;
    },
    close: () => { server.close(); },
  };
}

/** Connections that are there already keep theirs. */
export function limitHops(socket: Socket, place: ListenerPlace, hopLimits: HopLimits): void {
  const descriptor = descriptorOf(socket);
  if (descriptor === null) throw new Error('the connection has ended already');
  setHopLimits(descriptor, place.family, hopLimits);
}

function startListening(descriptor: number, subject: string): Server {
  try {
    // Before the server has it, as its own failures come as events.
    libc().listen(descriptor, BACKLOG, subject);
  } catch (error) {
    libc().close(descriptor);
    throw error;
  }
  return createServer().listen({ fd: descriptor, backlog: BACKLOG });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function replaceKeys(descriptor: number, before: readonly TcpKey[], after: readonly TcpKey[]): KeyChanges {
  const added = new Set<TcpKey>();
  const failures = new Map<TcpKey, unknown>();
  const names = new Set(after.map(nameOf));
  const earlier = new Map(before.map((key) => [nameOf(key), key]));
  for (const [name, key] of earlier) if (!names.has(name)) removeTcpKey(descriptor, key);
  for (const key of after) {
    const known = earlier.get(nameOf(key));
    if (known !== undefined && isSame(known, key)) continue;
    try {
      if (known?.type === 'ao') removeTcpKey(descriptor, known);
      addTcpKey(descriptor, key);
      added.add(key);
    } catch (error) {
      failures.set(key, error);
    }
  }
  return { added, failures };
}

/** Of keys with the same name one takes the place of the other. */
function nameOf(key: TcpKey): string {
  const ids = key.type === 'ao' ? ` ${key.sendId} ${key.receiveId}` : '';
  return `${key.type} ${key.peer.address}${ids}`;
}

function isSame(one: TcpKey, other: TcpKey): boolean {
  const algorithm = (key: TcpKey): string => key.type === 'ao' ? key.algorithm : '';
  return algorithm(one) === algorithm(other) && one.key.equals(other.key);
}
