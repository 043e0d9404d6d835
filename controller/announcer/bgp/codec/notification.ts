import { CEASE, ERROR, HEADER_ERROR, nameError, OPEN_ERROR } from './errorCodes.ts';
import type { BgpFault, NotificationMessage } from './message.ts';
import { copyOctets, NO_OCTETS, joinOctets, octets8, read16 } from './octets.ts';
import { readableText, utf8UpTo } from './readableText.ts';

/** A shutdown communication (RFC 9003 section 2), octets of UTF-8. */
const MAX_COMMUNICATION_LENGTH = 255;
/** Of data that nobody here can read, so many octets are shown. */
const SHOWN_OCTETS = 16;

/** The body of a NOTIFICATION (RFC 4271 section 4.5). Throws RangeError when a code has no octet. */
export function encodeNotification({ code, subcode, data }: NotificationMessage): Uint8Array {
  return joinOctets([octets8(code), octets8(subcode), data]);
}

/**
 * Reads the body of a NOTIFICATION, of at least two octets: there are no faults in it, as it is never answered (RFC
 * 4271 section 6.4).
 */
export function decodeNotification(body: Uint8Array): NotificationMessage {
  // A copy: what it is a view of is the buffer of the connection.
  return { type: 'notification', code: body[0] ?? 0, subcode: body[1] ?? 0, data: copyOctets(body.subarray(2)) };
}

/** What to tell the peer of a fault. */
export function notificationOf({ code, subcode, data }: Pick<BgpFault, 'code' | 'subcode' | 'data'>): NotificationMessage {
  return { type: 'notification', code, subcode, data };
}

/**
 * Cease (RFC 4486) with a text for the people on the other side (RFC 9003), which only Administrative Shutdown and
 * Administrative Reset carry; cut off behind the last whole character within 255 octets. Empty: none.
 */
export function ceaseNotification(subcode: (typeof CEASE)[keyof typeof CEASE], text = ''): NotificationMessage {
  const communication = utf8UpTo(carriesText(subcode) ? text : '', MAX_COMMUNICATION_LENGTH);
  const data = communication.length === 0 ? NO_OCTETS : joinOctets([[communication.length], communication]);
  return { type: 'notification', code: ERROR.cease, subcode, data };
}

/** The same as Hard Reset: a peer with graceful restart drops the routes (RFC 8538 section 3.1). */
export function hardReset({ code, subcode, data }: NotificationMessage): NotificationMessage {
  return { type: 'notification', code: ERROR.cease, subcode: CEASE.hardReset, data: joinOctets([[code, subcode], data]) };
}

/**
 * A NOTIFICATION in words, such as `Cease/Administrative Shutdown: "maintenance"`, on one line and fit for a log
 * whatever the peer has written: at most a few hundred characters.
 */
export function describeNotification(notification: Pick<NotificationMessage, 'code' | 'subcode' | 'data'>): string {
  const { code, subcode, data } = notification;
  if (code === ERROR.cease && subcode === CEASE.hardReset && data.length >= 2) {
    const inner = { code: data[0] ?? 0, subcode: data[1] ?? 0, data: data.subarray(2) };
    // One within another is nobody's business: it is not unpacked, so that depth has an end.
    const isNested = inner.code === ERROR.cease && inner.subcode === CEASE.hardReset;
    return `${nameError(code, subcode)} (${isNested ? nameError(inner.code, inner.subcode) : describeNotification(inner)})`;
  }
  const detail = data.length === 0 ? '' : describeData(code, subcode, data);
  return detail === '' ? nameError(code, subcode) : `${nameError(code, subcode)}: ${detail}`;
}

function describeData(code: number, subcode: number, data: Uint8Array): string {
  if (code === ERROR.cease && carriesText(subcode)) return communicationOf(data) ?? inHex(data);
  if (code === ERROR.messageHeader && subcode === HEADER_ERROR.badMessageLength && data.length === 2) {
    return `${read16(data, 0)} octets`;
  }
  if (code === ERROR.messageHeader && subcode === HEADER_ERROR.badMessageType && data.length === 1) {
    return `type ${data[0] ?? 0}`;
  }
  if (code === ERROR.open && subcode === OPEN_ERROR.unsupportedVersionNumber && data.length === 2) {
    return `it speaks version ${read16(data, 0)}`;
  }
  if (code === ERROR.open && subcode === OPEN_ERROR.unsupportedCapability) {
    return `${capabilityCodes(data)} (${inHex(data)})`;
  }
  return inHex(data);
}

/** RFC 9003 section 2: a length and as much UTF-8. Empty: there is none. Null: it has not this form. */
function communicationOf(data: Uint8Array): string | null {
  const length = data[0] ?? 0;
  if (length + 1 > data.length) return null;
  const text = readableText(data.subarray(1, length + 1));
  return text === null || text === '' ? text : `"${text}"`;
}

function carriesText(subcode: number): boolean {
  return subcode === CEASE.administrativeShutdown || subcode === CEASE.administrativeReset;
}

/** RFC 5492 section 5: the capabilities that cause it, as they would be in an OPEN. */
function capabilityCodes(data: Uint8Array): string {
  const codes: number[] = [];
  for (let offset = 0; offset < data.length && codes.length < SHOWN_OCTETS; offset += 2 + (data[offset + 1] ?? 0)) {
    codes.push(data[offset] ?? 0);
  }
  return `capability ${codes.join(', ')}`;
}

function inHex(data: Uint8Array): string {
  const shown = Buffer.from(data.subarray(0, SHOWN_OCTETS)).toString('hex');
  return `data 0x${shown}${data.length > SHOWN_OCTETS ? `... of ${data.length} octets` : ''}`;
}
