import type { AF_INET, AF_INET6 } from '../../../core/os/socketAddress.ts';
import type { AddressOctets } from './addressOctets.ts';
import { decodeAttributes, encodeAttribute, encodeUint32, readUint32 } from './attributes.ts';

/** A route as far as policy routing and route lookups need it (RTM_NEWROUTE; rtnetlink(7)). */
export interface RouteMessage {
  readonly family: number;
  /** Of the destination; 0: the default route. */
  readonly prefixLength: number;
  /** ROUTE_UNICAST, ROUTE_LOCAL or another. */
  readonly type: number;
  /** Who has made it, RTPROT. */
  readonly protocol: number;
  readonly table: number;
  /** Index of the interface it leads through; null: none, or several. */
  readonly interfaceIndex: number | null;
}

/** The route `local default dev INTERFACE table TABLE`. */
export interface LocalDefaultRoute {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly table: number;
  readonly protocol: number;
  readonly interfaceIndex: number;
}

/** Message types, linux/rtnetlink.h. */
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;

/** Types of routes, linux/rtnetlink.h. */
export const ROUTE_UNICAST = 1;
export const ROUTE_LOCAL = 2;

const RTMSG_BYTES = 12;
/** The answer names the table that the route stands in, not `main`; for IPv6 it always does, and refuses the flag. */
const RTM_F_LOOKUP_TABLE = 0x1000;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_HOST = 254;
const AF_INET_VALUE = 2;
// linux/rtnetlink.h
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const RTA_MARK = 16;
const RTNEXTHOP_BYTES = 8;

/** Parts of a request for the route that packets with `mark` (0: none) take to one address. */
export function encodeRouteLookup({ family, octets }: AddressOctets, mark = 0): readonly Buffer[] {
  const header = Buffer.alloc(RTMSG_BYTES);
  header.writeUInt8(family, 0);
  header.writeUInt8(octets.length * 8, 1);
  if (family === AF_INET_VALUE) header.writeUInt32LE(RTM_F_LOOKUP_TABLE, 8);
  return [header, encodeAttribute(RTA_DST, octets), encodeUint32(RTA_MARK, mark)];
}

/** Parts of a request that dumps the routes of a family which `protocol` has made; kernels before 4.20 tell all. */
export function encodeRouteDump(family: number, protocol: number): readonly Buffer[] {
  const header = Buffer.alloc(RTMSG_BYTES);
  header.writeUInt8(family, 0);
  header.writeUInt8(protocol, 5);
  return [header];
}

/** Parts of a request that adds or deletes this route. */
export function encodeLocalDefaultRoute({ family, table, protocol, interfaceIndex }: LocalDefaultRoute): readonly Buffer[] {
  const header = Buffer.alloc(RTMSG_BYTES);
  header.writeUInt8(family, 0);
  // The header has room for tables below 256; RTA_TABLE says it in full.
  header.writeUInt8(table < 256 ? table : 0, 4);
  header.writeUInt8(protocol, 5);
  header.writeUInt8(family === AF_INET_VALUE ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE, 6);
  header.writeUInt8(ROUTE_LOCAL, 7);
  return [header, encodeUint32(RTA_TABLE, table), encodeUint32(RTA_OIF, interfaceIndex)];
}

/** Reads the payload of a route message; null: lengths do not fit. */
export function decodeRouteMessage(payload: Buffer): RouteMessage | null {
  if (payload.length < RTMSG_BYTES) return null;
  const attributes = decodeAttributes(payload.subarray(RTMSG_BYTES));
  if (attributes === null) return null;
  return {
    family: payload.readUInt8(0),
    prefixLength: payload.readUInt8(1),
    table: readUint32(attributes, RTA_TABLE) ?? payload.readUInt8(4),
    protocol: payload.readUInt8(5),
    type: payload.readUInt8(7),
    interfaceIndex: readUint32(attributes, RTA_OIF) ?? readFirstHop(attributes.get(RTA_MULTIPATH)),
  };
}

/** struct rtnexthop: length, flags, hops, index. */
function readFirstHop(hops: Buffer | undefined): number | null {
  return hops === undefined || hops.length < RTNEXTHOP_BYTES ? null : hops.readInt32LE(4);
}
