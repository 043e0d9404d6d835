import { afiOctets, familyOf, SAFI_UNICAST } from './addressFamily.ts';
import { ROUTE_REFRESH_ERROR } from './errorCodes.ts';
import { routeRefreshFault, type Decoded } from './fault.ts';
import { HEADER_LENGTH } from './header.ts';
import type { RouteRefreshMessage } from './message.ts';
import { read16 } from './octets.ts';

/** Message Subtypes (RFC 7313 section 3.2); in RFC 2918 the octet is reserved and 0. */
const REQUEST = 0;
const BEGIN = 1;
const END = 2;
const BODY_LENGTH = 4;

/** The body of a ROUTE-REFRESH. Throws RangeError for what is only received: no family, subtype `other`. */
export function encodeRouteRefresh({ family, subtype }: RouteRefreshMessage): Uint8Array {
  if (family === null || subtype === 'other') {
    throw new RangeError('a ROUTE-REFRESH is for a family and of a known subtype');
  }
  const octet = { request: REQUEST, begin: BEGIN, end: END }[subtype];
  return Uint8Array.from([...afiOctets(family), octet, SAFI_UNICAST]);
}

/**
 * Reads a whole ROUTE-REFRESH. Filters behind a request (RFC 5291) were never agreed on: it is a request for all.
 * Beginnings and ends of another length are RFC 7313's own error.
 */
export function decodeRouteRefresh(message: Uint8Array): Decoded<RouteRefreshMessage> {
  const body = message.subarray(HEADER_LENGTH);
  const subtype = subtypeOf(body[2] ?? 0);
  if ((subtype === 'begin' || subtype === 'end') && body.length !== BODY_LENGTH) {
    const text = `a ROUTE-REFRESH that says ${subtype} has ${body.length} octets, not ${BODY_LENGTH}`;
    return routeRefreshFault(ROUTE_REFRESH_ERROR.invalidMessageLength, text, message);
  }
  return { ok: true, message: { type: 'routeRefresh', family: familyOf(read16(body, 0), body[3] ?? 0), subtype } };
}

function subtypeOf(octet: number): RouteRefreshMessage['subtype'] {
  switch (octet) {
    case REQUEST:
      return 'request';
    case BEGIN:
      return 'begin';
    case END:
      return 'end';
    default:
      return 'other';
  }
}
