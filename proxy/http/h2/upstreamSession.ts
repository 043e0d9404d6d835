import { connect, constants, type ClientHttp2Session, type ClientSessionOptions } from 'node:http2';
import type { LookupFunction, Socket } from 'node:net';
import type { UpstreamKeepAlive } from '../../../core/ir/settings.ts';
import type { Clock } from '../../../core/time/clock.ts';
import type { Deadline, Deadlines } from '../../limits/deadlines.ts';
import type { ResponseLimits } from '../h1/responseDecoder.ts';
import { openUpstreamSocket, type OpenFailure, type SessionPlace } from './upstreamSocket.ts';
import type { UpstreamStream } from './upstreamStream.ts';

/** Streams on one session where the backend sets no limit, or a higher one; further ones get another session. Ours. */
const MAX_STREAMS = 1000;
/** Response octets a backend may send ahead on one stream: what a stalled client costs at most, with as much again in transit. */
const STREAM_WINDOW_BYTES = 128 * 1024;
/** For all streams of a session together; Node gives it back as octets arrive, so it only bounds what is on the wire. */
const SESSION_WINDOW_BYTES = 1024 * 1024;
/** Frames that break the protocol without ending the session, empty DATA frames among them. */
const MAX_INVALID_FRAMES = 100;
/** SETTINGS entries of one frame. */
const MAX_SETTINGS = 32;
/** MB of one session in Node: header sections and queues, not what streams have delivered. */
const MAX_SESSION_MEMORY_MB = 64;
/** A request head comes from a front codec that has its own, lower limit. */
const MAX_REQUEST_HEADER_BYTES = 512 * 1024;

/** The types of Node lag behind its documentation. */
type SessionOptions = ClientSessionOptions & { readonly strictSingleValueFields: boolean; readonly maxSessionInvalidFrames: number };

/** What all sessions of an upstream share. */
export interface UpstreamSessionContext {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly limits: ResponseLimits;
  readonly keepAlive: () => UpstreamKeepAlive;
  readonly lookup: LookupFunction;
  /** Idle sessions of the upstream, over all pools. */
  readonly idle: { count: number };
}

/** Who keeps a session. */
export interface SessionOwner {
  /** It can take a stream, or further ones. */
  onRoom(session: UpstreamSession): void;
  /** Its backend announced that it ends; what it has goes on. */
  onLeaving(session: UpstreamSession): void;
  /** It is gone. `failure`: it never carried a stream, and why; null: it did. */
  onClose(session: UpstreamSession, failure: OpenFailure | null): void;
}

/** One HTTP/2 connection to a backend. Carries streams from the backend's first SETTINGS on, so that its limits are known. */
export class UpstreamSession {
  /** Counts up within a pool. */
  readonly serial: number;
  /** Streams begun on it. */
  requests = 0;
  /** The backend broke the protocol of the connection itself; null: not that is known of. */
  violation: string | null = null;
  /** False: closes once it has carried what waits for it. */
  keepable = true;
  /** The connection is gone, whatever happens to single streams. */
  lost = false;
  readonly #context: UpstreamSessionContext;
  readonly #owner: SessionOwner;
  readonly #openedAtMs: number;
  readonly #socket: Socket;
  readonly #deadline: Deadline;
  readonly #streams = new Set<UpstreamStream>();
  #http2: ClientHttp2Session | null = null;
  #state: 'opening' | 'ready' | 'leaving' | 'closed' = 'opening';
  #maxStreams = 0;
  #goawayLastId = Infinity;
  #idle = false;

