import type { AbortReason, ClientConnection, Exchange, ExchangeHandler, RequestHead, ResponseHead, Tunnel } from '../exchange.ts';
import { ownAnswer } from '../errorPage.ts';
import { Fields } from '../fields.ts';
import type { H1Error } from '../h1/events.ts';
import type { Deadline } from '../../limits/deadlines.ts';
import { ERROR_CODE, FRAME_HEADER_BYTES, MAX_31_BITS, type ErrorCode } from './frames.ts';
import { RequestBody, type BodyFault } from './requestBody.ts';
import type { H2ServerConnection } from './serverConnection.ts';
import { H2Tunnel } from './h2Tunnel.ts';
import type { BodySender } from './h2Output.ts';

/** Octets of DATA behind one frame header at most. */
const FRAME_BYTES = 16_384;

/** WINDOW_UPDATE frames that a client may send for each DATA frame it gets (Envoy's figure). */
const UPDATES_PER_FRAME = 10;

/** What a stream begins with. */
export interface H2Request {
  readonly streamId: number;
  readonly head: RequestHead;
  readonly contentLength: number | null;
  readonly endStream: boolean;
  /** Octets of its HEADERS and CONTINUATION frames. */
  readonly headBytes: number;
  readonly startedAtMs: number;
  /** What Sec-WebSocket-Accept of an HTTP/1.1 backend must say; null: no WebSocket. */
  readonly webSocketAccept: string | null;
}

/**
 * One stream: a request and its response. Octets are counted as they are on the wire, frame headers included (those of
 * a response's DATA as if every write began a frame), field blocks compressed.
 */
export class H2ServerExchange implements Exchange, BodySender {
  readonly request: RequestHead;
  readonly client: ClientConnection;
  readonly startedAtMs: number;
  readonly streamId: number;
  /** For the connection: where body comes in. */
  readonly body: RequestBody;
  window: number;
  readonly queue: Buffer[] = [];
  queuedBytes = 0;
  ending: Buffer | 'data' | null = null;
  responseBodyBytes = 0;
  responseBytes = 0;
  readonly #connection: H2ServerConnection;
  readonly #webSocketAccept: string | null;
  readonly #deadline: Deadline;
  #handler: ExchangeHandler | null = null;
  #tunnel: H2Tunnel | null = null;
  #continueWanted: boolean;
  #headSent = false;
  /** The response has no body, whatever is written. */
  #bodiless = false;
  /** Octets of a body of known length still to come; null: unknown. */
  #bodyLeft: number | null = null;
  /** `end` was called: only what is queued goes out any more. */
  #responseEnded = false;
  /** END_STREAM has been sent. */
  #sent = false;
  /** For upgrades: the handler knows that the request has no body. */
  #emptyTold = false;
  /** For tunnels: nothing more is read. */
  #closing = false;
  #over = false;
  #blocked = false;
  #lastSentMs: number;
  #lastReceivedMs: number;

