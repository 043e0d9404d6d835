import { getSystemErrorName } from 'node:util';
import { align, type NetlinkMessage } from './netlinkMessage.ts';
import { decodeAttributes, readText } from './attributes.ts';

/** What went wrong between us and the kernel. */
export type NetlinkFault =
  /** The kernel has refused a request: `errnoName` says why. */
  | 'refused'
  /** What it sent is not what it should be. */
  | 'malformed'
  /** It has not answered in time. */
  | 'timeout'
  /** It had to drop parts of its answer. */
  | 'overrun'
  /** What was asked for changed while it was told, each time it was tried. */
  | 'interrupted'
  /** It has done what was asked, and something else on this node undoes it. */
  | 'ineffective';

/** A request over netlink that failed; the message says which, why, and what to do about it. */
export class NetlinkError extends Error {
  readonly code: NetlinkFault;
  /** `EEXIST`; empty unless `refused`. */
  readonly errnoName: string;

  constructor(code: NetlinkFault, request: string, refusal: NetlinkRefusal = { errno: 0, detail: '' }) {
    const errnoName = refusal.errno === 0 ? '' : getSystemErrorName(-refusal.errno);
    const why = code === 'refused' ? `${errnoName}${refusal.detail === '' ? '' : ` (${refusal.detail})`}${ADVICE.get(errnoName) ?? ''}` : WORDS[code];
    super(`cannot ${request}: ${why}`);
    this.name = 'NetlinkError';
    this.code = code;
    this.errnoName = errnoName;
  }
}

/** An answer of the kernel: `errno` is positive, 0 when all is well; `detail` is its own explanation, empty if it gives none. */
export interface NetlinkRefusal {
  readonly errno: number;
  readonly detail: string;
}

const WORDS: Readonly<Record<Exclude<NetlinkFault, 'refused'>, string>> = {
  malformed: 'the kernel\'s answer cannot be read',
  timeout: 'the kernel has not answered',
  overrun: 'the kernel has dropped parts of its answer',
  interrupted: 'it changes faster than it can be read',
  ineffective: 'another rule or route on this node comes first; `ip rule` and `ip route show table all` list them',
};
const ADVICE: ReadonlyMap<string, string> = new Map([
  ['EPERM', '; this needs CAP_NET_ADMIN in the network namespace of the node'],
  ['EAFNOSUPPORT', '; the kernel lacks this address family or protocol'],
]);

const ERRNO_BYTES = 4;
const HEADER_BYTES = 16;
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;
const MAX_DETAIL_CHARS = 200;

/** Reads an NLMSG_ERROR, which also says that all is well, or an NLMSG_DONE; null when it is too short. */
export function decodeRefusal({ payload, flags }: NetlinkMessage): NetlinkRefusal | null {
  if (payload.length < ERRNO_BYTES) return null;
  return { errno: Math.abs(payload.readInt32LE(0)), detail: readDetail(payload, flags) };
}

/** Behind the error stands the header of the request, then the request unless it is capped, then attributes. */
function readDetail(payload: Buffer, flags: number): string {
  if ((flags & NLM_F_ACK_TLVS) === 0 || payload.length < ERRNO_BYTES + HEADER_BYTES) return '';
  const request = (flags & NLM_F_CAPPED) === 0 ? payload.readUInt32LE(ERRNO_BYTES) : HEADER_BYTES;
  if (request > payload.length - ERRNO_BYTES) return '';
  const attributes = decodeAttributes(payload.subarray(ERRNO_BYTES + align(request)));
  return attributes === null ? '' : readText(attributes, NLMSGERR_ATTR_MSG).slice(0, MAX_DETAIL_CHARS);
}
