import type { ClientLimits } from '../../../core/ir/settings.ts';
import { FieldLines } from './fieldLines.ts';
import { CLIENT_PREFACE, DEFAULT_FRAME_BYTES, ERROR_CODE, FLAG, FRAME, FRAME_HEADER_BYTES, type ErrorCode } from './frames.ts';
import { HpackDecoder } from './hpackDecoder.ts';

/** CONTINUATION frames of one block, ours: with frames of 16 KiB four hold the largest head taken; nghttp2 takes 8. */
const MAX_CONTINUATIONS = 16;
const SETTING_BYTES = 6;

/** One frame's meaning; a field block with its CONTINUATION frames is one event. `bytes`: frame headers included. */
export type H2Event =
  | { readonly type: 'headers'; readonly streamId: number; readonly endStream: boolean; readonly lines: FieldLines; readonly dependsOnSelf: boolean; readonly bytes: number }
  /** `flowBytes`: what flow control counts, padding included. */
  | { readonly type: 'data'; readonly streamId: number; readonly endStream: boolean; readonly payload: Buffer; readonly flowBytes: number }
  | { readonly type: 'priority'; readonly streamId: number; readonly dependsOnSelf: boolean }
  | { readonly type: 'reset'; readonly streamId: number; readonly code: number }
  | { readonly type: 'settings'; readonly entries: readonly (readonly [number, number])[] }
  | { readonly type: 'settingsAck' }
  /** `payload`: eight octets, latin1. */
  | { readonly type: 'ping'; readonly ack: boolean; readonly payload: string }
  | { readonly type: 'goAway'; readonly code: number }
  | { readonly type: 'windowUpdate'; readonly streamId: number; readonly increment: number }
  | { readonly type: 'unknown' }
  | ConnectionFault;

/** The connection is lost: GOAWAY with `code`, then close (RFC 9113 section 5.4.1). */
export interface ConnectionFault {
  readonly type: 'fault';
  readonly code: ErrorCode;
  /** For logs; holds no received octets. */
  readonly detail: string;
}

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

interface OpenBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly dependsOnSelf: boolean;
  readonly parts: Buffer[];
  bytes: number;
  continuations: number;
}

/**
 * Octets of a client in, events out (RFC 9113 sections 3.4, 4 and 6): preface, frames, field blocks. Pull, as the decoder
 * of HTTP/1.1: push what the socket gave, take events until null. Knows frames, not streams. Behind a fault nothing is
 * read. Holds one frame (16 KiB) and one field block at most.
 */
export class H2Input {
  readonly #hpack = new HpackDecoder();
  readonly #limits: () => ClientLimits;
  readonly #chunks: Buffer[] = [];
  #buffered = 0;
  #state: 'preface' | 'settings' | 'open' | 'failed' = 'preface';
  #block: OpenBlock | null = null;

  constructor(limits: () => ClientLimits) {
    this.#limits = limits;
  }

  /** Nothing is half received: the deadline of a head runs while this is false. */
  get idle(): boolean {
    return this.#state === 'open' && this.#buffered === 0 && this.#block === null;
  }

  /** Nothing has come at all. */
  get untouched(): boolean {
    return this.#state === 'preface' && this.#buffered === 0;
  }

  /** The preface with the first SETTINGS has come. */
  get established(): boolean {
    return this.#state === 'open';
  }

  push(chunk: Buffer): void {
    if (this.#state === 'failed' || chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
  }

  /** The next event; null: push more. */
  next(): H2Event | null {
    for (;;) {
      if (this.#state === 'failed') return null;
      if (this.#state === 'preface') {
        const fault = this.#readPreface();
        if (fault !== 'read') return fault;
      }
      const frame = this.#readFrame();
      if (frame === null) return null;
      const event = 'detail' in frame ? frame : this.#interpret(frame);
      if (event?.type === 'fault') this.#fail();
      if (event !== null) return event;
    }
  }

  #fail(): void {
    this.#state = 'failed';
    this.#chunks.length = 0;
    this.#buffered = 0;
    this.#block = null;
  }

  #readPreface(): ConnectionFault | 'read' | null {
    const start = this.#peek(Math.min(this.#buffered, CLIENT_PREFACE.length)).toString('latin1');
    if (!CLIENT_PREFACE.startsWith(start)) {
      this.#fail();
      return fault('protocolError', 'invalid connection preface (RFC 9113 3.4)');
    }
    if (start.length < CLIENT_PREFACE.length) return null;
    this.#take(CLIENT_PREFACE.length);
    this.#state = 'settings';
    return 'read';
  }

