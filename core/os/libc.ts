import { dlopen, getInt32, getRawPointer } from 'node:ffi';
import { SystemError } from './systemError.ts';

/**
 * The libc calls Gatehouse needs and Node.js does not offer: the only file that knows `node:ffi`, so that an addon can
 * take its place. Every call throws SystemError on failure; `subject` says in its message what was worked on.
 */
export interface Libc {
  /** socket(2), with SOCK_CLOEXEC and SOCK_NONBLOCK: children inherit only what is handed to them by position. */
  openSocket(family: number, type: SocketType, subject: string): number;
  /** socket(2) of any family, type and protocol, with the same flags. */
  openRawSocket(family: number, type: number, protocol: number, subject: string): number;
  /** socketpair(2): two ends of a Unix SOCK_SEQPACKET connection, with the same flags. */
  openPacketPair(): readonly [number, number];
  /** sendmsg(2) of the struct msghdr at the start of `message`; never waits, never signals. Answers the octets sent. */
  sendMessage(descriptor: number, message: Buffer): number;
  /** recvmsg(2) into what the struct msghdr at the start of `message` names; never waits. Answers the octets received, 0 at the end. */
  receiveMessage(descriptor: number, message: Buffer): number;
  /** The same for what may not have come: null when there is nothing. */
  receiveMessageIfAny(descriptor: number, message: Buffer): number | null;
  /** recv(2) into `bytes`; never waits. Answers the octets received, null when there is nothing. */
  receive(descriptor: number, bytes: Buffer): number | null;
  /** sendto(2), or send(2) where `socketAddress` is null; never waits, never signals. Answers false when the queue is full. */
  send(descriptor: number, bytes: Uint8Array, socketAddress: Buffer | null): boolean;
  /** poll(2) for something to read: waits up to `timeoutMs`, in this thread. Answers which of `descriptors` can be read, or have failed. */
  waitReadable(descriptors: readonly number[], timeoutMs: number): readonly number[];
  /** Where the first octet of `bytes` is, for pointers inside structs: valid as long as `bytes` is alive. */
  readonly addressOf: (bytes: Buffer) => bigint;
  /** setsockopt(2) with an int value. */
  setIntOption(descriptor: number, option: { readonly level: number; readonly name: number; readonly value: number }): void;
  /** setsockopt(2) with any value. */
  setOption(descriptor: number, option: { readonly level: number; readonly name: number; readonly value: Buffer }): void;
  /** bind(2). */
  bind(descriptor: number, socketAddress: Buffer, subject: string): void;
  /** listen(2). */
  listen(descriptor: number, backlog: number, subject: string): void;
  /** if_nametoindex(3); null: there is no such interface in this network namespace. */
  interfaceIndex(name: string): number | null;
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
  /** sched_setscheduler(2) of the calling thread: SCHED_RR with `priority` (1 to 99), not inherited by what it starts. */
  setRealTimePriority(priority: number): void;
  /** setpriority(2) of the calling thread: -20 (first) to 19 (last). */
  setNiceValue(nice: number): void;
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
const EINTR = 4;
const EAGAIN = 11;
const ENOBUFS = 105;
const POLLIN = 1;
/** struct pollfd: the descriptor, events asked for, events found. */
const POLLFD_BYTES = 8;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const RLIMIT_NOFILE = 7;
const SCHED_RR = 2;
const SCHED_RESET_ON_FORK = 0x4000_0000;
const PRIO_PROCESS = 0;
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
  const errno = (): number => getInt32(errnoAddress);
  const check = (result: number, syscall: string, subject: string): number => {
    if (result >= 0) return result;
    throw new SystemError({ syscall, errno: errno(), subject });
  };
  const binding: Binding = { c, errno, check };
  return {
    ...socketCalls(binding), ...optionCalls(binding), ...transferCalls(binding), ...processCalls(binding),
    addressOf: (bytes) => getRawPointer(bytes),
  };
}

/** The C functions, how the last of them failed, and what throws when one has. */
interface Binding {
  readonly c: ReturnType<typeof bindFunctions>;
  readonly errno: () => number;
  readonly check: (result: number, syscall: string, subject: string) => number;
}

function socketCalls({ c, check }: Binding): Pick<
  Libc, 'openSocket' | 'openRawSocket' | 'openPacketPair' | 'bind' | 'listen' | 'interfaceIndex' | 'readSocketName' | 'duplicate' | 'close'
> {
  return {
    openSocket: (family, type, subject) =>
      check(c.socket(family, SOCKET_TYPES[type] | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), 'open a socket for', subject),
    openRawSocket: (family, type, protocol, subject) =>
      check(c.socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol), 'open a socket for', subject),
    openPacketPair: () => {
      const pair = Buffer.alloc(8);
      check(c.socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 'open', 'a socket pair');
      return [pair.readInt32LE(0), pair.readInt32LE(4)];
    },
    bind: (descriptor, address, subject) => { check(c.bind(descriptor, address, address.length), 'bind', subject); },
    listen: (descriptor, backlog, subject) => { check(c.listen(descriptor, backlog), 'listen on', subject); },
    interfaceIndex: (name) => {
      const index = c.if_nametoindex(Buffer.from(`${name}\0`, 'utf8'));
      return index === 0 ? null : index;
    },
    readSocketName: (descriptor, address) => {
      check(c.getsockname(descriptor, address, int32(address.length)), 'read the address of', `descriptor ${descriptor}`);
    },
    duplicate: (descriptor) =>
      check(c.fcntl(descriptor, F_DUPFD_CLOEXEC, LOWEST_DUPLICATE), 'duplicate', `descriptor ${descriptor}`),
    close: (descriptor) => { check(c.close(descriptor), 'close', `descriptor ${descriptor}`); },
  };
}