  constructor(place: SessionPlace, options: { readonly serial: number; readonly connectMs: number }, parts: SessionParts) {
    const { context, owner } = parts;
    this.serial = options.serial;
    this.#context = context;
    this.#owner = owner;
    this.#openedAtMs = context.clock.now();
    this.#deadline = { at: this.#openedAtMs + options.connectMs, expire: () => this.#expire() };
    context.deadlines.add(this.#deadline);
    const scheme = place.identity === null ? 'http' : 'https';
    this.#socket = openUpstreamSocket(place, context.lookup, (failure) => {
      if (failure === null) this.#speak(scheme);
      else this.#finish(failure);
    });
  }

  /** Not known to have ended, nor about to. */
  get opening(): boolean {
    return this.#state === 'opening';
  }

  /** Streams the backend takes at once. */
  get maxStreams(): number {
    return this.#maxStreams;
  }

  /** Another stream may begin. */
  get hasRoom(): boolean {
    return this.#state === 'ready' && this.#streams.size < this.#maxStreams && this.#http2?.closed === false && !this.#isSpent();
  }

  /** The session carries nothing and waits for what comes. */
  get idle(): boolean {
    return this.#idle;
  }

  /** The backend takes extended CONNECT (RFC 8441 section 3). */
  get takesExtendedConnect(): boolean {
    return this.#http2?.remoteSettings.enableConnectProtocol === true;
  }

  /** For a stream: true when the backend has said that it never looked at a stream of this id (RFC 9113 section 6.8). */
  neverSaw(streamId: number | undefined): boolean {
    return streamId === undefined || streamId > this.#goawayLastId;
  }

  /** What ended the connection; streams hear of it earlier than their session does. */
  failed(error: NodeJS.ErrnoException): void {
    // nghttp2's own word: the peer broke the protocol of the connection. All else is the connection's end.
    if (error.code === 'ERR_HTTP2_ERROR' || error.code === 'ERR_HTTP2_TOO_MANY_INVALID_FRAMES') this.violation = error.message;
    this.lost = true;
  }

  /** Takes a stream; `hasRoom` must be true. */
  begin(stream: UpstreamStream): void {
    const http2 = this.#http2;
    if (http2 === null) throw new Error('a session takes a stream before it speaks');
    this.#setIdle(false);
    this.#deadline.at = Infinity;
    this.requests += 1;
    this.#streams.add(stream);
    stream.open(this, http2);
  }

  /** For a stream: its HTTP/2 stream is closed, so the backend counts it no longer. */
  release(stream: UpstreamStream): void {
    if (!this.#streams.delete(stream) || this.#state === 'closed') return;
    if (this.#state === 'leaving') this.#closeWhenDone();
    if (this.#state === 'ready' && this.#isSpent()) this.leave();
    if (this.#streams.size === 0 && this.#state === 'ready') this.#rest();
    if (this.hasRoom) this.#owner.onRoom(this);
  }

  /** Takes nothing new, and closes once what it carries is over. */
  leave(): void {
    if (this.#state === 'opening') return this.destroy();
    if (this.#state !== 'ready') return;
    this.#state = 'leaving';
    this.#setIdle(false);
    this.#closeWhenDone();
  }

  destroy(): void {
    if (this.#http2 === null) return this.#finish({ code: 'reset', detail: 'given up' });
    this.#state = 'leaving';
    this.#setIdle(false);
    this.#http2.destroy();
  }

  /**
   * node:http2 says GOAWAY as soon as it is to close, and that overtakes the head of a request begun in the same turn: a backend
   * that then closes takes that request down, which may have been the kind that is never sent again.
   */
  #closeWhenDone(): void {
    if (this.#streams.size === 0) this.#http2?.close();
  }

  #speak(scheme: 'http' | 'https'): void {
    const { limits } = this.#context;
    const options: SessionOptions = {
      createConnection: () => this.#socket,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES, maxHeaderListSize: limits.headerBytes },
      maxHeaderListPairs: limits.headerCount,
      maxSendHeaderBlockLength: MAX_REQUEST_HEADER_BYTES,
      maxSessionInvalidFrames: MAX_INVALID_FRAMES,
      maxSessionMemory: MAX_SESSION_MEMORY_MB,
      maxSettings: MAX_SETTINGS,
      maxReservedRemoteStreams: 0,
      // Repeated lines are passed on as they came; what they mean is the backend's to say.
      strictSingleValueFields: false,
    };
    const http2 = connect(`${scheme}://backend`, options);
    this.#http2 = http2;
    // Earlier than http2's own listener, which ends the streams.
    this.#socket.prependListener('close', () => (this.lost = true));
    // Pushed before the backend has read that it must not.
    http2.on('stream', (pushed) => pushed.on('error', () => {}).close(constants.NGHTTP2_REFUSED_STREAM));
    http2.on('remoteSettings', ({ maxConcurrentStreams }) => this.#settingsCame(http2, maxConcurrentStreams));
    http2.on('goaway', (code: number, lastId: number) => this.#goawayCame(code, lastId));
    http2.on('error', (error: NodeJS.ErrnoException) => this.failed(error));
    http2.on('close', () => this.#finish(this.#whyUnused()));
  }

  #settingsCame(http2: ClientHttp2Session, maxConcurrentStreams: number | undefined): void {
    this.#maxStreams = Math.min(maxConcurrentStreams ?? MAX_STREAMS, MAX_STREAMS);
    if (this.#state === 'opening') {
      this.#state = 'ready';
      http2.setLocalWindowSize(SESSION_WINDOW_BYTES);
      this.#rest();
    }
    if (this.hasRoom) this.#owner.onRoom(this);
    // Opened for somebody who has found another one meanwhile.
    if (this.#idle && this.requests === 0 && this.#context.idle.count > this.#context.keepAlive().connections) this.leave();
  }

  #goawayCame(code: number, lastId: number): void {
    this.#goawayLastId = Math.min(this.#goawayLastId, lastId);
    // Any code but this makes Node end every stream, also those below the last id.
    if (code !== constants.NGHTTP2_NO_ERROR) this.lost = true;
    if (this.#state === 'ready') this.#state = 'leaving';
    this.#setIdle(false);
    this.#owner.onLeaving(this);
  }

  #whyUnused(): OpenFailure | null {
    if (this.requests > 0) return null;
    if (this.violation !== null) return { code: 'invalidResponse', detail: `the backend does not speak HTTP/2: ${this.violation}` };
    return { code: 'reset', detail: 'the connection closed before the backend had said its SETTINGS, or taken a request' };
  }

  #finish(failure: OpenFailure | null): void {
    if (this.#state === 'closed') return;
    this.#setIdle(false);
    this.#state = 'closed';
    this.lost = true;
    this.#context.deadlines.delete(this.#deadline);
    this.#socket.destroy();
    this.#owner.onClose(this, failure);
  }

  #expire(): void {
    if (this.#state !== 'opening') return this.leave();
    this.#http2?.destroy();
    this.#finish({ code: 'connectTimeout', detail: 'no HTTP/2 connection within the connect timeout' });
  }

  #isSpent(): boolean {
    const { requests, maxAgeMs } = this.#context.keepAlive();
    return this.requests > 0 && (this.requests >= requests || this.#context.clock.now() >= this.#openedAtMs + maxAgeMs);
  }

  /** Carries nothing: kept as far as the policy allows. */
  #rest(): void {
    const { connections, idleTimeoutMs, maxAgeMs } = this.#context.keepAlive();
    const now = this.#context.clock.now();
    const idleMs = Math.min(idleTimeoutMs, this.#openedAtMs + maxAgeMs - now);
    const isNew = this.requests === 0;
    // One that has just opened was opened for somebody, who comes in this very call.
    if (!isNew && (!this.keepable || idleMs <= 0 || this.#context.idle.count >= connections)) return this.leave();
    this.#deadline.at = now + Math.max(idleMs, 1);
    this.#setIdle(true);
  }

  #setIdle(idle: boolean): void {
    if (idle === this.#idle) return;
    this.#idle = idle;
    this.#context.idle.count += idle ? 1 : -1;
  }
}

export interface SessionParts {
  readonly context: UpstreamSessionContext;
  readonly owner: SessionOwner;
}
