import type { Socket } from 'node:net';
import type { ClientLimits, Http2Settings } from '../../../core/ir/settings.ts';
import type { Deadline, Deadlines } from '../../limits/deadlines.ts';
import type { AbortReason, ClientConnection, ResponseHead } from '../exchange.ts';
import type { Fields } from '../fields.ts';
import type { FrontConnection } from '../frontConnection.ts';
import type { H1Error } from '../h1/events.ts';
import type { ServerConnectionContext } from '../h1/serverConnection.ts';
import { newRequestId } from '../requestId.ts';
import { SocketOutput } from '../socketOutput.ts';
import { FloodGuard, type Flood } from './floodGuard.ts';
import { DEFAULT_WINDOW_BYTES, ERROR_CODE, goAwayFrame, headersFrames, MAX_31_BITS, pingFrame, resetFrame, SETTING, settingsFrame, windowUpdateFrame, type ErrorCode } from './frames.ts';
import { H2Input, fault, type ConnectionFault } from './h2Input.ts';
import { H2Output } from './h2Output.ts';
import { encodeResponseBlock, encodeTrailerBlock } from './hpackEncoder.ts';
import { STREAM_WINDOW_BYTES } from './requestBody.ts';
import { ServerStreams } from './serverStreams.ts';
import type { H2ServerExchange } from './serverExchange.ts';

/** Octets of request bodies that one client may send ahead on all its streams together (Envoy's edge guide: 1 MiB). */
const CONNECTION_WINDOW_BYTES = 1024 * 1024;
/** How long a client told to go away may still open streams, unless its answer to a PING comes first. */
const GOING_AWAY_MS = 1000;
/** After the last octet the connection is read on this long, so that no reset overtakes it (as for HTTP/1.1). */
const LINGER_MS = 5000;
/** In the PING behind a first GOAWAY: its answer shows that the client has read both. */
const GOING_AWAY_PING = 'goingAwa';

/** What all HTTP/2 connections of one listener share. */
export interface H2ServerContext extends ServerConnectionContext {
  readonly http2: () => Http2Settings;
}

/**
 * One HTTP/2 client connection (RFC 9113, HPACK by RFC 7541, WebSocket by RFC 8441): owns the socket, the connection's
 * windows and deadline, and what is counted against floods; `ServerStreams` gives the streams out as exchanges.
 *
 * It ends by GOAWAY: gracefully after `maxRequests`, `keepAliveTimeoutMs` without a stream, or `drain`; at once,
 * with ENHANCE_YOUR_CALM, above what `FLOOD_LIMITS` allows; with the error's code where the protocol is broken.
 */
export class H2ServerConnection implements FrontConnection {
  readonly client: ClientConnection;
  readonly output: H2Output;
  readonly #socket: Socket;
  readonly #context: H2ServerContext;
  readonly #socketOutput: SocketOutput;
  readonly #input: H2Input;
  readonly #guard: FloodGuard;
  readonly #streams: ServerStreams;
  readonly #deadline: Deadline;
  readonly #openedAtMs: number;
  #state: 'open' | 'lingering' = 'open';
  /** `told`: GOAWAY without a last stream; `final`: with one, requests above it are refused. */
  #goingAway: 'no' | 'told' | 'final' = 'no';
  #goingAwayAtMs = Infinity;
  #pumping = false;
  #requests = 0;
  #window = CONNECTION_WINDOW_BYTES;
  #owed = 0;
  #idleSinceMs: number;
  #partialSinceMs: number | null = null;
  /** The next field block tells the client that no dynamic table is used. */
  #resetTable = true;

