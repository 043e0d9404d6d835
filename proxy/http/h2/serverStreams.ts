import type { AbortReason } from '../exchange.ts';
import { Fields } from '../fields.ts';
import type { H1Error } from '../h1/events.ts';
import { newRequestId } from '../requestId.ts';
import { readClientSettings } from './clientSettings.ts';
import { ERROR_CODE, MAX_31_BITS, pingFrame, SETTINGS_ACK, type ErrorCode } from './frames.ts';
import { fault, type ConnectionFault, type H2Event } from './h2Input.ts';
import { readRequestHead, readTrailers } from './readHead.ts';
import type { BodyFault } from './requestBody.ts';
import { BODY_FAULT_CODES, H2ServerExchange, type H2Request } from './serverExchange.ts';
import type { H2ServerConnection, H2ServerContext } from './serverConnection.ts';
import { addWebSocketKey } from './webSocketKey.ts';

/** Streams ended by us whose late frames are dropped in silence: more cannot be under way (RFC 9113 section 5.1). */
const REMEMBERED_RESETS = 1024;

type Event<Type extends H2Event['type']> = Extract<H2Event, { readonly type: Type }>;

/** The streams of one connection (RFC 9113 section 5): what each frame means to them. */
export class ServerStreams {
  /** Highest stream id seen. */
  lastId = 0;
  readonly #connection: H2ServerConnection;
  readonly #context: H2ServerContext;
  readonly #byId = new Map<number, H2ServerExchange>();
  /** In order of time. */
  readonly #resets = new Set<number>();

  constructor(connection: H2ServerConnection, context: H2ServerContext) {
    this.#connection = connection;
    this.#context = context;
  }

  get size(): number {
    return this.#byId.size;
  }

  has(exchange: H2ServerExchange): boolean {
    return this.#byId.get(exchange.streamId) === exchange;
  }

  remove(exchange: H2ServerExchange): void {
    this.#byId.delete(exchange.streamId);
  }

