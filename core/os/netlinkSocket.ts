import { libc } from './libc.ts';
import { SystemError } from './systemError.ts';

/** Netlink protocols, linux/netlink.h. */
export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

/** What one receive found: a datagram of whole messages, nothing, or that the kernel had to drop some because the queue was full. */
export type NetlinkInput = Buffer | 'nothing' | 'overrun';

/** A socket to a part of the kernel, netlink(7). It never waits unless `wait` is called. */
export interface NetlinkSocket {
  /** Sends one request to the kernel, which works on it before this returns. Throws SystemError. */
  send(request: Buffer): void;
  /**
   * Takes the next datagram. It stays valid until the next call. One that is longer than the socket's buffer is cut,
   * which its last message's length shows. Throws SystemError.
   */
  receive(): NetlinkInput;
  /** Waits in this thread until there is something to receive, at most `timeoutMs`; answers whether there is. */
  wait(timeoutMs: number): boolean;
  /** Does nothing the second time. */
  close(): void;
}

export interface NetlinkSocketOptions {
  readonly protocol: typeof NETLINK_ROUTE | typeof NETLINK_NETFILTER;
  /** Multicast groups to hear, by number. */
  readonly groups: readonly number[];
  /** Octets of the longest datagram that is received whole. */
  readonly datagramBytes: number;
  /** Octets the kernel may queue for us; null: its default. More than net.core.rmem_max needs CAP_NET_ADMIN, else that is the limit. */
  readonly queueBytes: number | null;
}

// linux/socket.h and linux/netlink.h, alike on x64 and arm64.
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
/** An error answer does not repeat the request. */
const NETLINK_CAP_ACK = 10;
/** An error answer says in words what is wrong. */
const NETLINK_EXT_ACK = 11;
/** Lists are filtered by what the request's header says. */
const NETLINK_GET_STRICT_CHK = 12;
const SOCKADDR_NL_BYTES = 12;
const SUBJECT = 'netlink';

/** Opens one, bound to a port of the kernel's choice. Throws SystemError; then nothing is left open. */
export function openNetlinkSocket(options: NetlinkSocketOptions): NetlinkSocket {
  const descriptor = libc().openRawSocket(AF_NETLINK, SOCK_RAW, options.protocol, SUBJECT);
  try {
    configure(descriptor, options);
  } catch (error) {
    libc().close(descriptor);
    throw error;
  }
  return wrap(descriptor, Buffer.alloc(options.datagramBytes));
}

function configure(descriptor: number, { groups, queueBytes }: NetlinkSocketOptions): void {
  const c = libc();
  for (const name of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK]) c.setIntOption(descriptor, { level: SOL_NETLINK, name, value: 1 });
  if (queueBytes !== null) setQueue(descriptor, queueBytes);
  const address = Buffer.alloc(SOCKADDR_NL_BYTES);
  address.writeUInt16LE(AF_NETLINK, 0);
  c.bind(descriptor, address, SUBJECT);
  for (const value of groups) c.setIntOption(descriptor, { level: SOL_NETLINK, name: NETLINK_ADD_MEMBERSHIP, value });
}

function setQueue(descriptor: number, value: number): void {
  try {
    libc().setIntOption(descriptor, { level: SOL_SOCKET, name: SO_RCVBUFFORCE, value });
  } catch (error) {
    if (!(error instanceof SystemError && error.errnoName === 'EPERM')) throw error;
    libc().setIntOption(descriptor, { level: SOL_SOCKET, name: SO_RCVBUF, value });
  }
}

function wrap(descriptor: number, buffer: Buffer): NetlinkSocket {
  const c = libc();
  let isOpen = true;
  return {
    send: (request) => {
      if (!c.send(descriptor, request, null)) throw new SystemError({ syscall: 'send', errno: EAGAIN, subject: 'a netlink request' });
    },
    receive: () => {
      try {
        const count = c.receive(descriptor, buffer);
        return count === null ? 'nothing' : buffer.subarray(0, count);
      } catch (error) {
        if (error instanceof SystemError && error.errnoName === 'ENOBUFS') return 'overrun';
        throw error;
      }
    },
    wait: (timeoutMs) => c.waitReadable([descriptor], timeoutMs).length > 0,
    close: () => {
      if (isOpen) c.close(descriptor);
      isOpen = false;
    },
  };
}

const EAGAIN = 11;