  /** `early`: octets that were read before, such as the preface that showed what this connection speaks. */
  constructor(socket: Socket, client: ClientConnection, context: H2ServerContext, early?: Buffer) {
    this.client = client;
    this.#socket = socket;
    this.#context = context;
    this.#openedAtMs = context.clock.now();
    this.#idleSinceMs = this.#openedAtMs;
    this.#socketOutput = new SocketOutput(socket, context.limits().sendTimeoutMs, () => this.output.pump());
    this.output = new H2Output(this.#socketOutput, (flood) => this.#sending(flood));
    this.#input = new H2Input(context.limits);
    this.#guard = new FloodGuard(context.clock);
    this.#streams = new ServerStreams(this, context);
    this.#deadline = { at: Infinity, expire: () => this.#expire() };
    context.deadlines.add(this.#deadline);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onClose);
    socket.on('timeout', this.#onTimeout);
    // The close event follows and is what counts; without a listener the error would end the worker.
    socket.on('error', this.#onError);
    this.#greet();
    if (early !== undefined && early.length > 0) this.#onData(early);
    this.#arm();
  }

  /** Says GOAWAY; the connection ends with its last stream. Requests already on their way are still taken. */
  drain(): void {
    if (this.#state === 'open' && this.#goingAway === 'no') this.#goAway();
  }

  /** Cuts the connection, and with it every response that is not complete. False: nothing was lost by it. */
  destroy(): boolean {
    const wasBusy = this.#streams.size > 0 || (this.#state === 'open' && !this.#socketOutput.empty);
    this.#cut('shutdown');
    return wasBusy;
  }

  // For streams and exchanges.

  get deadlines(): Deadlines {
    return this.#context.deadlines;
  }

  now(): number {
    return this.#context.clock.now();
  }

  limits(): ClientLimits {
    return this.#context.limits();
  }

  /** Requests above the last stream id named are not taken any more. */
  get refusesStreams(): boolean {
    return this.#goingAway === 'final';
  }

  /** Counts against a limit; above it the connection ends and the answer is false. */
  count(flood: Flood): boolean {
    if (this.#guard.take(flood)) return true;
    this.fail(fault('enhanceYourCalm', `too many of a kind: ${flood} (RFC 9113 10.5)`));
    return false;
  }

  /** Another stream was opened. */
  opened(): void {
    this.#requests += 1;
    if (this.#requests >= (this.#context.http2().maxRequests ?? Infinity) && this.#goingAway === 'no') this.#goAway();
  }

  /** Both halves of a stream have ended here; what the client still sends on it is not wanted (RFC 9113 section 8.1). */
  finished(exchange: H2ServerExchange): void {
    if (exchange.body.ended) this.#remove(exchange);
    else this.resetStream(exchange, ERROR_CODE.noError);
  }

  /** Ends a stream by RST_STREAM; its handler is not told. */
  resetStream(exchange: H2ServerExchange, code: ErrorCode): void {
    if (!this.#streams.has(exchange)) return;
    this.sendReset(exchange.streamId, code);
    this.#remove(exchange);
  }

  sendReset(streamId: number, code: ErrorCode): void {
    this.#streams.noteReset(streamId);
    this.output.add(resetFrame(streamId, code));
  }

  /** A stream has ended; the connection with it when it was the last one of a connection that is going away. */
  streamGone(): void {
    if (this.#streams.size > 0) return;
    this.#idleSinceMs = this.now();
    if (this.#goingAway === 'final') this.#closeAfterFlush();
    else this.#arm();
  }

  /** Octets of DATA that have been dealt with: the client may send as many more. */
  credit(exchange: H2ServerExchange | null, bytes: number): void {
    this.#owed += bytes;
    if (this.#owed >= CONNECTION_WINDOW_BYTES / 2) {
      this.output.add(windowUpdateFrame(0, this.#owed));
      this.#window += this.#owed;
      this.#owed = 0;
    }
    const owed = exchange === null || !this.#streams.has(exchange) ? 0 : exchange.body.takeOwed();
    if (exchange !== null && owed > 0) this.output.add(windowUpdateFrame(exchange.streamId, owed));
  }

  /** DATA has come. False: more than the connection's window, which ends it. */
  debit(bytes: number): boolean {
    this.#window -= bytes;
    if (this.#window >= 0) return true;
    this.fail(fault('flowControlError', 'DATA above the window of the connection (RFC 9113 6.9.1)'));
    return false;
  }

  headFrames(streamId: number, head: ResponseHead, options: { contentLength: number | null; endStream: boolean }): Buffer {
    const { contentLength, endStream } = options;
    const block = encodeResponseBlock(head.status, head.fields, { contentLength, resetTable: this.#resetTable });
    this.#resetTable = false;
    return headersFrames(streamId, block, endStream);
  }

  /** Null: no trailer is left that may be sent. */
  trailerFrames(streamId: number, trailers: Fields): Buffer | null {
    const block = encodeTrailerBlock(trailers, this.#resetTable);
    if (block === null) return null;
    this.#resetTable = false;
    return headersFrames(streamId, block, true);
  }

  /** The client has answered the PING behind the first GOAWAY. */
  pingAnswered(payload: string): void {
    if (this.#goingAway === 'told' && payload === GOING_AWAY_PING) this.#endGoingAway();
  }

  /** The client opens no further streams. */
  peerGoesAway(): void {
    this.#goingAway = 'final';
    if (this.#streams.size === 0) this.#closeAfterFlush();
  }

  resetTable(): void {
    this.#resetTable = true;
  }

  /** DATA was sent, which makes a client send WINDOW_UPDATE. */
  giveWindowUpdates(count: number): void {
    this.#guard.give('windowUpdate', count);
  }

  /** Ends the connection for what the client did (RFC 9113 section 5.4.1). */
  fail({ code, detail }: Pick<ConnectionFault, 'code' | 'detail'>, status = 400): void {
    if (this.#state !== 'open') return;
    const frame = goAwayFrame(this.#streams.lastId, code);
    this.#state = 'lingering';
    this.#streams.loseAll('clientProtocolError');
    this.output.add(frame);
    this.reject({ status, detail }, { requestId: newRequestId(), responseBytes: frame.length });
    this.#end();
  }

  /** Tells that octets were no request, or one that was refused. */
  reject(error: H1Error, sent: { requestId: string; requestBytes?: number; responseBytes?: number; responseBodyBytes?: number }): void {
    this.#context.onRejected({
      client: this.client,
      error,
      requestId: sent.requestId,
      startedAtMs: this.now(),
      requestBytes: sent.requestBytes ?? 0,
      responseBodyBytes: sent.responseBodyBytes ?? 0,
      responseBytes: sent.responseBytes ?? 0,
    });
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#state !== 'open') return;
    this.#input.push(chunk);
    this.#pump();
  };

  readonly #onEnd = (): void => {
    // A client that sends nothing more can neither open windows nor cancel: there is no half-closed connection.
    this.#cut('clientGone');
  };

  readonly #onTimeout = (): void => {
    this.#cut('clientTimeout');
  };

  readonly #onError = (): void => {
    this.#socket.destroy();
  };

  readonly #onClose = (): void => {
    this.#state = 'lingering';
    this.#context.deadlines.delete(this.#deadline);
    this.#streams.loseAll('clientGone');
    this.#context.onClose(this);
  };

  #greet(): void {
    const { maxConcurrentStreams } = this.#context.http2();
    const settings = settingsFrame([
      [SETTING.maxConcurrentStreams, maxConcurrentStreams],
      [SETTING.initialWindowSize, STREAM_WINDOW_BYTES],
      [SETTING.maxHeaderListSize, this.limits().headerBytes],
      [SETTING.enableConnectProtocol, 1],
    ]);
    this.output.add(settings + windowUpdateFrame(0, CONNECTION_WINDOW_BYTES - DEFAULT_WINDOW_BYTES));
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#state === 'open') {
        const event = this.#input.next();
        if (event === null) break;
        this.#partialSinceMs = null;
        if (event.type === 'fault') this.fail(event);
        else this.#streams.take(event);
      }
    } catch (error) {
      // A fault in the proxy costs this connection, not the thousands beside it.
      this.#context.onFault(error);
      this.fail({ code: ERROR_CODE.internalError, detail: 'a fault in the proxy' });
    }
    this.#pumping = false;
    this.#arm();
  }

  #sending(flood: Flood | 'unread'): void {
    // Later: whoever sends right now must not find its stream gone.
    if (flood !== 'unread') setImmediate(() => this.#state === 'open' && this.count(flood));
    else setImmediate(() => this.fail(fault('enhanceYourCalm', 'answers that the client does not read (RFC 9113 10.5)')));
  }

  #remove(exchange: H2ServerExchange): void {
    this.#streams.remove(exchange);
    exchange.left();
    this.streamGone();
  }

  /** RFC 9113 section 6.8: first without a last stream, as requests may be on their way. */
  #goAway(): void {
    this.#goingAway = 'told';
    this.#goingAwayAtMs = this.now() + GOING_AWAY_MS;
    this.output.add(goAwayFrame(MAX_31_BITS, ERROR_CODE.noError) + pingFrame(GOING_AWAY_PING, false));
    this.#arm();
  }

  #endGoingAway(): void {
    this.#goingAway = 'final';
    this.#goingAwayAtMs = Infinity;
    this.output.add(goAwayFrame(this.#streams.lastId, ERROR_CODE.noError));
    if (this.#streams.size === 0) this.#closeAfterFlush();
    else this.#arm();
  }

  #cut(reason: AbortReason): void {
    this.#state = 'lingering';
    this.#streams.loseAll(reason);
    this.#socket.destroy();
  }

  #closeAfterFlush(): void {
    if (this.#state !== 'open') return;
    this.#state = 'lingering';
    this.#end();
  }

  #end(): void {
    this.#socketOutput.flush();
    this.#deadline.at = Infinity;
    // No drain event comes any more: the send timeout runs until the last octet is out.
    if (!this.#socketOutput.empty) this.#socket.setTimeout(this.limits().sendTimeoutMs);
    this.#socket.end(() => {
      this.#socket.setTimeout(0);
      this.#deadline.at = this.now() + LINGER_MS;
    });
  }

  #arm(): void {
    if (this.#state !== 'open') return;
    const limits = this.limits();
    let at = this.#goingAwayAtMs;
    if (!this.#input.established) {
      at = Math.min(at, this.#openedAtMs + limits.headerTimeoutMs);
    } else if (!this.#input.idle) {
      this.#partialSinceMs ??= this.now();
      at = Math.min(at, this.#partialSinceMs + limits.headerTimeoutMs);
    } else if (this.#streams.size === 0) {
      at = Math.min(at, this.#idleSinceMs + limits.keepAliveTimeoutMs);
    }
    this.#deadline.at = at;
  }

  #expire(): void {
    if (this.#state !== 'open') this.#socket.destroy();
    else if (this.now() >= this.#goingAwayAtMs) this.#endGoingAway();
    else if (this.#input.untouched || (this.#input.idle && this.#streams.size === 0)) this.#endGoingAway();
    else this.fail({ code: ERROR_CODE.noError, detail: 'a frame did not arrive in time' }, 408);
  }
}
