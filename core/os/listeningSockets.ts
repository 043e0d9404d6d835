import { libc, type Libc } from './libc.ts';
import { AF_INET6, decodePort, encodeSocketAddress, type SocketAddress } from './socketAddress.ts';

/** `port` 0: one ephemeral port for the whole group. `count`: sockets, at least 1. */
export interface ListeningSocketsRequest {
  readonly address: string;
  readonly port: number;
  readonly count: number;
  /** Connections each socket holds that nobody has accepted yet; the kernel caps it at net.core.somaxconn. */
  readonly backlog: number;
  /**
   * Refuse an address that anybody listens on, even one that shares its port (default). False lets an address stand
   * beside the wildcard of the same port.
   */
  readonly exclusive?: boolean;
}

/** The group's descriptors, owned by the caller, and the port they are all bound to. */
export interface ListeningSockets {
  readonly descriptors: readonly number[];
  readonly port: number;
}

/** Ours: the kernel's default ceiling (net.core.somaxconn since 5.4), so that a restart's worth of connections fits. */
export const LISTEN_BACKLOG = 4096;

// Linux values, asm-generic/socket.h and linux/in6.h.
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/**
 * Opens `count` TCP sockets that listen on one address; the kernel spreads connections over them (SO_REUSEPORT).
 * They accept nothing by themselves: connections wait in the backlog until somebody does. IPv6 sockets take IPv6 only,
 * so that 0.0.0.0 and :: can both be bound. Throws SystemError, or TypeError for an address that is none; then nothing
 * is left open.
 */
export function openListeningSockets(request: ListeningSocketsRequest): ListeningSockets {
  const c = libc();
  const first = encodeSocketAddress(request.address, request.port);
  const subject = printSubject(request.address, request.port);
  if (request.port !== 0 && request.exclusive !== false) refuseSharedAddress(c, first, subject);
  const descriptors: number[] = [];
  try {
    descriptors.push(openOne(c, first, subject));
    const port = readPort(c, descriptors[0] ?? -1, first);
    const rest = encodeSocketAddress(request.address, port);
    while (descriptors.length < request.count) descriptors.push(openOne(c, rest, subject));
    for (const descriptor of descriptors) c.listen(descriptor, request.backlog, subject);
    return { descriptors, port };
  } catch (error) {
    for (const descriptor of descriptors) c.close(descriptor);
    throw error;
  }
}

/** Gives up descriptors that openListeningSockets returned. What waits in a backlog nobody else holds is reset. */
export function closeListeningSockets(descriptors: readonly number[]): void {
  for (const descriptor of descriptors) libc().close(descriptor);
}

/**
 * A bind without SO_REUSEPORT fails where anybody listens. Without this, a second Gatehouse of the same user would share
 * the port in silence, and each would get half of the connections.
 */
function refuseSharedAddress(c: Libc, address: SocketAddress, subject: string): void {
  const probe = openUnbound(c, address, subject);
  try {
    c.bind(probe, address.bytes, subject);
  } finally {
    c.close(probe);
  }
}

function openOne(c: Libc, address: SocketAddress, subject: string): number {
  const descriptor = openUnbound(c, address, subject);
  try {
    c.setIntOption(descriptor, { level: SOL_SOCKET, name: SO_REUSEPORT, value: 1 });
    c.bind(descriptor, address.bytes, subject);
    return descriptor;
  } catch (error) {
    c.close(descriptor);
    throw error;
  }
}

function openUnbound(c: Libc, address: SocketAddress, subject: string): number {
  const descriptor = c.openStreamSocket(address.family, subject);
  // Connections of an earlier run in TIME_WAIT must not keep the port from its next owner.
  c.setIntOption(descriptor, { level: SOL_SOCKET, name: SO_REUSEADDR, value: 1 });
  if (address.family === AF_INET6) c.setIntOption(descriptor, { level: IPPROTO_IPV6, name: IPV6_V6ONLY, value: 1 });
  return descriptor;
}

function readPort(c: Libc, descriptor: number, like: SocketAddress): number {
  const bound = Buffer.from(like.bytes);
  c.readSocketName(descriptor, bound);
  return decodePort(bound);
}

function printSubject(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
