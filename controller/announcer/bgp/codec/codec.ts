import { decodeUpdate } from './decodeUpdate.ts';
import { encodeUpdate } from './encodeUpdate.ts';
import { HEADER_ERROR } from './errorCodes.ts';
import { headerFault, type Decoded } from './fault.ts';
import { decodeHeader, encodeHeader, HEADER_LENGTH } from './header.ts';
import type { BgpMessage, CodecOptions, ReceivedMessage } from './message.ts';
import { decodeNotification, encodeNotification } from './notification.ts';
import { joinOctets, NO_OCTETS, octets16 } from './octets.ts';
import { decodeOpen, encodeOpen } from './open.ts';
import { decodeRouteRefresh, encodeRouteRefresh } from './routeRefresh.ts';

/** A message, or what to end the session with. */
export type DecodedMessage = Decoded<ReceivedMessage>;

/**
 * A message as it goes on the wire. Throws RangeError when it is longer than the peer takes, or when something in it
 * does not fit in its field or does not go together: those who send have to look before.
 */
export function encodeMessage(message: BgpMessage, options: CodecOptions): Uint8Array {
  const body = encodeBody(message, options);
  return joinOctets([encodeHeader({ type: message.type, length: HEADER_LENGTH + body.length }, options), body]);
}

/** Reads one whole message. Throws nothing; nothing in the answer is a view of `octets`. */
export function decodeMessage(octets: Uint8Array, options: CodecOptions): DecodedMessage {
  const decoded = decodeHeader(octets, options);
  if (!decoded.ok) return decoded;
  const { type, length } = decoded.header;
  if (length !== octets.length) {
    const text = `${octets.length} octets are no message of ${length}`;
    return headerFault(HEADER_ERROR.badMessageLength, text, octets16(length));
  }
  const body = octets.subarray(HEADER_LENGTH);
  switch (type) {
    case 'open':
      return decodeOpen(body);
    case 'update':
      return decodeUpdate(body, options);
    case 'notification':
      return { ok: true, message: decodeNotification(body) };
    case 'keepalive':
      return { ok: true, message: { type: 'keepalive' } };
    case 'routeRefresh':
      return decodeRouteRefresh(octets);
  }
}

function encodeBody(message: BgpMessage, options: CodecOptions): Uint8Array {
  switch (message.type) {
    case 'open':
      return encodeOpen(message);
    case 'update':
      return encodeUpdate(message, options);
    case 'notification':
      return encodeNotification(message);
    case 'keepalive':
      return NO_OCTETS;
    case 'routeRefresh':
      return encodeRouteRefresh(message);
  }
}
