/** Frame types (RFC 9113 section 6). */
export const FRAME = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  resetStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goAway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
} as const;

/** Frame flags; `endStream` of DATA and HEADERS, `ack` of SETTINGS and PING are the same bit. */
export const FLAG = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** Error codes of RST_STREAM and GOAWAY (RFC 9113 section 7). */
export const ERROR_CODE = {
  noError: 0x0,
  protocolError: 0x1,
  internalError: 0x2,
  flowControlError: 0x3,
  streamClosed: 0x5,
  frameSizeError: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compressionError: 0x9,
  enhanceYourCalm: 0xb,
} as const;

export type ErrorCode = (typeof ERROR_CODE)[keyof typeof ERROR_CODE];

/** Setting identifiers (RFC 9113 section 6.5.2, RFC 8441 section 3). */
export const SETTING = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
  enableConnectProtocol: 0x8,
} as const;

/** What a client sends first (RFC 9113 section 3.4). */
export const CLIENT_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** Octets of every frame header. */
export const FRAME_HEADER_BYTES = 9;
/** Largest payload of a peer that has not said otherwise; also the largest that is taken here. */
export const DEFAULT_FRAME_BYTES = 16_384;
/** Largest flow-control window (RFC 9113 section 6.9.1) and highest stream id. */
export const MAX_31_BITS = 0x7fffffff;
/** Flow-control window of streams and connections before anybody says otherwise (RFC 9113 section 6.9.2). */
export const DEFAULT_WINDOW_BYTES = 65_535;
/** HPACK table of a peer that has not said otherwise; also what is kept here (RFC 9113 section 6.5.2). */
export const DEFAULT_TABLE_BYTES = 4096;

/** The nine octets in front of a payload of `length` octets, as latin1 text. */
export function frameHeader(type: number, flags: number, streamId: number, length: number): string {
  return String.fromCharCode(
    length >>> 16,
    (length >>> 8) & 0xff,
    length & 0xff,
    type,
    flags,
    (streamId >>> 24) & 0x7f,
    (streamId >>> 16) & 0xff,
    (streamId >>> 8) & 0xff,
    streamId & 0xff,
  );
}

/** RST_STREAM. */
export function resetFrame(streamId: number, code: ErrorCode): string {
  return frameHeader(FRAME.resetStream, 0, streamId, 4) + uint32(code);
}

/** GOAWAY; `lastStreamId`: requests above it have not been looked at and may be sent elsewhere. */
export function goAwayFrame(lastStreamId: number, code: ErrorCode): string {
  return frameHeader(FRAME.goAway, 0, 0, 8) + uint32(lastStreamId) + uint32(code);
}

/** WINDOW_UPDATE; stream 0 is the connection. */
export function windowUpdateFrame(streamId: number, increment: number): string {
  return frameHeader(FRAME.windowUpdate, 0, streamId, 4) + uint32(increment);
}

/** PING with eight octets of payload, latin1. */
export function pingFrame(payload: string, ack: boolean): string {
  return frameHeader(FRAME.ping, ack ? FLAG.ack : 0, 0, 8) + payload;
}

/** SETTINGS; identifiers and values in order. */
export function settingsFrame(entries: readonly (readonly [number, number])[]): string {
  const payload = entries.map(([id, value]) => String.fromCharCode(id >>> 8, id & 0xff) + uint32(value));
  return frameHeader(FRAME.settings, 0, 0, entries.length * 6) + payload.join('');
}

/** The answer to SETTINGS. */
export const SETTINGS_ACK: string = frameHeader(FRAME.settings, FLAG.ack, 0, 0);

/**
 * A field block as HEADERS and as many CONTINUATION frames as it needs, none of them above the frame size every peer
 * takes.
 */
export function headersFrames(streamId: number, block: Buffer, endStream: boolean): Buffer {
  const frames = Math.max(1, Math.ceil(block.length / DEFAULT_FRAME_BYTES));
  const whole = Buffer.allocUnsafe(frames * FRAME_HEADER_BYTES + block.length);
  let offset = 0;
  for (let index = 0; index < frames; index += 1) {
    const start = index * DEFAULT_FRAME_BYTES;
    const length = Math.min(DEFAULT_FRAME_BYTES, block.length - start);
    const isFirst = index === 0;
    const flags = (isFirst && endStream ? FLAG.endStream : 0) | (index === frames - 1 ? FLAG.endHeaders : 0);
    const header = frameHeader(isFirst ? FRAME.headers : FRAME.continuation, flags, streamId, length);
    offset += whole.write(header, offset, 'latin1');
    offset += block.copy(whole, offset, start, start + length);
  }
  return whole;
}

function uint32(value: number): string {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}
