import { constants } from 'node:os';
import { libc } from './libc.ts';
import { AF_INET, type AF_INET6, encodeSocketAddress } from './socketAddress.ts';
import { attachSocketFilter } from './socketFilter.ts';
import { SystemError } from './systemError.ts';

/** What a socket is opened with that receives a port's datagrams, whatever local address they are for. */
export interface DatagramReceiverRequest {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly port: number;
  /** SO_BINDTODEVICE: an interface, or a VRF's device, which stands for its interfaces; null: all. */
  readonly device: string | null;
  /** Program of `assembleBpf` over the UDP header and what follows it; what it drops never wakes anybody. Null: none. */
  readonly filter: Buffer | null;
  /** Octets the kernel may hold for it, its own overhead of several hundred per datagram included. */
  readonly receiveBufferBytes: number;
  /** Longer payloads are cut. */
  readonly maxPayloadBytes: number;
  /** Descriptors of this program's own receivers of that port for other devices: the kernel takes all devices and one of them for rivals. */
  readonly besides: readonly number[];
}

/** A datagram, and what the kernel says about it; `payload` is valid until the next one is received. Addresses are 4 or 16 octets in hexadecimal digits. */
export interface ReceivedDatagram {
  readonly payload: Buffer;
  readonly source: string;
  readonly destination: string;
  /** Where it came in; in a VRF the interface, not its device. */
  readonly interfaceIndex: number;
  /** TTL or hop limit. */
  readonly ttl: number;
}

export interface DatagramReceiver {
  readonly descriptor: number;
  /** The next one; null: none waits. Throws SystemError. */
  receive(): ReceivedDatagram | null;
  /** What waits is lost. Idempotent. */
  close(): void;
}

/** What a socket is opened with that only sends. */
export interface DatagramSenderRequest {
  /** Literal without a zone; link-local ones need `device`. */
  readonly localAddress: string;
  readonly localPort: number;
  /** SO_BINDTODEVICE; null: as the kernel routes. */
  readonly device: string | null;
  /** TTL or hop limit. */
  readonly ttl: number;
  /** The whole octet: type of service or traffic class. */
  readonly trafficClass: number;
}

export interface DatagramSender {
  /** Answers false when a queue was full. Throws SystemError. */
  send(payload: Uint8Array): boolean;
  close(): void;
}

// Linux values: asm-generic/socket.h, linux/in.h, linux/in6.h.
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_RCVBUF = 8;
const SO_PRIORITY = 12;
const SO_BINDTODEVICE = 25;
const IPPROTO_IP = 0;
const IP_TOS = 1;
const IP_TTL = 2;
const IP_PKTINFO = 8;
const IP_RECVTTL = 12;
const IPPROTO_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const IPV6_V6ONLY = 26;
const IPV6_RECVPKTINFO = 49;
const IPV6_PKTINFO = 50;
const IPV6_RECVHOPLIMIT = 51;
const IPV6_HOPLIMIT = 52;
const IPV6_TCLASS = 67;

/** TC_PRIO_INTERACTIVE: ahead of bulk traffic in the interface's queue, and the highest that needs no privilege. */
const INTERACTIVE_PRIORITY = 6;