  noteReset(streamId: number): void {
    this.#resets.add(streamId);
    if (this.#resets.size <= REMEMBERED_RESETS) return;
    const [oldest = 0] = this.#resets;
    this.#resets.delete(oldest);
  }

  /** The connection is lost. */
  loseAll(reason: AbortReason): void {
    const all = [...this.#byId.values()];
    this.#byId.clear();
    for (const exchange of all) exchange.lost(reason, null);
  }

  take(event: Exclude<H2Event, ConnectionFault>): void {
    switch (event.type) {
      case 'headers':
        return this.#headers(event);
      case 'data':
        return this.#data(event);
      case 'reset':
        return this.#reset(event.streamId);
      case 'windowUpdate':
        return this.#windowUpdate(event);
      case 'priority':
        return this.#priority(event);
      case 'settings':
        return this.#settings(event);
      case 'ping':
        return this.#ping(event);
      case 'goAway':
        return this.#connection.peerGoesAway();
      case 'settingsAck':
      case 'unknown':
        this.#connection.count('control');
    }
  }

  #headers(event: Event<'headers'>): void {
    const { streamId } = event;
    const exchange = this.#byId.get(streamId);
    if (exchange !== undefined) return this.#trailers(exchange, event);
    if (streamId % 2 === 0) return this.#connection.fail(fault('protocolError', 'a stream id of a server (RFC 9113 5.1.1)'));
    if (streamId <= this.lastId) return this.#lateHeaders(streamId);
    this.lastId = streamId;
    const isFull = this.#byId.size >= this.#context.http2().maxConcurrentStreams;
    if (isFull || this.#connection.refusesStreams) {
      if (this.#connection.count('refused')) this.#connection.sendReset(streamId, ERROR_CODE.refusedStream);
      return;
    }
    this.#open(event);
  }

  /** Behind our RST_STREAM frames may still have been under way; behind the client's own end they are an error. */
  #lateHeaders(streamId: number): void {
    if (!this.#resets.has(streamId)) this.#connection.fail(fault('streamClosed', 'HEADERS on a closed stream (RFC 9113 5.1)'));
    else this.#connection.count('late');
  }

  #open(event: Event<'headers'>): void {
    const { scheme, limits } = this.#context;
    const read = readRequestHead(event.lines, event.endStream, { scheme, limits: limits() });
    if (read.type === 'malformed' || event.dependsOnSelf) {
      return this.#malformed(event, read.type === 'malformed' ? read.detail : 'a stream that depends on itself (RFC 7540 5.3.1)');
    }
    if (read.type === 'refused') return this.#refuse(event, read);
    const webSocketAccept = read.head.upgrade === 'websocket' ? addWebSocketKey(read.head.fields) : null;
    const exchange = this.#add(event, { head: read.head, contentLength: read.contentLength, webSocketAccept });
    this.#connection.opened();
    this.#context.onExchange(exchange);
  }

  #add(event: Event<'headers'>, request: Pick<H2Request, 'head' | 'contentLength' | 'webSocketAccept'>): H2ServerExchange {
    const { streamId, endStream, bytes } = event;
    const startedAtMs = this.#connection.now();
    const exchange = new H2ServerExchange(this.#connection, { ...request, streamId, endStream, headBytes: bytes, startedAtMs });
    this.#byId.set(streamId, exchange);
    return exchange;
  }

  /** RFC 9113 section 8.1.1. */
  #malformed(event: Event<'headers'>, detail: string): void {
    if (!this.#connection.count('reset')) return;
    this.#connection.sendReset(event.streamId, ERROR_CODE.protocolError);
    this.#connection.opened();
    this.#connection.reject({ status: 400, detail }, { requestId: newRequestId(), requestBytes: event.bytes });
  }

  #refuse(event: Event<'headers'>, refused: { readonly error: H1Error; readonly method: string; readonly contentType: string | undefined }): void {
    const { error, method, contentType } = refused;
    const fields = new Fields();
    if (contentType !== undefined) fields.append('content-type', 'content-type', contentType);
    const { scheme } = this.#context;
    const head = { method, scheme, authority: '', target: '*', fields, bodyLength: null, upgrade: null, expectsContinue: false, protocol: 'HTTP/2.0' } as const;
    const exchange = this.#add(event, { head, contentLength: null, webSocketAccept: null });
    const requestId = newRequestId();
    this.#connection.opened();
    exchange.answer(error, requestId);
    const { requestBytes, responseBytes, responseBodyBytes } = exchange;
    this.#connection.reject(error, { requestId, requestBytes, responseBytes, responseBodyBytes });
  }