  #readFrame(): Frame | ConnectionFault | null {
    if (this.#buffered < FRAME_HEADER_BYTES) return null;
    const header = this.#peek(FRAME_HEADER_BYTES);
    const length = header.readUIntBE(0, 3);
    if (length > DEFAULT_FRAME_BYTES) return fault('frameSizeError', 'frame above SETTINGS_MAX_FRAME_SIZE (RFC 9113 4.2)');
    if (this.#buffered < FRAME_HEADER_BYTES + length) return null;
    const frame = this.#take(FRAME_HEADER_BYTES + length);
    const streamId = frame.readUInt32BE(5) & 0x7fffffff;
    return { type: frame[3] ?? 0, flags: frame[4] ?? 0, streamId, payload: frame.subarray(FRAME_HEADER_BYTES) };
  }

  #interpret(frame: Frame): H2Event | null {
    if (this.#block !== null && (frame.type !== FRAME.continuation || frame.streamId !== this.#block.streamId)) {
      return fault('protocolError', 'a frame inside a field block (RFC 9113 6.10)');
    }
    if (this.#state === 'settings') {
      if (frame.type !== FRAME.settings || (frame.flags & FLAG.ack) !== 0) {
        return fault('protocolError', 'the first frame is not SETTINGS (RFC 9113 3.4)');
      }
      this.#state = 'open';
    }
    switch (frame.type) {
      case FRAME.data:
        return readData(frame);
      case FRAME.headers:
        return this.#beginBlock(frame);
      case FRAME.continuation:
        return this.#continueBlock(frame);
      case FRAME.pushPromise:
        return fault('protocolError', 'PUSH_PROMISE from a client (RFC 9113 8.4)');
      default:
        return readControl(frame);
    }
  }

  #beginBlock(frame: Frame): H2Event | null {
    if (frame.streamId === 0) return fault('protocolError', 'HEADERS on stream 0 (RFC 9113 6.2)');
    let part = withoutPadding(frame);
    if (part === null) return fault('protocolError', 'invalid padding (RFC 9113 6.2)');
    let dependsOnSelf = false;
    if ((frame.flags & FLAG.priority) !== 0) {
      if (part.length < 5) return fault('frameSizeError', 'HEADERS cut short (RFC 9113 6.2)');
      dependsOnSelf = (part.readUInt32BE(0) & 0x7fffffff) === frame.streamId;
      part = part.subarray(5);
    }
    const endStream = (frame.flags & FLAG.endStream) !== 0;
    const bytes = FRAME_HEADER_BYTES + frame.payload.length;
    const block = { streamId: frame.streamId, endStream, dependsOnSelf, parts: [part], bytes, continuations: 0 };
    if ((frame.flags & FLAG.endHeaders) !== 0) return this.#endBlock(block);
    this.#block = block;
    return null;
  }

  #continueBlock(frame: Frame): H2Event | null {
    const block = this.#block;
    if (block === null) return fault('protocolError', 'CONTINUATION without a field block (RFC 9113 6.10)');
    block.parts.push(frame.payload);
    block.bytes += FRAME_HEADER_BYTES + frame.payload.length;
    block.continuations += 1;
    // Decoded octets are at least as many as 5/8 of the encoded ones: twice the limit can only be refused.
    const isFlood = block.continuations > MAX_CONTINUATIONS || block.bytes > 2 * this.#limits().headerBytes + DEFAULT_FRAME_BYTES;
    if (isFlood) return fault('enhanceYourCalm', 'field block without an end (RFC 9113 10.5.1)');
    if ((frame.flags & FLAG.endHeaders) === 0) return null;
    this.#block = null;
    return this.#endBlock(block);
  }

  #endBlock(block: OpenBlock): H2Event {
    const [first] = block.parts;
    const octets = block.parts.length === 1 && first !== undefined ? first : Buffer.concat(block.parts);
    const lines = new FieldLines(this.#limits());
    if (!this.#hpack.decode(octets, (name, value) => lines.add(name, value))) {
      return fault('compressionError', 'field block off the grammar (RFC 7541)');
    }
    const { streamId, endStream, dependsOnSelf, bytes } = block;
    return { type: 'headers', streamId, endStream, lines, dependsOnSelf, bytes };
  }

  /** The first `length` octets, which are there; they stay. */
  #peek(length: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= length) return first.subarray(0, length);
    return this.#join().subarray(0, length);
  }

  #take(length: number): Buffer {
    const whole = this.#chunks[0] !== undefined && this.#chunks[0].length >= length ? this.#chunks[0] : this.#join();
    this.#buffered -= length;
    if (whole.length === length) this.#chunks.shift();
    else this.#chunks[0] = whole.subarray(length);
    return whole.subarray(0, length);
  }

  #join(): Buffer {
    const whole = Buffer.concat(this.#chunks);
    this.#chunks.length = 0;
    this.#chunks.push(whole);
    return whole;
  }
}