  constructor(connection: H2ServerConnection, request: H2Request) {
    this.#connection = connection;
    this.client = connection.client;
    this.request = request.head;
    this.streamId = request.streamId;
    this.startedAtMs = request.startedAtMs;
    this.window = connection.output.initialWindow;
    this.#webSocketAccept = request.webSocketAccept;
    this.#continueWanted = request.head.expectsContinue;
    this.#lastReceivedMs = request.startedAtMs;
    this.#lastSentMs = request.startedAtMs;
    this.body = new RequestBody(request, (bytes) => connection.credit(this, bytes));
    this.#deadline = { at: Infinity, expire: () => this.#expire() };
    connection.deadlines.add(this.#deadline);
  }

  get requestBytes(): number {
    return this.body.wireBytes;
  }

  /** For the connection: a reset now would have saved nothing of the work. */
  get answered(): boolean {
    return this.#headSent;
  }

  start(handler: ExchangeHandler): void {
    this.#handler = handler;
  }

  resumeBody(): void {
    if (this.#over) return;
    this.body.held = false;
    this.#lastReceivedMs = this.#connection.now();
    this.#deliver();
  }

  hold(): void {
    this.body.held = true;
  }

  sendContinue(): void {
    if (!this.#continueWanted || this.#headSent || this.#over) return;
    this.#continueWanted = false;
    this.#sendBlock({ status: 100, reason: '', fields: new Fields(), bodyLength: null }, null, false);
  }

  sendInformational(head: ResponseHead): void {
    if (!this.#headSent && !this.#over) this.#sendBlock(head, null, false);
  }

  sendHead(head: ResponseHead): void {
    if (this.#headSent || this.#over) return;
    this.#bodiless = this.request.method === 'HEAD' || head.status === 204 || head.status === 304;
    this.#bodyLeft = this.#bodiless ? 0 : head.bodyLength;
    const isWhole = this.#bodyLeft === 0;
    this.#sendBlock(head, head.status === 204 ? null : head.bodyLength, isWhole);
    this.#headSent = true;
    if (isWhole) this.onSent(true);
    else this.#arm();
  }

  write(chunk: Buffer): boolean {
    if (!this.#headSent || this.#responseEnded || this.#over || this.#sent || chunk.length === 0) return true;
    if (this.#bodyLeft !== null) {
      // More than was announced would make the whole response malformed.
      if (chunk.length > this.#bodyLeft) return this.#breakOff();
      this.#bodyLeft -= chunk.length;
      if (this.#bodyLeft === 0) this.ending = 'data';
    }
    this.responseBodyBytes += chunk.length;
    this.responseBytes += chunk.length + FRAME_HEADER_BYTES * Math.ceil(chunk.length / FRAME_BYTES);
    if (this.queuedBytes === 0) this.#lastSentMs = this.#connection.now();
    this.queue.push(chunk);
    this.queuedBytes += chunk.length;
    this.#connection.output.ready(this);
    this.#arm();
    this.#blocked = this.queuedBytes > 0;
    return !this.#blocked;
  }

  end(trailers: Fields | null): void {
    if (!this.#headSent || this.#responseEnded || this.#over) return;
    this.#responseEnded = true;
    if (this.#tunnel === null) this.body.discard();
    if (this.#sent) return this.#connection.finished(this);
    if (this.#bodyLeft !== null && this.#bodyLeft > 0) return this.cancel();
    this.ending ??= this.#trailerFrames(trailers);
    if (this.queuedBytes === 0) this.#lastSentMs = this.#connection.now();
    this.#connection.output.ready(this);
    this.#arm();
  }

  acceptUpgrade(head: ResponseHead): Tunnel {
    const tunnel = new H2Tunnel(this, this.#handler?.requestId ?? '');
    const { fields } = head;
    // Only HTTP/1.1 answers a key; a backend that cannot has not understood what it accepted (RFC 6455 section 4.1).
    const isSound = head.status !== 101 || this.#webSocketAccept === null || fields.get('sec-websocket-accept') === this.#webSocketAccept;
    fields.delete('sec-websocket-accept');
    this.#handler = null;
    if (this.#over || !isSound) {
      if (!this.#over) this.#sendPage(502, tunnel.requestId);
      tunnel.closed();
      return tunnel;
    }
    this.#sendBlock({ ...head, status: 200 }, null, false);
    this.#headSent = true;
    this.#handler = tunnel;
    this.#tunnel = tunnel;
    this.body.held = true;
    this.#deadline.at = Infinity;
    return tunnel;
  }

  abort(reason: AbortReason): void {
    if (this.#over || this.#responseEnded) return;
    this.#handler = null;
    this.#connection.resetStream(this, reason === 'upstreamFailed' ? ERROR_CODE.internalError : ERROR_CODE.cancel);
  }

  /** For the tunnel: ends the stream once what was written is out. */
  close(): void {
    this.#closing = true;
    this.body.discard();
    this.end(null);
    this.#arm();
  }

  /** For the tunnel, and for a response that cannot be completed. */
  cancel(): void {
    this.#connection.resetStream(this, ERROR_CODE.cancel);
  }

  /** For the connection: DATA of this stream. What is wrong with it, or null. */
  receive(payload: Buffer, flowBytes: number, endStream: boolean): BodyFault | null {
    const fault = this.body.receive(payload, flowBytes, endStream);
    if (fault !== null) return fault;
    this.#lastReceivedMs = this.#connection.now();
    this.#deliver();
    return null;
  }

  /** For the connection: the trailer section, which ends the request. */
  receiveTrailers(trailers: Fields, bytes: number): BodyFault | null {
    const fault = this.body.receiveTrailers(trailers, bytes);
    if (fault === null) this.#deliver();
    return fault;
  }

  /** For the connection: WINDOW_UPDATE of this stream. False: above 2^31-1. */
  widen(increment: number): boolean {
    this.window += increment;
    if (this.window > MAX_31_BITS) return false;
    if (this.queuedBytes > 0 && this.window > 0) this.#connection.output.ready(this);
    return true;
  }

  onSent(isOver: boolean): void {
    this.#lastSentMs = this.#connection.now();
    this.#connection.giveWindowUpdates(UPDATES_PER_FRAME);
    this.#arm();
    if (isOver) return this.#sentAll();
    if (this.queuedBytes > 0 || !this.#blocked) return;
    this.#blocked = false;
    if (!this.#responseEnded && !this.#over) this.#handler?.onWritable();
  }

  /**
   * For the connection: the stream is gone. The handler is told unless its exchange had ended; `answered`: what the
   * client got in its place.
   */
  lost(reason: AbortReason, answered: number | null): void {
    if (this.#over) return;
    this.#leave();
    const handler = this.#handler;
    this.#handler = null;
    if (this.#tunnel !== null) this.#tunnel.closed();
    else if (!this.#responseEnded) handler?.onAbort(reason, answered);
  }

  /** For the connection: both halves have ended. */
  left(): void {
    this.#leave();
    this.#handler = null;
    this.#tunnel?.closed();
  }

  /** For the connection: answers a request that never reaches a handler. */
  answer(error: H1Error, requestId: string): void {
    this.#sendPage(error.status, requestId);
  }

  #leave(): void {
    this.#over = true;
    this.#connection.deadlines.delete(this.#deadline);
    this.#connection.output.remove(this);
    this.body.discard();
    this.queue.length = 0;
  }

  #deliver(): void {
    const { body } = this;
    if (this.request.upgrade !== null && this.#tunnel === null) return this.#deliverNoBody();
    while (!this.#over && !body.held) {
      const chunk = body.next();
      if (chunk === null) break;
      if (this.#handler !== null && !this.#handler.onBody(chunk)) body.held = true;
    }
    if (!this.#over && !body.held && body.takeEnd()) {
      if (!this.#responseEnded) this.#handler?.onBodyEnd(body.trailers);
      if (!this.#over && this.#sent && this.#responseEnded) this.#connection.finished(this);
    }
    if (!this.#over) this.#arm();
  }

  /** A request that asks for an upgrade has no body: what follows its head waits for the tunnel. */
  #deliverNoBody(): void {
    if (this.body.held || this.#emptyTold || this.#responseEnded) return;
    this.#emptyTold = true;
    this.#handler?.onBodyEnd(null);
  }

  #sentAll(): void {
    this.#sent = true;
    this.ending = null;
    // A tunnel's other half may go on; a request whose response is complete has nothing left to say.
    if (this.#over || (this.#tunnel !== null && !this.body.endTaken && !this.#closing)) return;
    if (this.#responseEnded) this.#connection.finished(this);
  }

  #breakOff(): true {
    this.lost('upstreamFailed', null);
    this.#connection.resetStream(this, ERROR_CODE.internalError);
    return true;
  }

  #sendPage(status: number, requestId: string): void {
    const { fields } = this.request;
    const { head, body } = ownAnswer({ status, requestId, accept: fields.get('accept'), contentType: fields.get('content-type') });
    this.sendHead(head);
    this.write(body);
    this.end(null);
  }

  #trailerFrames(trailers: Fields | null): Buffer | 'data' {
    const frames = trailers === null ? null : this.#connection.trailerFrames(this.streamId, trailers);
    this.responseBytes += frames === null ? FRAME_HEADER_BYTES : frames.length;
    return frames ?? 'data';
  }

  #sendBlock(head: ResponseHead, contentLength: number | null, endStream: boolean): void {
    const frames = this.#connection.headFrames(this.streamId, head, { contentLength, endStream });
    this.responseBytes += frames.length;
    this.#connection.output.add(frames);
  }

  /** The earlier of: the client takes nothing of what waits, the client sends nothing of what is awaited. */
  #arm(): void {
    if (this.#over) return;
    const limits = this.#connection.limits();
    const isSending = this.queuedBytes > 0 || (this.#responseEnded && !this.#sent);
    const isReading = this.request.upgrade === null && !this.#responseEnded && !this.body.held && !this.body.endTaken;
    const sendAt = isSending ? this.#lastSentMs + limits.sendTimeoutMs : Infinity;
    // A stream of messages in both directions lives as long as either moves.
    const readAt = isReading ? Math.max(this.#lastReceivedMs, this.#lastSentMs) + limits.bodyTimeoutMs : Infinity;
    this.#deadline.at = Math.min(sendAt, readAt);
  }

  #expire(): void {
    const handler = this.#handler;
    const answers = !this.#headSent;
    this.#handler = null;
    const isEnded = this.#responseEnded;
    if (answers) this.#sendPage(408, handler?.requestId ?? '');
    else this.cancel();
    if (!isEnded) handler?.onAbort('clientTimeout', answers ? 408 : null);
  }
}

/** RST_STREAM codes by what is wrong with a body. */
export const BODY_FAULT_CODES: Readonly<Record<BodyFault, ErrorCode>> = {
  closed: ERROR_CODE.streamClosed,
  window: ERROR_CODE.flowControlError,
  length: ERROR_CODE.protocolError,
};
