import { familyOf, familyOfAfi } from './addressFamily.ts';
import {
  ADD_PATH_RECEIVE, ADD_PATH_SEND, CAPABILITY_CODE, FORWARDING_FLAG, MAX_RESTART_TIME_S, NOTIFICATION_FLAG, RESTART_FLAG,
} from './capabilityCode.ts';
import { OPEN_ERROR } from './errorCodes.ts';
import { openFault, type Refused } from './fault.ts';
import type { AddressFamily, Capability } from './message.ts';
import { copyOctets, read16, read24, read32 } from './octets.ts';
import { readableText } from './readableText.ts';

/** Answers null when the value has not the form of its code; `other` when it is to be ignored. */
type ValueDecoder = (value: Uint8Array) => Exclude<Capability, { type: 'other' }> | 'other' | null;

const DECODERS: ReadonlyMap<number, ValueDecoder> = new Map([
  [CAPABILITY_CODE.multiprotocol, multiprotocol],
  [CAPABILITY_CODE.routeRefresh, (value) => (value.length === 0 ? { type: 'routeRefresh' } : null)],
  [CAPABILITY_CODE.extendedNextHop, extendedNextHop],
  [CAPABILITY_CODE.extendedMessage, (value) => (value.length === 0 ? { type: 'extendedMessage' } : null)],
  [CAPABILITY_CODE.role, (value) => (value.length === 1 ? { type: 'role', role: value[0] ?? 0 } : null)],
  [CAPABILITY_CODE.gracefulRestart, gracefulRestart],
  [CAPABILITY_CODE.fourOctetAsn, (value) => (value.length === 4 ? { type: 'fourOctetAsn', asn: read32(value, 0) } : null)],
  [CAPABILITY_CODE.addPath, addPath],
  [CAPABILITY_CODE.enhancedRouteRefresh, (value) => (value.length === 0 ? { type: 'enhancedRouteRefresh' } : null)],
  [CAPABILITY_CODE.longLivedGracefulRestart, longLivedGracefulRestart],
  [CAPABILITY_CODE.fqdn, fqdn],
] satisfies [number, ValueDecoder][]);

/**
 * Reads the value of a Capabilities parameter (RFC 5492 section 4) and puts what it has behind what earlier ones had.
 * A capability that runs beyond the parameter, or that is known and has not its form, is OPEN Message
 * Error/Unspecific. Null: all were read.
 */
export function decodeCapabilities(octets: Uint8Array, into: Capability[]): Refused | null {
  let offset = 0;
  while (offset < octets.length) {
    const code = octets[offset] ?? 0;
    const start = offset + 2;
    const end = start + (octets[offset + 1] ?? 0);
    if (start > octets.length || end > octets.length) {
      return openFault(OPEN_ERROR.unspecific, `capability ${code} ends beyond its parameter`);
    }
    const value = octets.subarray(start, end);
    const decoded = (DECODERS.get(code) ?? ignore)(value);
    if (decoded === null) {
      return openFault(OPEN_ERROR.unspecific, `capability ${code} is malformed: ${value.length} octets`);
    }
    // A copy: what it is a view of is the buffer of the connection.
    into.push(decoded === 'other' ? { type: 'other', code, value: copyOctets(value) } : decoded);
    offset = end;
  }
  return null;
}

function ignore(): 'other' {
  return 'other';
}

function multiprotocol(value: Uint8Array): ReturnType<ValueDecoder> {
  if (value.length !== 4) return null;
  // The octet between them is reserved (RFC 4760 section 8).
  const family = familyOf(read16(value, 0), value[3] ?? 0);
  return family === null ? 'other' : { type: 'multiprotocol', family };
}

function gracefulRestart(value: Uint8Array): ReturnType<ValueDecoder> {
  if (value.length % 4 !== 2) return null;
  const head = read16(value, 0);
  return {
    type: 'gracefulRestart',
    restarting: ((head >>> 12) & RESTART_FLAG) !== 0,
    notification: ((head >>> 12) & NOTIFICATION_FLAG) !== 0,
    restartTimeS: head & MAX_RESTART_TIME_S,
    families: tuples(value.subarray(2), 4, (tuple, family) => ({
      family, forwarding: ((tuple[3] ?? 0) & FORWARDING_FLAG) !== 0,
    })),
  };
}

function longLivedGracefulRestart(value: Uint8Array): ReturnType<ValueDecoder> {
  if (value.length % 7 !== 0) return null;
  return {
    type: 'longLivedGracefulRestart',
    families: tuples(value, 7, (tuple, family) => ({
      family, forwarding: ((tuple[3] ?? 0) & FORWARDING_FLAG) !== 0, staleTimeS: read24(tuple, 4),
    })),
  };
}

function addPath(value: Uint8Array): ReturnType<ValueDecoder> {
  if (value.length % 4 !== 0) return null;
  for (let offset = 3; offset < value.length; offset += 4) {
    // RFC 7911 section 4: of another value the capability is to be ignored.
    const directions = value[offset] ?? 0;
    if (directions === 0 || directions > (ADD_PATH_SEND | ADD_PATH_RECEIVE)) return 'other';
  }
  return {
    type: 'addPath',
    families: tuples(value, 4, (tuple, family) => ({
      family, send: ((tuple[3] ?? 0) & ADD_PATH_SEND) !== 0, receive: ((tuple[3] ?? 0) & ADD_PATH_RECEIVE) !== 0,
    })),
  };
}

function extendedNextHop(value: Uint8Array): ReturnType<ValueDecoder> {
  if (value.length % 6 !== 0) return null;
  const entries: { family: AddressFamily; nextHop: AddressFamily }[] = [];
  for (let offset = 0; offset < value.length; offset += 6) {
    const safi = read16(value, offset + 2);
    const family = familyOf(read16(value, offset), safi);
    const nextHop = familyOfAfi(read16(value, offset + 4));
    const known = entries.some((entry) => entry.family === family && entry.nextHop === nextHop);
    if (family !== null && nextHop !== null && !known) entries.push({ family, nextHop });
  }
  return { type: 'extendedNextHop', entries };
}

/** Names are for people alone: a session does not fail for them. */
function fqdn(value: Uint8Array): ReturnType<ValueDecoder> {
  const hostLength = value[0] ?? 0;
  const domainLength = value[hostLength + 1] ?? 0;
  const domainStart = hostLength + 2;
  if (domainStart + domainLength > value.length) return 'other';
  const hostName = readableText(value.subarray(1, hostLength + 1));
  const domainName = readableText(value.subarray(domainStart, domainStart + domainLength));
  return hostName === null || domainName === null ? 'other' : { type: 'fqdn', hostName, domainName };
}

/**
 * Entries that begin with AFI and SAFI: the first of each family that is spoken here (RFC 7911 section 4), so that
 * there are few.
 */
function tuples<T extends { readonly family: AddressFamily }>(
  octets: Uint8Array, length: number, decode: (tuple: Uint8Array, family: AddressFamily) => T,
): readonly T[] {
  const found: T[] = [];
  for (let offset = 0; offset < octets.length; offset += length) {
    const tuple = octets.subarray(offset, offset + length);
    const family = familyOf(read16(tuple, 0), tuple[2] ?? 0);
    if (family !== null && found.every((entry) => entry.family !== family)) found.push(decode(tuple, family));
  }
  return found;
}
