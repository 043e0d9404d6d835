import { getSystemErrorName } from 'node:util';

/** Failures a caller may want to tell apart; everything else is `other`, its name stands in `errnoName`. */
export const SYSTEM_ERROR_CODES = ['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL', 'EMFILE', 'other'] as const;
export type SystemErrorCode = (typeof SYSTEM_ERROR_CODES)[number];

/** A libc call that failed. The message says which call, on what, why, and what to do about it. */
export class SystemError extends Error {
  readonly code: SystemErrorCode;
  /** The kernel's name, `EBADF`. */
  readonly errnoName: string;
  readonly syscall: string;

  constructor(call: { readonly syscall: string; readonly errno: number; readonly subject: string }) {
    const errnoName = getSystemErrorName(-call.errno);
    const code = SYSTEM_ERROR_CODES.find((known) => known === errnoName) ?? 'other';
    super(`cannot ${call.syscall} ${call.subject}: ${errnoName}${ADVICE[code]}`);
    this.name = 'SystemError';
    this.code = code;
    this.errnoName = errnoName;
    this.syscall = call.syscall;
  }
}

const ADVICE: Readonly<Record<SystemErrorCode, string>> = {
  EADDRINUSE: '; another process holds this address (`ss -ltunp` names it): stop it, or choose another address or port',
  EACCES: '; ports below net.ipv4.ip_unprivileged_port_start need root or CAP_NET_BIND_SERVICE: grant it, or choose a higher port',
  EADDRNOTAVAIL: '; no interface of this machine has this address: add it, or choose a local one',
  EMFILE: '; the limit of open descriptors is reached: raise it (ulimit -n, LimitNOFILE)',
  other: '',
};
