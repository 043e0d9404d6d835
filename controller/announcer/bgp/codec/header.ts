import { HEADER_ERROR } from './errorCodes.ts';
import { headerFault, type Refused } from './fault.ts';
import type { BgpMessage, CodecOptions } from './message.ts';
import { octets16, read16 } from './octets.ts';

/** Octets of the header: marker, length, type (RFC 4271 section 4.1). */
export const HEADER_LENGTH = 19;
/** Largest message (RFC 4271 section 4). */
export const MAX_MESSAGE_LENGTH = 4096;
/** Largest message, but for OPEN and KEEPALIVE, once both sides have said so (RFC 8654 section 4). */
export const MAX_EXTENDED_MESSAGE_LENGTH = 65_535;

type MessageType = BgpMessage['type'];

/** Message types (RFC 4271 section 4.1; ROUTE-REFRESH: RFC 2918 section 3). */
const TYPE_CODES: Readonly<Record<MessageType, number>> = { open: 1, update: 2, notification: 3, keepalive: 4, routeRefresh: 5 };
const TYPES: readonly MessageType[] = ['open', 'update', 'notification', 'keepalive', 'routeRefresh'];
/** Shortest messages (RFC 4271 sections 4.2 to 4.5 and 6.1; RFC 2918 section 3). */
const MIN_LENGTHS: Readonly<Record<MessageType, number>> = { open: 29, update: 23, notification: 21, keepalive: 19, routeRefresh: 23 };
const MARKER_LENGTH = 16;
const LENGTH_OFFSET = 16;
const TYPE_OFFSET = 18;
const MARKER = 0xff;

export interface BgpHeader {
  readonly type: MessageType;
  /** Of the whole message, the header included. */
  readonly length: number;
}

/** A header, or why there is no use in reading on. */
export type DecodedHeader = { readonly ok: true; readonly header: BgpHeader } | Refused;

/** Octets that a message of this type may have at most (RFC 8654 section 4). */
export function maxMessageLength(type: MessageType, { extendedMessages }: CodecOptions): number {
  return extendedMessages && type !== 'open' && type !== 'keepalive' ? MAX_EXTENDED_MESSAGE_LENGTH : MAX_MESSAGE_LENGTH;
}

/**
 * Reads the first 19 octets: what cannot become a message is refused before more of it is taken (RFC 4271 section
 * 6.1).
 */
export function decodeHeader(octets: Uint8Array, options: CodecOptions): DecodedHeader {
  for (let offset = 0; offset < MARKER_LENGTH; offset += 1) {
    if (octets[offset] !== MARKER) {
      return headerFault(HEADER_ERROR.connectionNotSynchronized, 'the marker is not all ones');
    }
  }
  const length = octets.length < HEADER_LENGTH ? octets.length : read16(octets, LENGTH_OFFSET);
  if (length < HEADER_LENGTH) return badLength(length, `a message of ${length} octets is shorter than its header`);
  const code = octets[TYPE_OFFSET] ?? 0;
  const type = TYPES.find((known) => TYPE_CODES[known] === code);
  const largest = maxMessageLength(type ?? 'update', options);
  if (length > largest) return badLength(length, `a message of ${length} octets is longer than ${largest}`);
  if (type === undefined) return headerFault(HEADER_ERROR.badMessageType, `message type ${code} is unknown`, [code]);
  const shortest = MIN_LENGTHS[type];
  if (length < shortest) {
    return badLength(length, `a message of type ${type} with ${length} octets is shorter than ${shortest}`);
  }
  if (type === 'keepalive' && length !== shortest) {
    return badLength(length, `a keepalive has ${length} octets, not ${shortest}`);
  }
  return { ok: true, header: { type, length } };
}

/** The header of a message of this length. Throws RangeError when it is too long for its type. */
export function encodeHeader({ type, length }: BgpHeader, options: CodecOptions): readonly number[] {
  const largest = maxMessageLength(type, options);
  if (length > largest) throw new RangeError(`a message of type ${type} with ${length} octets is longer than ${largest}`);
  return [...Array.from({ length: MARKER_LENGTH }, () => MARKER), ...octets16(length), TYPE_CODES[type]];
}

function badLength(length: number, text: string): Refused {
  return headerFault(HEADER_ERROR.badMessageLength, text, octets16(length));
}