  #trailers(exchange: H2ServerExchange, event: Event<'headers'>): void {
    const trailers = event.endStream ? readTrailers(event.lines) : null;
    if (exchange.body.ended) return this.#broken(exchange, ERROR_CODE.streamClosed);
    if (trailers === null || event.dependsOnSelf) return this.#broken(exchange, ERROR_CODE.protocolError);
    this.#settle(exchange, exchange.receiveTrailers(trailers, event.bytes));
  }

  #data({ streamId, payload, flowBytes, endStream }: Event<'data'>): void {
    const connection = this.#connection;
    if (!connection.debit(flowBytes)) return;
    if (payload.length === 0 && !endStream && !connection.count('empty')) return;
    const exchange = this.#byId.get(streamId);
    if (exchange !== undefined) return this.#settle(exchange, exchange.receive(payload, flowBytes, endStream));
    if (streamId > this.lastId) return connection.fail(fault('protocolError', 'DATA on an idle stream (RFC 9113 5.1)'));
    connection.credit(null, flowBytes);
    if (!this.#resets.has(streamId) && connection.count('late')) connection.sendReset(streamId, ERROR_CODE.streamClosed);
  }

  #settle(exchange: H2ServerExchange, bodyFault: BodyFault | null): void {
    if (bodyFault !== null) this.#broken(exchange, BODY_FAULT_CODES[bodyFault]);
  }

  /** A stream error of the client: counts as a reset of its own, else it would have the server reset for it (CVE-2025-8671). */
  #broken(exchange: H2ServerExchange, code: ErrorCode): void {
    if (!this.#connection.count(exchange.answered ? 'late' : 'reset')) return;
    this.#connection.sendReset(exchange.streamId, code);
    this.#lose(exchange, 'clientProtocolError');
  }

  #lose(exchange: H2ServerExchange, reason: AbortReason): void {
    this.#byId.delete(exchange.streamId);
    exchange.lost(reason, null);
    this.#connection.streamGone();
  }

  #reset(streamId: number): void {
    if (streamId > this.lastId) return this.#connection.fail(fault('protocolError', 'RST_STREAM on an idle stream (RFC 9113 6.4)'));
    const exchange = this.#byId.get(streamId);
    // Before the response began the client pays nothing for work that others do (CVE-2023-44487).
    const isEarly = exchange !== undefined && !exchange.answered;
    if (this.#connection.count(isEarly ? 'reset' : 'control') && exchange !== undefined) this.#lose(exchange, 'clientGone');
  }

  #windowUpdate({ streamId, increment }: Event<'windowUpdate'>): void {
    const connection = this.#connection;
    if (!connection.count('windowUpdate')) return;
    if (streamId === 0) {
      if (increment === 0) connection.fail(fault('protocolError', 'WINDOW_UPDATE of 0 (RFC 9113 6.9)'));
      else if (!connection.output.widen(increment)) connection.fail(fault('flowControlError', 'window above 2^31-1 (RFC 9113 6.9.1)'));
      return;
    }
    if (streamId > this.lastId) return connection.fail(fault('protocolError', 'WINDOW_UPDATE on an idle stream (RFC 9113 5.1)'));
    const exchange = this.#byId.get(streamId);
    if (exchange === undefined) return;
    if (increment === 0) this.#broken(exchange, ERROR_CODE.protocolError);
    else if (!exchange.widen(increment)) this.#broken(exchange, ERROR_CODE.flowControlError);
  }

  #priority({ streamId, dependsOnSelf }: Event<'priority'>): void {
    if (!this.#connection.count('priority') || !dependsOnSelf) return;
    const exchange = this.#byId.get(streamId);
    if (exchange !== undefined) this.#broken(exchange, ERROR_CODE.protocolError);
    else this.#connection.fail(fault('protocolError', 'a stream that depends on itself (RFC 7540 5.3.1)'));
  }

  #settings({ entries }: Event<'settings'>): void {
    const connection = this.#connection;
    if (!connection.count('settings')) return;
    const settings = readClientSettings(entries);
    if ('code' in settings) return connection.fail(settings);
    if (settings.resetsTable) connection.resetTable();
    connection.output.add(SETTINGS_ACK);
    if (settings.initialWindow !== null) this.#setInitialWindow(settings.initialWindow);
  }

  /** RFC 9113 section 6.9.2: open streams change by the difference, below zero if need be. */
  #setInitialWindow(initialWindow: number): void {
    const { output } = this.#connection;
    const difference = initialWindow - output.initialWindow;
    output.initialWindow = initialWindow;
    for (const exchange of this.#byId.values()) {
      if (exchange.window + difference > MAX_31_BITS) {
        return this.#connection.fail(fault('flowControlError', 'window above 2^31-1 (RFC 9113 6.9.2)'));
      }
      exchange.widen(difference);
    }
  }

  #ping({ ack, payload }: Event<'ping'>): void {
    if (!this.#connection.count('control')) return;
    if (ack) this.#connection.pingAnswered(payload);
    else this.#connection.output.add(pingFrame(payload, true));
  }
}
