import { encodeUint32, decodeAttributes, readNested, readText, readUint32, type Attributes } from './attributes.ts';

/** What the kernel tells about one network interface (RTM_NEWLINK, RTM_DELLINK; rtnetlink(7)). */
export interface LinkMessage {
  readonly index: number;
  readonly name: string;
  /** Six octets as `02:00:00:00:00:01`; empty for links without Ethernet addresses. */
  readonly mac: string;
  /** Bits of LINK_FLAGS. */
  readonly flags: number;
  /** Index of the interface it belongs to; null: none. */
  readonly master: number | null;
  /** `veth`, `bridge`, ...; empty: a device. */
  readonly kind: string;
  /** RFC 2863 state, 6: up; null: the message does not say. */
  readonly operationalState: number | null;
  /** Null: the message does not say. */
  readonly hasCarrier: boolean | null;
}

/** Message types, linux/rtnetlink.h. */
export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;

/** Flags of an interface, linux/if.h. */
export const LINK_FLAGS = {
  up: 0x1, broadcast: 0x2, loopback: 0x8, running: 0x40, noArp: 0x80, lowerUp: 0x1_0000,
} as const;

const IFINFOMSG_BYTES = 16;
const AF_UNSPEC = 0;
const ARPHRD_ETHER = 1;
const ETHERNET_ADDRESS_BYTES = 6;
/** IFNAMSIZ, without the zero. */
const MAX_NAME_CHARS = 15;
// linux/if_link.h
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MASTER = 10;
const IFLA_WIRELESS = 11;
const IFLA_OPERSTATE = 16;
const IFLA_LINKINFO = 18;
const IFLA_EXT_MASK = 29;
const IFLA_CARRIER = 33;
const IFLA_INFO_KIND = 1;
/** Counters make most of an answer and are of no use here. */
const RTEXT_FILTER_SKIP_STATS = 1 << 3;

/** Parts of a request that dumps all interfaces. */
export function encodeLinkDump(): readonly Buffer[] {
  return [Buffer.alloc(IFINFOMSG_BYTES), encodeUint32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)];
}

/**
 * Reads the payload of a link message. `other`: it is about something else that comes under the same types: ports of
 * bridges (AF_BRIDGE, which would look as if interfaces went away), and wireless scans, which lack most attributes.
 * Null: lengths do not fit, or it has no index or name.
 */
export function decodeLinkMessage(payload: Buffer): LinkMessage | 'other' | null {
  if (payload.length < IFINFOMSG_BYTES) return null;
  if (payload.readUInt8(0) !== AF_UNSPEC) return 'other';
  const attributes = decodeAttributes(payload.subarray(IFINFOMSG_BYTES));
  const information = attributes && readNested(attributes, IFLA_LINKINFO);
  if (attributes === null || information === null) return null;
  if (attributes.has(IFLA_WIRELESS)) return 'other';
  const index = payload.readInt32LE(4);
  const name = readText(attributes, IFLA_IFNAME);
  if (index <= 0 || name === '' || name.length > MAX_NAME_CHARS) return null;
  return {
    index,
    name,
    mac: payload.readUInt16LE(2) === ARPHRD_ETHER ? readMac(attributes) : '',
    flags: payload.readUInt32LE(8),
    master: readUint32(attributes, IFLA_MASTER) || null,
    kind: readText(information, IFLA_INFO_KIND),
    operationalState: readUint8(attributes, IFLA_OPERSTATE),
    hasCarrier: readBoolean(attributes, IFLA_CARRIER),
  };
}

function readMac(attributes: Attributes): string {
  const octets = attributes.get(IFLA_ADDRESS);
  if (octets?.length !== ETHERNET_ADDRESS_BYTES) return '';
  return octets.toString('hex').replace(/..(?!$)/g, '$&:');
}

function readUint8(attributes: Attributes, type: number): number | null {
  return attributes.get(type)?.[0] ?? null;
}

function readBoolean(attributes: Attributes, type: number): boolean | null {
  const value = readUint8(attributes, type);
  return value === null ? null : value !== 0;
}
