import { libc, type Libc, type SocketType } from './libc.ts';
import { AF_INET6, decodePort, encodeSocketAddress, type SocketAddress } from './socketAddress.ts';
import { SystemError } from './systemError.ts';

/** What a port carries; each has its own ports. */
export type TransportProtocol = 'tcp' | 'udp';

/** `port` 0: one ephemeral port for the whole group. `count`: sockets, at least 1. */
export interface ListeningSocketsRequest {
  /** Default: tcp. */
  readonly protocol?: TransportProtocol;
  readonly address: string;
  readonly port: number;
  readonly count: number;
  /** Connections each socket holds that nobody has accepted yet; the kernel caps it at net.core.somaxconn. Nothing for UDP. */
  readonly backlog: number;
  /**
   * Refuse an address that anybody listens on, even one that shares its port (default). False lets an address stand
   * beside the wildcard of the same port.
   */
  readonly exclusive?: boolean;
  /** The address need not be this machine's: packets for it come here by policy routing (IP_TRANSPARENT; needs CAP_NET_ADMIN). */
  readonly transparent?: boolean;
}

/** The group's descriptors, owned by the caller, and the port they are all bound to. */
export interface ListeningSockets {
  readonly descriptors: readonly number[];
  readonly port: number;
}

/** Ours: the kernel's default ceiling (net.core.somaxconn since 5.4), so that a restart's worth of connections fits. */
export const LISTEN_BACKLOG = 4096;

/** Ours: datagrams of a UDP socket that wait while its worker is busy or replaced; the kernel halves it for its own overhead. */
const DATAGRAM_BUFFER_BYTES = 1024 * 1024;

// Linux values, asm-generic/socket.h and linux/in6.h.
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const SO_REUSEPORT = 15;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const IPPROTO_IP = 0;
/** linux/in.h, linux/in6.h. Accepted sockets have it too. */
const IP_TRANSPARENT = 19;
const IPV6_TRANSPARENT = 75;

/**
 * Opens `count` sockets that listen on one address; the kernel spreads connections, and the datagrams of different
 * clients, over them (SO_REUSEPORT). They accept nothing by themselves: connections wait in the backlog, datagrams in the
 * buffer, until somebody does. IPv6 sockets take IPv6 only, so that 0.0.0.0 and :: can both be bound. Throws SystemError,
 * or TypeError for an address that is none; then nothing is left open.
 */
export function openListeningSockets(request: ListeningSocketsRequest): ListeningSockets {
  const c = libc();
  const { address, port: wantedPort, protocol = 'tcp' } = request;
  const group: Group = { type: protocol === 'tcp' ? 'stream' : 'datagram', transparent: request.transparent === true, subject: printSubject(address, wantedPort) };
  const first = encodeSocketAddress(address, wantedPort);
  if (wantedPort !== 0 && request.exclusive !== false) refuseSharedAddress(c, first, group);
  const descriptors: number[] = [];
  try {
    descriptors.push(openOne(c, first, group));
    const port = readPort(c, descriptors[0] ?? -1, first);
    const rest = encodeSocketAddress(address, port);
    while (descriptors.length < request.count) descriptors.push(openOne(c, rest, group));
    if (protocol === 'tcp') for (const descriptor of descriptors) c.listen(descriptor, request.backlog, group.subject);
    return { descriptors, port };
  } catch (error) {
    closeListeningSockets(descriptors);
    throw error;
  }
}

/** Gives up descriptors that openListeningSockets returned. What waits in them, and nobody else holds, is reset or lost. */
export function closeListeningSockets(descriptors: readonly number[]): void {
  for (const descriptor of descriptors) libc().close(descriptor);
}

/** What the sockets of one group have in common; `subject` is what an error names. */
interface Group {
  readonly type: SocketType;
  readonly transparent: boolean;
  readonly subject: string;
}

/**
 * A bind without SO_REUSEPORT fails where anybody listens. Without this, a second Gatehouse of the same user would share
 * the port in silence, and each would get half of the connections.
 */
function refuseSharedAddress(c: Libc, address: SocketAddress, group: Group): void {
  const probe = openUnbound(c, address, group);
  try {
    c.bind(probe, address.bytes, group.subject);
  } finally {
    c.close(probe);
  }
}

function openOne(c: Libc, address: SocketAddress, group: Group): number {
  const descriptor = openUnbound(c, address, group);
  try {
    c.setIntOption(descriptor, { level: SOL_SOCKET, name: SO_REUSEPORT, value: 1 });
    if (group.type === 'datagram') enlargeBuffer(c, descriptor);
    c.bind(descriptor, address.bytes, group.subject);
    return descriptor;
  } catch (error) {
    c.close(descriptor);
    throw error;
  }
}

function openUnbound(c: Libc, address: SocketAddress, { type, transparent, subject }: Group): number {
  const descriptor = c.openSocket(address.family, type, subject);
  try {
    // Connections of an earlier run in TIME_WAIT must not keep the port from its next owner. UDP has none, and there
    // the same option would let a stranger share the port.
    if (type === 'stream') c.setIntOption(descriptor, { level: SOL_SOCKET, name: SO_REUSEADDR, value: 1 });
    if (address.family === AF_INET6) c.setIntOption(descriptor, { level: IPPROTO_IPV6, name: IPV6_V6ONLY, value: 1 });
    if (transparent) {
      const option = address.family === AF_INET6 ? { level: IPPROTO_IPV6, name: IPV6_TRANSPARENT } : { level: IPPROTO_IP, name: IP_TRANSPARENT };
      c.setIntOption(descriptor, { ...option, value: 1 });
    }
    return descriptor;
  } catch (error) {
    c.close(descriptor);
    throw error;
  }
}

/** Beyond net.core.rmem_max only with CAP_NET_ADMIN; without it, as much as the kernel allows. */
function enlargeBuffer(c: Libc, descriptor: number): void {
  try {
    c.setIntOption(descriptor, { level: SOL_SOCKET, name: SO_RCVBUFFORCE, value: DATAGRAM_BUFFER_BYTES });
  } catch (error) {
    if (!(error instanceof SystemError) || error.errnoName !== 'EPERM') throw error;
    c.setIntOption(descriptor, { level: SOL_SOCKET, name: SO_RCVBUF, value: DATAGRAM_BUFFER_BYTES });
  }
}

function readPort(c: Libc, descriptor: number, like: SocketAddress): number {
  const bound = Buffer.from(like.bytes);
  c.readSocketName(descriptor, bound);
  return decodePort(bound);
}

function printSubject(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