function optionCalls({ c, check }: Binding): Pick<Libc, 'setIntOption' | 'setOption'> {
  const set = (descriptor: number, level: number, name: number, value: Buffer): void => {
    check(c.setsockopt(descriptor, level, name, value, value.length), 'set', `option ${level}/${name} of descriptor ${descriptor}`);
  };
  return {
    setIntOption: (descriptor, { level, name, value }) => { set(descriptor, level, name, int32(value)); },
    setOption: (descriptor, { level, name, value }) => { set(descriptor, level, name, value); },
  };
}

function transferCalls({ c, errno, check }: Binding): Pick<
  Libc, 'sendMessage' | 'receiveMessage' | 'receiveMessageIfAny' | 'receive' | 'send' | 'waitReadable'
> {
  return {
    sendMessage: (descriptor, message) =>
      check(Number(c.sendmsg(descriptor, message, MSG_DONTWAIT | MSG_NOSIGNAL)), 'send through', `descriptor ${descriptor}`),
    receiveMessage: (descriptor, message) =>
      check(Number(c.recvmsg(descriptor, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)), 'receive from', `descriptor ${descriptor}`),
    receiveMessageIfAny: (descriptor, message) => {
      const count = Number(c.recvmsg(descriptor, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
      if (count < 0 && [EAGAIN, EINTR].includes(errno())) return null;
      return check(count, 'receive from', `descriptor ${descriptor}`);
    },
    receive: (descriptor, bytes) => {
      const count = Number(c.recv(descriptor, bytes, BigInt(bytes.length), MSG_DONTWAIT));
      if (count < 0 && [EAGAIN, EINTR].includes(errno())) return null;
      return check(count, 'receive from', `descriptor ${descriptor}`);
    },
    send: (descriptor, bytes, address) => {
      const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
      const length = BigInt(bytes.length);
      const count = Number(address === null
        ? c.send(descriptor, bytes, length, flags)
        : c.sendto(descriptor, bytes, length, flags, address, address.length));
      if (count < 0 && [EAGAIN, ENOBUFS, EINTR].includes(errno())) return false;
      check(count, 'send through', `descriptor ${descriptor}`);
      return true;
    },
    waitReadable: (descriptors, timeoutMs) => {
      const entries = encodePollEntries(descriptors);
      const count = c.poll(entries, BigInt(descriptors.length), timeoutMs);
      if (count < 0 && errno() === EINTR) return [];
      check(count, 'wait for', `${descriptors.length} descriptors`);
      return descriptors.filter((_, index) => entries.readInt16LE(index * POLLFD_BYTES + 6) !== 0);
    },
  };
}

function processCalls({ c, check }: Binding): Pick<
  Libc, 'readDescriptorLimit' | 'writeDescriptorLimit' | 'setRealTimePriority' | 'setNiceValue' | 'exit'
> {
  return {
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
    // Linux takes 0 for the calling thread, in both.
    setRealTimePriority: (priority) => {
      check(c.sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, int32(priority)), 'set', `real-time priority ${priority}`);
    },
    setNiceValue: (nice) => { check(c.setpriority(PRIO_PROCESS, 0, nice), 'set', `nice value ${nice}`); },
    exit: (code) => { c._exit(code); },
  };
}

/** struct pollfd for each: the descriptor, POLLIN asked for, nothing found yet. */
function encodePollEntries(descriptors: readonly number[]): Buffer {
  // One entry at least: poll(2) is not to be handed an empty buffer.
  const entries = Buffer.alloc(Math.max(1, descriptors.length) * POLLFD_BYTES);
  for (const [index, descriptor] of descriptors.entries()) {
    entries.writeInt32LE(descriptor, index * POLLFD_BYTES);
    entries.writeInt16LE(POLLIN, index * POLLFD_BYTES + 4);
  }
  return entries;
}

/** With their C types. */
function bindFunctions() {
  // Null resolves in the running process, which has its libc loaded under whatever name.
  return dlopen(null, {
    socket: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
    socketpair: { arguments: ['int32', 'int32', 'int32', 'buffer'], return: 'int32' },
    sendmsg: { arguments: ['int32', 'buffer', 'int32'], return: 'int64' },
    recvmsg: { arguments: ['int32', 'buffer', 'int32'], return: 'int64' },
    recv: { arguments: ['int32', 'buffer', 'uint64', 'int32'], return: 'int64' },
    send: { arguments: ['int32', 'buffer', 'uint64', 'int32'], return: 'int64' },
    sendto: { arguments: ['int32', 'buffer', 'uint64', 'int32', 'buffer', 'uint32'], return: 'int64' },
    poll: { arguments: ['buffer', 'uint64', 'int32'], return: 'int32' },
    getrlimit: { arguments: ['int32', 'buffer'], return: 'int32' },
    setrlimit: { arguments: ['int32', 'buffer'], return: 'int32' },
    setsockopt: { arguments: ['int32', 'int32', 'int32', 'buffer', 'uint32'], return: 'int32' },
    bind: { arguments: ['int32', 'buffer', 'uint32'], return: 'int32' },
    listen: { arguments: ['int32', 'int32'], return: 'int32' },
    if_nametoindex: { arguments: ['buffer'], return: 'uint32' },
    getsockname: { arguments: ['int32', 'buffer', 'buffer'], return: 'int32' },
    fcntl: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
    close: { arguments: ['int32'], return: 'int32' },
    sched_setscheduler: { arguments: ['int32', 'int32', 'buffer'], return: 'int32' },
    setpriority: { arguments: ['int32', 'uint32', 'int32'], return: 'int32' },
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
