import { printAddressOctets } from './addressOctets.ts';
import { decodeAttributes, readUint32 } from './attributes.ts';

/** An address of an interface (RTM_NEWADDR, RTM_DELADDR; rtnetlink(7)). */
export interface AddressMessage {
  /** Of the interface. */
  readonly index: number;
  /** The interface's own, canonical; not that of the other end of a point-to-point link. */
  readonly address: string;
  readonly prefixLength: number;
  /** Bits of ADDRESS_FLAGS. */
  readonly flags: number;
}

/** Message types, linux/rtnetlink.h. */
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;

/** Flags of an address, linux/if_addr.h. */
export const ADDRESS_FLAGS = {
  /** Somebody else has it (RFC 4862 section 5.4). */
  duplicate: 0x08,
  /** It is not known yet whether somebody else has it. */
  tentative: 0x40,
} as const;

const IFADDRMSG_BYTES = 8;
// linux/if_addr.h
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;

/** Parts of a request that dumps all addresses of all interfaces, of both families. */
export function encodeAddressDump(): readonly Buffer[] {
  return [Buffer.alloc(IFADDRMSG_BYTES)];
}

/** Reads the payload of an address message; `other`: of a family that is neither IPv4 nor IPv6; null: lengths do not fit. */
export function decodeAddressMessage(payload: Buffer): AddressMessage | 'other' | null {
  if (payload.length < IFADDRMSG_BYTES) return null;
  const addressBytes = ADDRESS_BYTES.get(payload.readUInt8(0));
  if (addressBytes === undefined) return 'other';
  const attributes = decodeAttributes(payload.subarray(IFADDRMSG_BYTES));
  // IFA_ADDRESS is the other end where there is one; then, and always with IPv4, IFA_LOCAL is our own.
  const octets = attributes?.get(IFA_LOCAL) ?? attributes?.get(IFA_ADDRESS);
  const prefixLength = payload.readUInt8(1);
  const index = payload.readUInt32LE(4);
  if (!attributes || octets?.length !== addressBytes || prefixLength > addressBytes * 8 || index === 0) return null;
  // The header has room for the lower eight flags only.
  const flags = readUint32(attributes, IFA_FLAGS) ?? payload.readUInt8(2);
  const address = printAddressOctets(octets);
  return address === null ? null : { index, address, prefixLength, flags };
}

const ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([[2, 4], [10, 16]]);