function readData(frame: Frame): H2Event {
  if (frame.streamId === 0) return fault('protocolError', 'DATA on stream 0 (RFC 9113 6.1)');
  const payload = withoutPadding(frame);
  if (payload === null) return fault('protocolError', 'invalid padding (RFC 9113 6.1)');
  const endStream = (frame.flags & FLAG.endStream) !== 0;
  return { type: 'data', streamId: frame.streamId, endStream, payload, flowBytes: frame.payload.length };
}

/** Null: more padding than payload. */
function withoutPadding({ flags, payload }: Frame): Buffer | null {
  if ((flags & FLAG.padded) === 0) return payload;
  const padding = payload[0];
  if (padding === undefined || padding + 1 > payload.length) return null;
  return payload.subarray(1, payload.length - padding);
}

function readControl(frame: Frame): H2Event {
  const { streamId, payload } = frame;
  switch (frame.type) {
    case FRAME.priority:
      if (streamId === 0) return fault('protocolError', 'PRIORITY on stream 0 (RFC 9113 6.3)');
      if (payload.length !== 5) return fault('frameSizeError', 'PRIORITY of another length than 5 (RFC 9113 6.3)');
      return { type: 'priority', streamId, dependsOnSelf: (payload.readUInt32BE(0) & 0x7fffffff) === streamId };
    case FRAME.resetStream:
      if (streamId === 0) return fault('protocolError', 'RST_STREAM on stream 0 (RFC 9113 6.4)');
      if (payload.length !== 4) return fault('frameSizeError', 'RST_STREAM of another length than 4 (RFC 9113 6.4)');
      return { type: 'reset', streamId, code: payload.readUInt32BE(0) };
    case FRAME.windowUpdate:
      if (payload.length !== 4) return fault('frameSizeError', 'WINDOW_UPDATE of another length than 4 (RFC 9113 6.9)');
      return { type: 'windowUpdate', streamId, increment: payload.readUInt32BE(0) & 0x7fffffff };
    case FRAME.settings:
    case FRAME.ping:
    case FRAME.goAway:
      return streamId === 0 ? readConnectionFrame(frame) : fault('protocolError', 'a frame of the connection on a stream (RFC 9113 6)');
    default:
      return { type: 'unknown' };
  }
}

function readConnectionFrame({ type, flags, payload }: Frame): H2Event {
  const isAck = (flags & FLAG.ack) !== 0;
  if (type === FRAME.ping) {
    if (payload.length !== 8) return fault('frameSizeError', 'PING of another length than 8 (RFC 9113 6.7)');
    return { type: 'ping', ack: isAck, payload: payload.toString('latin1') };
  }
  if (type === FRAME.goAway) {
    if (payload.length < 8) return fault('frameSizeError', 'GOAWAY shorter than 8 (RFC 9113 6.8)');
    return { type: 'goAway', code: payload.readUInt32BE(4) };
  }
  if (isAck) return payload.length === 0 ? { type: 'settingsAck' } : fault('frameSizeError', 'SETTINGS ACK with a payload (RFC 9113 6.5)');
  if (payload.length % SETTING_BYTES !== 0) return fault('frameSizeError', 'SETTINGS cut short (RFC 9113 6.5)');
  const entries: [number, number][] = [];
  for (let at = 0; at < payload.length; at += SETTING_BYTES) entries.push([payload.readUInt16BE(at), payload.readUInt32BE(at + 2)]);
  return { type: 'settings', entries };
}

/** A fault of the connection. */
export function fault(code: keyof typeof ERROR_CODE, detail: string): ConnectionFault {
  return { type: 'fault', code: ERROR_CODE[code], detail };
}
