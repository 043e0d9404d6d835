import { dlopen, getInt32 } from 'node:ffi';
import { SystemError } from './systemError.ts';

/**
 * The libc calls Gatehouse needs and Node.js does not offer: the only file that knows `node:ffi`, so that an addon can
 * take its place. Every call throws SystemError on failure; `subject` says in its message what was worked on.
 */
export interface Libc {
  /** socket(2), with SOCK_CLOEXEC and SOCK_NONBLOCK: children inherit only what is handed to them by position. */
  openStreamSocket(family: number, subject: string): number;
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
  /** _exit(2): ends the process at once, where process.exit waits for worker threads, even for one that never returns. */
  exit(code: number): void;
}

// Linux values, alike on x64 and arm64 (asm-generic).
const SOCK_STREAM = 1;
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
  // Null resolves in the running process, which has its libc loaded under whatever name.
  const { functions: c } = dlopen(null, {
    socket: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
    setsockopt: { arguments: ['int32', 'int32', 'int32', 'buffer', 'uint32'], return: 'int32' },
    bind: { arguments: ['int32', 'buffer', 'uint32'], return: 'int32' },
    listen: { arguments: ['int32', 'int32'], return: 'int32' },
    getsockname: { arguments: ['int32', 'buffer', 'buffer'], return: 'int32' },
    fcntl: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
    close: { arguments: ['int32'], return: 'int32' },
    _exit: { arguments: ['int32'], return: 'void' },
    __errno_location: { arguments: [], return: 'pointer' },
  });
  // The address is this thread's for good; reading memory right after a call leaves nothing between to overwrite errno.
  const errnoAddress = c.__errno_location();
  const check = (result: number, syscall: string, subject: string): number => {
    if (result >= 0) return result;
    throw new SystemError({ syscall, errno: getInt32(errnoAddress), subject });
  };
  return {
    openStreamSocket: (family, subject) =>
      check(c.socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), 'open a socket for', subject),
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
    exit: (code) => { c._exit(code); },
  };
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  // Both supported architectures (x64, arm64) are little-endian.
  bytes.writeInt32LE(value);
  return bytes;
}
