import type { AF_INET, AF_INET6 } from '../../../core/os/socketAddress.ts';
import { decodeAttributes, encodeAttribute, encodeNested, encodeUint32, readNested, type Attributes } from './attributes.ts';

/** One entry of connection tracking, as far as it can be told apart and deleted. */
export interface ConntrackEntry {
  readonly family: number;
  /** IANA protocol number. */
  readonly protocol: number;
  /** Where the client has sent its packets to. */
  readonly destination: FlowEnd;
  /** Who answers: the endpoint, where the destination was translated. */
  readonly responder: FlowEnd;
  /** Attributes that name just this entry. */
  readonly identity: readonly Buffer[];
}

/** An address of 4 or 16 octets and a port. */
export interface FlowEnd {
  readonly octets: Buffer;
  readonly port: number;
}

/** Which entries are wanted: those of the family, and of what is not null. Kernels before 5.9 look at the family alone. */
export interface ConntrackFilter {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly protocol: number | null;
  /** Address of the destination. */
  readonly destination: Buffer | null;
  /** Port of the destination; taken only together with a protocol. */
  readonly port: number | null;
}

/** Upper octet of the type, linux/netfilter/nfnetlink.h. */
const NFNL_SUBSYS_CTNETLINK = 1 << 8;
/** Message types, linux/netfilter/nfnetlink_conntrack.h; NEW is also what a list consists of. */
export const CONNTRACK_NEW = NFNL_SUBSYS_CTNETLINK;
export const CONNTRACK_GET = NFNL_SUBSYS_CTNETLINK | 1;
export const CONNTRACK_DELETE = NFNL_SUBSYS_CTNETLINK | 2;
export const CONNTRACK_GET_STATISTICS = NFNL_SUBSYS_CTNETLINK | 5;

const NFGENMSG_BYTES = 4;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_ID = 12;
const CTA_ZONE = 18;
const CTA_FILTER = 25;
const CTA_FILTER_ORIG_FLAGS = 1;
const CTA_STATS_GLOBAL_ENTRIES = 1;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
/** Attribute types of source and destination by length of the address. */
const IP_TYPES: ReadonlyMap<number, { readonly source: number; readonly destination: number }> = new Map([
  [4, { source: 1, destination: 2 }], [16, { source: 3, destination: 4 }],
]);
/** Bits of CTA_FILTER_ORIG_FLAGS (net/netfilter/nf_internals.h): which parts of the tuple must fit. */
const FILTER = { destination: 1 << 1, protocol: 1 << 3, port: 1 << 5 } as const;

/** Parts of a request that dumps the entries of `filter`. */
export function encodeConntrackDump({ family, protocol, destination, port }: ConntrackFilter): readonly Buffer[] {
  const wantedPort = protocol === null ? null : port;
  const flags = (destination === null ? 0 : FILTER.destination) | (protocol === null ? 0 : FILTER.protocol) | (wantedPort === null ? 0 : FILTER.port);
  if (flags === 0) return [encodeFamily(family)];
  const tuple: Buffer[] = [];
  const types = IP_TYPES.get(destination?.length ?? 0);
  if (destination !== null && types !== undefined) tuple.push(encodeNested(CTA_TUPLE_IP, [encodeAttribute(types.destination, destination)]));
  if (protocol !== null) {
    const ports = wantedPort === null ? [] : [encodeAttribute(CTA_PROTO_DST_PORT, encodePort(wantedPort))];
    tuple.push(encodeNested(CTA_TUPLE_PROTO, [encodeAttribute(CTA_PROTO_NUM, Buffer.of(protocol)), ...ports]));
  }
  return [
    encodeFamily(family),
    encodeNested(CTA_TUPLE_ORIG, tuple),
    encodeNested(CTA_FILTER, [encodeUint32(CTA_FILTER_ORIG_FLAGS, flags)]),
  ];
}

/** Parts of a request that deletes this entry, and none that has its place by now. */
export function encodeConntrackDelete({ family, identity }: ConntrackEntry): readonly Buffer[] {
  return [encodeFamily(family), ...identity];
}

/** Reads the payload of a CONNTRACK_NEW; null: lengths do not fit, or it has no ports (ICMP and others). */
export function decodeConntrackEntry(payload: Buffer): ConntrackEntry | null {
  if (payload.length < NFGENMSG_BYTES) return null;
  const attributes = decodeAttributes(payload.subarray(NFGENMSG_BYTES));
  if (attributes === null) return null;
  const original = readTuple(attributes, CTA_TUPLE_ORIG);
  const reply = readTuple(attributes, CTA_TUPLE_REPLY);
  if (original === null || reply === null) return null;
  return {
    family: payload.readUInt8(0),
    protocol: original.protocol,
    destination: original.destination,
    responder: reply.source,
    identity: [CTA_TUPLE_ORIG, CTA_ZONE, CTA_ID].flatMap((type) => {
      const value = attributes.get(type);
      // A nested attribute must say so again; flat ones never do.
      return value === undefined ? [] : [type === CTA_TUPLE_ORIG ? encodeNested(type, [value]) : encodeAttribute(type, value)];
    }),
  };
}

/** Parts of a request for the statistics of the whole table. */
export function encodeConntrackStatistics(): readonly Buffer[] {
  return [encodeFamily(0)];
}

/** Reads the number of entries from the answer to it; null: it is not there. */
export function decodeConntrackCount(payload: Buffer): number | null {
  if (payload.length < NFGENMSG_BYTES) return null;
  const count = decodeAttributes(payload.subarray(NFGENMSG_BYTES))?.get(CTA_STATS_GLOBAL_ENTRIES);
  return count?.length === 4 ? count.readUInt32BE(0) : null;
}

interface Tuple {
  readonly protocol: number;
  readonly source: FlowEnd;
  readonly destination: FlowEnd;
}

function readTuple(attributes: Attributes, type: number): Tuple | null {
  const tuple = readNested(attributes, type);
  const addresses = tuple && readNested(tuple, CTA_TUPLE_IP);
  const ports = tuple && readNested(tuple, CTA_TUPLE_PROTO);
  const protocol = ports?.get(CTA_PROTO_NUM)?.[0];
  if (!addresses || !ports || protocol === undefined) return null;
  const source = readEnd(readAddress(addresses, 'source'), ports.get(CTA_PROTO_SRC_PORT));
  const destination = readEnd(readAddress(addresses, 'destination'), ports.get(CTA_PROTO_DST_PORT));
  return source === null || destination === null ? null : { protocol, source, destination };
}

function readAddress(addresses: Attributes, end: 'source' | 'destination'): Buffer | undefined {
  for (const [length, types] of IP_TYPES) {
    const octets = addresses.get(types[end]);
    if (octets?.length === length) return octets;
  }
  return undefined;
}

function readEnd(octets: Buffer | undefined, port: Buffer | undefined): FlowEnd | null {
  return octets === undefined || port?.length !== 2 ? null : { octets, port: port.readUInt16BE(0) };
}

function encodeFamily(family: number): Buffer {
  return Buffer.of(family, 0, 0, 0);
}

function encodePort(port: number): Buffer {
  return Buffer.of(port >> 8, port & 0xff);
}
