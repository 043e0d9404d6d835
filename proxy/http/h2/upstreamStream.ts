import { constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import type { Clock } from '../../../core/time/clock.ts';
import type { Deadline, Deadlines } from '../../limits/deadlines.ts';
import type { ResponseHead } from '../exchange.ts';
import type { Fields } from '../fields.ts';
import type { UpstreamError, UpstreamHandler, UpstreamHead, UpstreamRequest, UpstreamTarget } from '../upstream.ts';
import { webSocketAccept } from '../webSocketAccept.ts';
import { requestHeaders, responseHeadOf, responseTrailersOf } from './upstreamHeaders.ts';
import type { OpenFailure } from './upstreamSocket.ts';
import { UpstreamTunnel } from './upstreamTunnel.ts';
import type { UpstreamSession } from './upstreamSession.ts';

/** 1xx responses taken for one request; a backend may report progress, but not for ever. Ours. */
const MAX_INFORMATIONAL = 32;

/** Resets that nghttp2 makes of a response off the rules, or of one larger than the limits; a backend may send them too. */
const VIOLATIONS: ReadonlySet<number> = new Set([
  constants.NGHTTP2_PROTOCOL_ERROR,
  constants.NGHTTP2_FLOW_CONTROL_ERROR,
  constants.NGHTTP2_STREAM_CLOSED,
  constants.NGHTTP2_FRAME_SIZE_ERROR,
  constants.NGHTTP2_COMPRESSION_ERROR,
  constants.NGHTTP2_ENHANCE_YOUR_CALM,
]);

/** Names of error codes for logs (RFC 9113 section 7). */
const CODE_NAMES: readonly string[] = [
  'NO_ERROR', 'PROTOCOL_ERROR', 'INTERNAL_ERROR', 'FLOW_CONTROL_ERROR', 'SETTINGS_TIMEOUT', 'STREAM_CLOSED', 'FRAME_SIZE_ERROR',
  'REFUSED_STREAM', 'CANCEL', 'COMPRESSION_ERROR', 'CONNECT_ERROR', 'ENHANCE_YOUR_CALM', 'INADEQUATE_SECURITY', 'HTTP_1_1_REQUIRED',
];

/** What a stream needs besides its request. */
export interface UpstreamStreamDependencies {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly onFault: (fault: unknown) => void;
  /** Where it waits until a session has room. */
  readonly sessions: { remove(stream: UpstreamStream): void };
}

/** One request to a backend over HTTP/2: waits for a session, then is one stream of it. */
export class UpstreamStream implements UpstreamRequest {
  readonly target: UpstreamTarget;
  connectMs: number | null = null;
  readonly #head: UpstreamHead;
  readonly #scheme: 'http' | 'https';
  readonly #handler: UpstreamHandler;
  readonly #deps: UpstreamStreamDependencies;
  readonly #startedAtMs: number;
  readonly #deadline: Deadline;
  #session: UpstreamSession | null = null;
  #stream: ClientHttp2Stream | null = null;
  /** The session had carried others before. */
  #kept = false;
  #settled = false;
  /** `end` was called. */
  #ended = false;
  #blocked = false;
  #held = false;
  #informational = 0;
  #responseBegun = false;
  /** END_STREAM has come. node:http2 ends a stream's readable side as well where it is cut. */
  #responseWhole = false;
  #responseTrailers: Fields | null = null;
  /** When the read and the send timeout end, clock readings. */
  #readAt = Infinity;
  #sendAt = Infinity;

  constructor(
    request: { readonly target: UpstreamTarget; readonly head: UpstreamHead; readonly scheme: 'http' | 'https' },
    handler: UpstreamHandler,
    dependencies: UpstreamStreamDependencies,
  ) {
    this.target = request.target;
    this.#head = request.head;
    this.#scheme = request.scheme;
    this.#handler = handler;
    this.#deps = dependencies;
    this.#startedAtMs = dependencies.clock.now();
    this.#deadline = { at: this.#startedAtMs + request.target.timeouts.connectMs, expire: () => this.#expire() };
    dependencies.deadlines.add(this.#deadline);
  }

  write(chunk: Buffer): boolean {
    const stream = this.#stream;
    if (this.#settled || this.#ended || stream === null || chunk.length === 0) return true;
    const room = stream.write(chunk);
    if (!room) {
      this.#blocked = true;
      this.#sendAt = this.#deps.clock.now() + this.target.timeouts.sendMs;
    }
    // A call that streams both ways is alive as long as either side speaks.
    this.#armRead();
    return room;
  }

  /**
   * Trailers of a request are dropped, as nginx does: while node:http2 waits for them, a stream that the backend or the
   * client gives up at that moment ends the whole process (assertion in Http2Stream::OnTrailers).
   */
  end(_trailers: Fields | null): void {
    if (this.#settled || this.#ended) return;
    this.#ended = true;
    // A request to upgrade ends with its head, its stream does not: it may become a tunnel.
    if (this.#head.upgrade === null) this.#stream?.end();
    this.#armRead();
  }

  resumeResponse(): void {
    if (this.#settled || !this.#held) return;
    this.#held = false;
    this.#armRead();
    this.#stream?.resume();
  }

  abort(): void {
    this.#settle();
    this.#cancel();
  }

  /** For the pool: there is no session to wait for. */
  fail({ code, detail }: OpenFailure): void {
    if (this.#settled) return;
    this.#settle();
    this.#guard(() => this.#handler.onError({ code, detail, sent: false }));
  }

  /** For the session: the stream begins, and with it the request. */
  open(session: UpstreamSession, http2: ClientHttp2Session): void {
    const { upgrade } = this.#head;
    this.#session = session;
    this.#kept = session.requests > 1;
    this.connectMs = this.#kept ? 0 : this.#deps.clock.now() - this.#startedAtMs;
    if (upgrade !== null && !session.takesExtendedConnect) {
      // Not inside the call that hands over the session: it still counts on this stream.
      queueMicrotask(() => session.release(this));
      return this.fail({ code: 'invalidResponse', detail: 'the backend takes no extended CONNECT (RFC 8441)' });
    }
    try {
      this.#begin(http2, upgrade !== null);
    } catch (fault) {
      if (this.#stream === null) queueMicrotask(() => session.release(this));
      this.#faulted(fault);
    }
  }

  #begin(http2: ClientHttp2Session, isConnect: boolean): void {
    const endStream = this.#head.bodyLength === 0 && !isConnect;
    const stream = http2.request(requestHeaders(this.#head, this.#scheme), { endStream });
    this.#stream = stream;
    this.#watchEnds(stream);
    this.#deadline.at = Infinity;
    stream.on('headers', (_headers, flags, section) => this.#guard(() => this.#headCame(section, flags)));
    stream.on('response', (_headers, flags, section) => this.#guard(() => this.#headCame(section, flags)));
    stream.on('trailers', (_headers, _flags, section) => this.#guard(() => this.#trailersCame(section)));
    stream.on('drain', () => this.#guard(() => this.#drained()));
    // The close event follows, and says of a lost connection no more than INTERNAL_ERROR.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ERR_HTTP2_STREAM_ERROR') this.#session?.failed(error);
    });
    stream.on('close', () => this.#guard(() => this.#closed(stream)));
    this.#armRead();
    this.#handler.onReady();
  }

  /**
   * node:http2 ends both sides of a stream that is cut as if they were complete: the backend would get END_STREAM in front
   * of RST_STREAM, the caller an end of a body that was cut short. Here neither end is one unless it was meant so.
   */
  #watchEnds(stream: ClientHttp2Stream): void {
    const push = stream.push.bind(stream);
    stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk === null && !stream.closed) this.#responseWhole = true;
      // Reset with NO_ERROR before a head that would have begun to read: unread it would never close.
      else if (chunk === null && !this.#responseBegun) stream.resume();
      return push(chunk, encoding);
    };
    const end = stream.end.bind(stream);
    stream.end = () => (this.#ended ? end() : stream);
  }

  #headCame(section: readonly string[], flags: number): void {
    if (this.#settled || this.#stream === null) return;
    const endsStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const head = this.#responseBegun ? 'a second response head' : responseHeadOf(section, { method: this.#head.method, endsStream });
    if (typeof head === 'string') return this.#lose('invalidResponse', head);
    this.#armRead();
    if (head.status < 200) return this.#informationalCame(head);
    this.#responseBegun = true;
    this.#armRead();
    if (this.#head.upgrade !== null && head.status < 300) return this.#tunnel(this.#stream, head);
    this.#handler.onHead(head);
    this.#read(this.#stream);
  }

  #informationalCame(head: ResponseHead): void {
    this.#informational += 1;
    if (this.#informational > MAX_INFORMATIONAL) this.#lose('invalidResponse', 'too many 1xx responses (RFC 9110 15.2)');
    else if (head.status === 100) this.#handler.onContinue();
    else this.#handler.onInformational(head);
  }

  /** Only from here on the stream flows: no octet of body can overtake the head. */
  #read(stream: ClientHttp2Stream): void {
    stream.on('data', (chunk: Buffer) => this.#guard(() => this.#dataCame(stream, chunk)));
    stream.on('end', () => this.#guard(() => this.#endCame()));
    // A stream that was held back meanwhile stays so.
    if (this.#held) stream.pause();
  }

  #dataCame(stream: ClientHttp2Stream, chunk: Buffer): void {
    if (this.#settled) return;
    this.#held = !this.#handler.onData(chunk);
    if (this.#held) stream.pause();
    this.#armRead();
  }

  #trailersCame(section: readonly string[]): void {
    if (this.#settled) return;
    const trailers = responseTrailersOf(section);
    if (typeof trailers === 'string') this.#lose('invalidResponse', trailers);
    else if (trailers.size > 0) this.#responseTrailers = trailers;
  }

  #endCame(): void {
    // What comes after a cut is told by the close event.
    if (this.#settled || !this.#responseWhole) return;
    this.#settle();
    // The backend wants no more of the request (RFC 9113 section 8.1).
    if (!this.#ended || this.#head.upgrade !== null) this.#cancel();
    this.#handler.onEnd(this.#responseTrailers);
  }

  #drained(): void {
    this.#blocked = false;
    this.#sendAt = Infinity;
    if (this.#settled) return;
    this.#armRead();
    this.#handler.onWritable();
  }

  #tunnel(stream: ClientHttp2Stream, head: ResponseHead): void {
    this.#ended = true;
    for (const name of ['headers', 'response', 'trailers', 'drain']) stream.removeAllListeners(name);
    this.#settle();
    // For an HTTP/1.1 client, which made a key and waits for its answer.
    const key = this.#head.fields.get('sec-websocket-key');
    if (key !== undefined) head.fields.set('Sec-WebSocket-Accept', 'sec-websocket-accept', webSocketAccept(key));
    this.#handler.onUpgrade({ ...head, status: 101, bodyLength: null }, new UpstreamTunnel(stream));
  }

  #closed(stream: ClientHttp2Stream): void {
    const session = this.#session;
    if (session === null) return;
    session.release(this);
    if (this.#settled) return;
    const code = stream.rstCode ?? constants.NGHTTP2_NO_ERROR;
    const refused = code === constants.NGHTTP2_REFUSED_STREAM || session.neverSaw(stream.id);
    if (refused && !this.#responseBegun) {
      return this.#fail({ code: this.target.reuse ? 'stale' : 'reset', detail: 'the backend refused the stream', sent: false });
    }
    if (session.violation !== null) return this.#lose('invalidResponse', session.violation);
    const isStale = this.#kept && this.target.reuse && !this.#responseBegun;
    if (session.lost) return this.#lose(isStale ? 'stale' : 'reset', 'the connection closed in the middle');
    const name = CODE_NAMES[code] ?? String(code);
    this.#lose(VIOLATIONS.has(code) ? 'invalidResponse' : 'reset', `the stream was reset with ${name}`);
  }

  #expire(): void {
    const now = this.#deps.clock.now();
    if (this.#stream === null) this.#lose('connectTimeout', 'no room on any connection within the connect timeout');
    else if (now >= this.#sendAt) this.#lose('sendTimeout', 'the backend took nothing for the send timeout');
    else if (now >= this.#readAt) this.#lose('readTimeout', 'nothing received for the read timeout');
    else this.#armDeadline();
  }

  /**
   * The read timeout runs while the backend owes something: a response to a whole request, or the rest of one it has
   * begun. Not while the caller holds the response back.
   */
  #armRead(): void {
    if (this.#settled || this.#stream === null) return;
    const owes = (this.#ended || this.#responseBegun) && !this.#held;
    this.#readAt = owes ? this.#deps.clock.now() + this.target.timeouts.readMs : Infinity;
    this.#armDeadline();
  }

  #armDeadline(): void {
    this.#deadline.at = Math.min(this.#readAt, this.#blocked ? this.#sendAt : Infinity);
  }

  #lose(code: UpstreamError['code'], detail: string): void {
    this.#fail({ code, detail, sent: this.#stream !== null });
  }

  #fail(error: UpstreamError): void {
    if (this.#settled) return;
    this.#settle();
    this.#cancel();
    this.#handler.onError(error);
  }

  /** A fault in the proxy costs the request that met it. */
  #faulted(fault: unknown): void {
    this.#deps.onFault(fault);
    try {
      this.#lose('invalidResponse', 'a fault in the proxy');
    } catch (second) {
      this.#deps.onFault(second);
    }
  }

  #guard(callback: () => void): void {
    try {
      callback();
    } catch (fault) {
      this.#faulted(fault);
    }
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#deps.deadlines.delete(this.#deadline);
    if (this.#session === null) this.#deps.sessions.remove(this);
  }

  #cancel(): void {
    const stream = this.#stream;
    if (stream === null || stream.closed) return;
    stream.close(constants.NGHTTP2_CANCEL);
    // What it still delivers is nobody's; unread it would never close.
    stream.resume();
  }
}
