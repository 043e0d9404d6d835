import { dlopen, getInt32, getRawPointer } from 'node:ffi';
import { SystemError } from './systemError.ts';

/**
 * The libc calls Gatehouse needs and Node.js does not offer: the only file that knows `node:ffi`, so that an addon can
 * take its place. Every call throws SystemError on failure; `subject` says in its message what was worked on.
 */
export interface Libc {
  /** socket(2), with SOCK_CLOEXEC and SOCK_NONBLOCK: children inherit only what is handed to them by position. */
  openSocket(family: number, type: SocketType, subject: string): number;
  /** socketpair(2): two ends of a Unix SOCK_SEQPACKET connection, with the same flags. */
  openPacketPair(): readonly [number, number];
  /** sendmsg(2) of the struct msghdr at the start of `message`; never waits, never signals. Answers the octets sent. */
  sendMessage(descriptor: number, message: Buffer): number;
  /** recvmsg(2) into what the struct msghdr at the start of `message` names; never waits. Answers the octets received, 0 at the end. */
  receiveMessage(descriptor: number, message: Buffer): number;
  /** Where the first octet of `bytes` is, for pointers inside structs: valid as long as `bytes` is alive. */
  readonly addressOf: (bytes: Buffer) => bigint;
  /** setsockopt(2) with an int value. */
  setIntOption(descriptor: number, option: { readonly level: number; readonly name: number; readonly value: number }): void;
  /** bind(2). */
  bind(descriptor: number, socketAddress: Buffer, subject: string): void;
  /** listen(2). */
  listen(descriptor: number, backlog: number, subject: string): void;
  /** getsockname(2) into `socketAddress`, which must be as long as the family's address. */
  readSocketName(descriptor: number, socketAddress: Buffer): void;
  /** fcntl(F_DUPFD_CLOEXEC): a second descriptor, at least 3, of the same open socket. */
  duplicate(descriptor: number): number;
  /** close(2). */
  close(descriptor: number): void;
  /** getrlimit(RLIMIT_NOFILE). */
  readDescriptorLimit(): DescriptorLimit;
  /** setrlimit(RLIMIT_NOFILE) of this process and of the children it starts from now on. */
  writeDescriptorLimit(limit: DescriptorLimit): void;
  /** _exit(2): ends the process at once, where process.exit waits for worker threads, even for one that never returns. */
  exit(code: number): void;
}

/** What a socket carries: connections (TCP) or datagrams (UDP). */
export type SocketType = 'stream' | 'datagram';

/** How many descriptors a process may hold: `soft` binds now, and may be raised up to `hard`. */
export interface DescriptorLimit {
  readonly soft: number;
  readonly hard: number;
}

// Linux values, alike on x64 and arm64 (asm-generic).
const SOCKET_TYPES: Readonly<Record<SocketType, number>> = { stream: 1, datagram: 2 };
const SOCK_SEQPACKET = 5;
const AF_UNIX = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const RLIMIT_NOFILE = 7;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const F_DUPFD_CLOEXEC = 1030;
const LOWEST_DUPLICATE = 3;

let loaded: Libc | null = null;

/** The running process's own libc, glibc or musl, bound at the first call. Each thread binds its own. */
export function libc(): Libc {
  loaded ??= load();
  return loaded;
}

function load(): Libc {
  const c = bindFunctions();
  // The address is this thread's for good; reading memory right after a call leaves nothing between to overwrite errno.
  const errnoAddress = c.__errno_location();
  const check = (result: number, syscall: string, subject: string): number => {
    if (result >= 0) return result;
    throw new SystemError({ syscall, errno: getInt32(errnoAddress), subject });
  };
  return {
    openSocket: (family, type, subject) =>
      check(c.socket(family, SOCKET_TYPES[type] | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), 'open a socket for', subject),
    openPacketPair: () => {
      const pair = Buffer.alloc(8);
      check(c.socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 'open', 'a socket pair');
      return [pair.readInt32LE(0), pair.readInt32LE(4)];
    },
    sendMessage: (descriptor, message) =>
      check(Number(c.sendmsg(descriptor, message, MSG_DONTWAIT | MSG_NOSIGNAL)), 'send through', `descriptor ${descriptor}`),
    receiveMessage: (descriptor, message) =>
      check(Number(c.recvmsg(descriptor, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)), 'receive from', `descriptor ${descriptor}`),
    addressOf: (bytes) => getRawPointer(bytes),
    setIntOption: (descriptor, { level, name, value }) => {
      const subject = `option ${level}/${name} of descriptor ${descriptor}`;
      check(c.setsockopt(descriptor, level, name, int32(value), 4), 'set', subject);
    },
    bind: (descriptor, address, subject) => { check(c.bind(descriptor, address, address.length), 'bind', subject); },
    listen: (descriptor, backlog, subject) => { check(c.listen(descriptor, backlog), 'listen on', subject); },
    readSocketName: (descriptor, address) => {
      check(c.getsockname(descriptor, address, int32(address.length)), 'read the address of', `descriptor ${descriptor}`);
    },
    duplicate: (descriptor) =>
      check(c.fcntl(descriptor, F_DUPFD_CLOEXEC, LOWEST_DUPLICATE), 'duplicate', `descriptor ${descriptor}`),
    close: (descriptor) => { check(c.close(descriptor), 'close', `descriptor ${descriptor}`); },
    readDescriptorLimit: () => {
      const limit = Buffer.alloc(16);
      check(c.getrlimit(RLIMIT_NOFILE, limit), 'read', 'the limit of open descriptors');
      return { soft: Number(limit.readBigUInt64LE(0)), hard: Number(limit.readBigUInt64LE(8)) };
    },
    writeDescriptorLimit: ({ soft, hard }) => {
      const limit = Buffer.alloc(16);
      limit.writeBigUInt64LE(BigInt(soft), 0);
      limit.writeBigUInt64LE(BigInt(hard), 8);
      check(c.setrlimit(RLIMIT_NOFILE, limit), 'set', `the limit of open descriptors to ${soft} of ${hard}`);
    },
    exit: (code) => { c._exit(code); },
  };
}

/** With their C types. */
function bindFunctions() {
  // Null resolves in the running process, which has its libc loaded under whatever name.
  return dlopen(null, {
    socket: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
    socketpair: { arguments: ['int32', 'int32', 'int32', 'buffer'], return: 'int32' },
    sendmsg: { arguments: ['int32', 'buffer', 'int32'], return: 'int64' },
    recvmsg: { arguments: ['int32', 'buffer', 'int32'], return: 'int64' },
    getrlimit: { arguments: ['int32', 'buffer'], return: 'int32' },
    setrlimit: { arguments: ['int32', 'buffer'], return: 'int32' },
    setsockopt: { arguments: ['int32', 'int32', 'int32', 'buffer', 'uint32'], return: 'int32' },
    bind: { arguments: ['int32', 'buffer', 'uint32'], return: 'int32' },
    listen: { arguments: ['int32', 'int32'], return: 'int32' },
    getsockname: { arguments: ['int32', 'buffer', 'buffer'], return: 'int32' },
    fcntl: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
    close: { arguments: ['int32'], return: 'int32' },
    _exit: { arguments: ['int32'], return: 'void' },
    __errno_location: { arguments: [], return: 'pointer' },
  }).functions;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  // Both supported architectures (x64, arm64) are little-endian.
  bytes.writeInt32LE(value);
  return bytes;
}