/** Opens one that shares its port with no other program. Throws SystemError; EADDRINUSE: another has it. */
export function openDatagramReceiver(request: DatagramReceiverRequest): DatagramReceiver {
  const { family, port, device, filter, receiveBufferBytes, maxPayloadBytes, besides } = request;
  const { bytes } = encodeSocketAddress(family === AF_INET ? '0.0.0.0' : '::', port);
  const descriptor = open(family, `UDP port ${port}`, (socket) => {
    const set = intOptions(socket);
    set(SOL_SOCKET, SO_RCVBUF, Math.ceil(receiveBufferBytes / 2));
    if (family === AF_INET) {
      set(IPPROTO_IP, IP_PKTINFO, 1);
      set(IPPROTO_IP, IP_RECVTTL, 1);
    } else {
      set(IPPROTO_IPV6, IPV6_V6ONLY, 1);
      set(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
      set(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    }
    if (device !== null) bindToDevice(socket, device);
    // Before bind: nothing reaches it that has not passed.
    if (filter !== null) attachSocketFilter(socket, filter);
    const bind = (): void => { libc().bind(socket, bytes, `UDP port ${port}${device === null ? '' : ` of ${device}`}`); };
    if (besides.length === 0) bind();
    else asFriends([...besides, socket], bind);
  });
  const read = createReader(family, descriptor, maxPayloadBytes);
  let isOpen = true;
  const close = closeOnce(descriptor);
  return {
    descriptor,
    receive: () => isOpen ? read() : null,
    close: () => {
      isOpen = false;
      close();
    },
  };
}

/** Opens one bound to an address and a port. Throws SystemError; EADDRINUSE: the port is taken. */
export function openDatagramSender(request: DatagramSenderRequest, remote: { readonly address: string; readonly port: number }): DatagramSender {
  const { localAddress, localPort, device, ttl, trafficClass } = request;
  const { family, bytes } = encodeSocketAddress(localAddress, localPort);
  const destination = encodeSocketAddress(remote.address, remote.port).bytes;
  const descriptor = open(family, `UDP to ${remote.address}`, (socket) => {
    const set = intOptions(socket);
    if (family === AF_INET) {
      set(IPPROTO_IP, IP_TTL, ttl);
      set(IPPROTO_IP, IP_TOS, trafficClass);
    } else {
      set(IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
      set(IPPROTO_IPV6, IPV6_TCLASS, trafficClass);
    }
    // After IP_TOS, which chooses a priority of its own.
    set(SOL_SOCKET, SO_PRIORITY, INTERACTIVE_PRIORITY);
    if (device !== null) bindToDevice(socket, device);
    attachSocketFilter(socket, DROP_ALL);
    libc().bind(socket, bytes, `${localAddress}, UDP port ${localPort}`);
  });
  let isOpen = true;
  const close = closeOnce(descriptor);
  return {
    send: (payload) => isOpen && libc().send(descriptor, payload, destination),
    close: () => {
      isOpen = false;
      close();
    },
  };
}

/** struct sock_filter: return 0. Nobody reads what is sent to a socket that only sends. */
const DROP_ALL = Buffer.from('0600000000000000', 'hex');

function open(family: number, subject: string, prepare: (descriptor: number) => void): number {
  const descriptor = libc().openSocket(family, 'datagram', subject);
  try {
    prepare(descriptor);
  } catch (error) {
    libc().close(descriptor);
    throw error;
  }
  return descriptor;
}

function closeOnce(descriptor: number): () => void {
  let isOpen = true;
  return () => {
    if (isOpen) libc().close(descriptor);
    isOpen = false;
  };
}

/** Only while they are bound: later nobody else may share the port. */
function asFriends(sockets: readonly number[], bind: () => void): void {
  const setAll = (value: 0 | 1): void => {
    for (const socket of sockets) libc().setIntOption(socket, { level: SOL_SOCKET, name: SO_REUSEADDR, value });
  };
  setAll(1);
  try {
    bind();
  } finally {
    setAll(0);
  }
}

function intOptions(descriptor: number): (level: number, name: number, value: number) => void {
  return (level, name, value) => { libc().setIntOption(descriptor, { level, name, value }); };
}

function bindToDevice(descriptor: number, device: string): void {
  try {
    libc().setOption(descriptor, { level: SOL_SOCKET, name: SO_BINDTODEVICE, value: Buffer.from(`${device}\0`, 'utf8') });
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const errno = (constants.errno as Readonly<Record<string, number>>)[error.errnoName] ?? 0;
    throw new SystemError({ syscall: 'use', errno, subject: `interface ${device}` });
  }
}

// Linux, 64 bit, little-endian (x64 and arm64), all in one buffer that lives as long as the reader: struct msghdr (56 octets), struct
// iovec (16), the sender's address (28), control data, the payload.
const MSGHDR = { name: 0, namelen: 8, iov: 16, iovlen: 24, control: 32, controllen: 40, flags: 48 } as const;
const IOVEC_OFFSET = 56;
const NAME_OFFSET = 72;
const NAME_BYTES = 28;
const CONTROL_OFFSET = 104;
/** Two elements, of which the longest is in6_pktinfo: 16 + 20, rounded up, and 16 + 4. */
const CONTROL_BYTES = 128;
const PAYLOAD_OFFSET = CONTROL_OFFSET + CONTROL_BYTES;
const CMSGHDR = { len: 0, level: 8, type: 12, data: 16 } as const;

function createReader(family: number, descriptor: number, maxPayloadBytes: number): () => ReceivedDatagram | null {
  const message = Buffer.alloc(PAYLOAD_OFFSET + maxPayloadBytes);
  const address = libc().addressOf(message);
  const [nameAt, nameBytes] = family === AF_INET ? [NAME_OFFSET + 4, 4] : [NAME_OFFSET + 8, 16];
  message.writeBigUInt64LE(address + BigInt(NAME_OFFSET), MSGHDR.name);
  message.writeBigUInt64LE(address + BigInt(IOVEC_OFFSET), MSGHDR.iov);
  message.writeBigUInt64LE(1n, MSGHDR.iovlen);
  message.writeBigUInt64LE(address + BigInt(CONTROL_OFFSET), MSGHDR.control);
  message.writeBigUInt64LE(address + BigInt(PAYLOAD_OFFSET), IOVEC_OFFSET);
  message.writeBigUInt64LE(BigInt(maxPayloadBytes), IOVEC_OFFSET + 8);
  return () => {
    // The kernel writes here how much it has used.
    message.writeUInt32LE(NAME_BYTES, MSGHDR.namelen);
    message.writeBigUInt64LE(BigInt(CONTROL_BYTES), MSGHDR.controllen);
    const octets = libc().receiveMessageIfAny(descriptor, message);
    if (octets === null) return null;
    return {
      payload: message.subarray(PAYLOAD_OFFSET, PAYLOAD_OFFSET + octets),
      source: message.toString('hex', nameAt, nameAt + nameBytes),
      ...readControl(message),
    };
  };
}

/** What is not said is 0 or empty. */
function readControl(message: Buffer): Pick<ReceivedDatagram, 'destination' | 'interfaceIndex' | 'ttl'> {
  const end = CONTROL_OFFSET + Math.min(CONTROL_BYTES, Number(message.readBigUInt64LE(MSGHDR.controllen)));
  let destination = '';
  let interfaceIndex = 0;
  let ttl = 0;
  for (let start = CONTROL_OFFSET; start + CMSGHDR.data <= end;) {
    const bytes = Number(message.readBigUInt64LE(start + CMSGHDR.len));
    if (bytes < CMSGHDR.data || start + bytes > end) break;
    const level = message.readInt32LE(start + CMSGHDR.level);
    const type = message.readInt32LE(start + CMSGHDR.type);
    const at = start + CMSGHDR.data;
    if (level === IPPROTO_IP && type === IP_TTL || level === IPPROTO_IPV6 && type === IPV6_HOPLIMIT) ttl = message.readInt32LE(at);
    if (level === IPPROTO_IP && type === IP_PKTINFO) {
      // struct in_pktinfo: the interface, the local address, the address in the header.
      interfaceIndex = message.readInt32LE(at);
      destination = message.toString('hex', at + 8, at + 12);
    }
    if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO) {
      interfaceIndex = message.readInt32LE(at + 16);
      destination = message.toString('hex', at, at + 16);
    }
    start += Math.ceil(bytes / 8) * 8;
  }
  return { destination, interfaceIndex, ttl };
}
