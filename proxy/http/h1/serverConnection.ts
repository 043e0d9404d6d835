import type { Socket } from 'node:net';
import type { ClientLimits } from '../../../core/ir/settings.ts';
import { resetConnection } from '../../../core/os/resetConnection.ts';
import type { Clock } from '../../../core/time/clock.ts';
import type { Deadline, Deadlines } from '../../limits/deadlines.ts';
import type { ClientConnection, Exchange, ExchangeListener } from '../exchange.ts';
import { errorPage } from '../errorPage.ts';
import type { FrontConnection } from '../frontConnection.ts';
import { newRequestId } from '../requestId.ts';
import { SocketOutput } from '../socketOutput.ts';
import { encodeResponseHead } from './encodeHead.ts';
import type { H1Error, RequestHeadEvent } from './events.ts';
import { RequestDecoder } from './requestDecoder.ts';
import { ServerExchange } from './serverExchange.ts';

/** Octets read ahead of what the exchange takes; above, the socket is paused. */
const READ_AHEAD_BYTES = 64 * 1024;
/** Octets of a request body that are read and dropped after an early response; above, the connection is closed. */
const DISCARD_BYTES = 256 * 1024;
/**
 * After the last octet of the last response the connection is read on until the client has been silent this long, so that
 * octets still under way do not turn into a reset that overtakes the response (RFC 9112 section 9.6; nginx
 * lingering_timeout).
 */
const LINGER_MS = 5000;
/** The same for a client that is not silent (nginx lingering_time). */
const LONGEST_LINGER_MS = 30_000;

/** How long an idle connection waits for another request once draining has begun. */
const DRAIN_IDLE_MS = 1000;

/** Octets that never became a request, and the answer they got. */
export interface Rejection {
  readonly client: ClientConnection;
  readonly error: H1Error;
  /** Stands in the page the client got. */
  readonly requestId: string;
  /** Clock reading when the first octet came. */
  readonly startedAtMs: number;
  readonly requestBytes: number;
  readonly responseBodyBytes: number;
  readonly responseBytes: number;
}

/** What all connections of one listener share. */
export interface ServerConnectionContext {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly scheme: 'http' | 'https';
  /** Current limits; a change holds for the next request. */
  readonly limits: () => ClientLimits;
  /** While draining every response closes its connection. */
  readonly draining: () => boolean;
  readonly onExchange: ExchangeListener;
  /** A request was refused before it became an exchange. */
  readonly onRejected: (rejection: Rejection) => void;
  /** Something threw that never should. */
  readonly onFault: (fault: unknown) => void;
  readonly onClose: (connection: FrontConnection) => void;
}

/**
 * One HTTP/1.1 client connection: feeds the decoder, hands out one exchange at a time (pipelined requests wait in the
 * decoder), answers protocol errors, owns the connection's deadline. Owns the socket until it closes or becomes a tunnel.
 */
export class ServerConnection implements FrontConnection {
  readonly client: ClientConnection;
  readonly #socket: Socket;
  readonly #context: ServerConnectionContext;
  readonly #decoder: RequestDecoder;
  readonly #output: SocketOutput;
  readonly #deadline: Deadline;
  #exchange: ServerExchange | null = null;
  #state: 'open' | 'lingering' | 'detached' = 'open';
  #inputEnded = false;
  #pumping = false;
  #paused = false;
  #requests = 0;
  #discarded = 0;
  #headStartMs: number | null = null;
  /** The last response lasts until the connection closes: cut short, it must not look whole. */
  #endsByClose = false;
  #lingerUntilMs = Infinity;

  constructor(socket: Socket, client: ClientConnection, context: ServerConnectionContext) {
    const limits = context.limits();
    this.#socket = socket;
    this.client = client;
    this.#context = context;
    this.#decoder = new RequestDecoder(limits);
    this.#output = new SocketOutput(socket, limits.sendTimeoutMs, () => this.#writableAgain());
    this.#deadline = { at: context.clock.now() + limits.headerTimeoutMs, expire: () => this.#expire() };
    context.deadlines.add(this.#deadline);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onClose);
    socket.on('timeout', this.#onTimeout);
    // The close event follows and is what counts; without a listener the error would end the worker.
    socket.on('error', this.#onError);
  }

  /** No request is being answered and none has begun to arrive. */
  get idle(): boolean {
    return this.#exchange === null && this.#headStartMs === null;
  }

  /**
   * Called when draining begins: the connection ends with its current response. An idle one waits a moment for a request
   * that may be on its way, so that a client in full swing is told to close instead of being cut.
   */
  drain(): void {
    if (this.#state === 'open') this.#arm();
  }

  /** Cuts the connection. False: nothing was lost by it. */
  destroy(): boolean {
    const wasBusy = this.#state === 'detached' || !this.idle || !this.#output.empty;
    this.#lose('shutdown');
    return wasBusy;
  }

  /** For the exchange: octets go out in the order given. */
  get output(): SocketOutput {
    return this.#output;
  }

  /** For the exchange: octets of the current request consumed so far. */
  get messageBytes(): number {
    return this.#decoder.messageBytes;
  }

  /** For the exchange: may another request follow the current one? */
  mayKeepAlive(): boolean {
    const limits = this.#context.limits();
    return !this.#context.draining() && this.#requests < limits.keepAliveRequests && this.#state === 'open';
  }

  /** For the exchange: body may be delivered again, or the response is complete. */
  proceed(): void {
    this.#pump();
  }

  /** For the exchange: its response is complete. `close`: nothing may follow. */
  exchangeEnded(close: boolean): void {
    if (close) {
      this.#endsByClose = this.#exchange?.delimitedByClose ?? false;
      return this.#closeAfterFlush();
    }
    this.#discarded = 0;
    this.#pump();
  }

  /** For the exchange: cut so that the client cannot take a partial response for a complete one. */
  cut(reset: boolean): void {
    this.#exchange = null;
    if (this.#state === 'open') this.#state = 'lingering';
    // TLS tells a cut from an end by its close_notify; plain TCP only by a reset.
    if (reset && this.client.tls === null) resetConnection(this.#socket);
    else this.#socket.destroy();
  }

  /** For the exchange: gives the socket away after an upgrade, with what was read behind the head. */
  detach(): { readonly socket: Socket; readonly rest: Buffer } {
    this.#output.flush();
    this.#state = 'detached';
    this.#exchange = null;
    this.#context.deadlines.delete(this.#deadline);
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('timeout', this.#onTimeout);
    return { socket: this.#socket, rest: this.#decoder.takeRest() };
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#state !== 'open') return this.#lingerOn();
    if (this.#exchange === null) this.#headStartMs ??= this.#context.clock.now();
    this.#decoder.push(chunk);
    this.#pump();
  };

  readonly #onEnd = (): void => {
    this.#inputEnded = true;
    this.#pump();
  };

  readonly #onTimeout = (): void => {
    this.#lose('clientTimeout');
  };

  readonly #onError = (): void => {
    this.#socket.destroy();
  };

  readonly #onClose = (): void => {
    this.#context.deadlines.delete(this.#deadline);
    this.#context.onClose(this);
    if (this.#state === 'detached') return;
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#state = 'lingering';
    exchange?.clientLost('clientGone');
  };

  #pump(): void {
    // Handlers answer from inside delivery; the outer loop goes on for them.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#step());
    } catch (fault) {
      this.#faulted(fault);
    }
    this.#pumping = false;
    if (this.#state === 'open') {
      this.#balanceReading();
      this.#arm();
    }
  }

  /** One event of the decoder; false when there is nothing to do until something else happens. */
  #step(): boolean {
    if (this.#state !== 'open') return false;
    if (this.#exchange !== null && this.#exchange.complete) this.#exchange = null;
    const exchange = this.#exchange;
    if (exchange !== null && !exchange.wantsBody) return false;
    // A client that pipelines and reads no answers gets no further ones made.
    if (exchange === null && !this.#output.writable) return false;
    const event = this.#decoder.next() ?? (this.#inputEnded ? this.#decoder.finish() : null);
    if (event === null) return this.#nothingMore();
    switch (event.type) {
      case 'head':
        this.#begin(event);
        return true;
      case 'data':
        return this.#deliver(event.chunk);
      case 'end':
        exchange?.deliverEnd(event.trailers);
        return true;
      case 'error':
        this.#fail(event.error);
        return false;
    }
  }

  /** A fault in the proxy costs the request that met it and this connection, not the thousands beside it. */
  #faulted(fault: unknown): void {
    this.#context.onFault(fault);
    try {
      this.#fail({ status: 500, detail: 'a fault in the proxy' });
    } catch (second) {
      this.#context.onFault(second);
      this.cut(true);
    }
  }

  #nothingMore(): boolean {
    if (this.#exchange === null) this.#headStartMs = this.#decoder.idle ? null : (this.#headStartMs ?? this.#context.clock.now());
    if (this.#inputEnded && this.#exchange === null) this.#closeAfterFlush();
    return false;
  }

  #begin(head: RequestHeadEvent): void {
    this.#requests += 1;
    this.#output.sendTimeoutMs = this.#context.limits().sendTimeoutMs;
    const startedAtMs = this.#headStartMs ?? this.#context.clock.now();
    const exchange = new ServerExchange(this, head, this.#context.scheme, startedAtMs);
    this.#exchange = exchange;
    this.#headStartMs = null;
    this.#context.onExchange(exchange satisfies Exchange);
  }

  #deliver(chunk: Buffer): boolean {
    const exchange = this.#exchange;
    if (exchange === null) return false;
    if (!exchange.responseEnded) {
      exchange.deliver(chunk);
      return true;
    }
    this.#discarded += chunk.length;
    if (this.#discarded <= DISCARD_BYTES) return true;
    this.#closeAfterFlush();
    return false;
  }

  #fail(error: H1Error): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    if (exchange === null) this.#reject(error);
    else if (!exchange.refuse(error)) return this.cut(exchange.delimitedByClose);
    this.#closeAfterFlush();
  }

  /** Answers octets that are no request. */
  #reject(error: H1Error): void {
    const requestId = newRequestId();
    const { fields, body } = errorPage({ status: error.status, requestId, html: false });
    const framing = { type: 'length', bytes: body.length } as const;
    const head = encodeResponseHead({ status: error.status, reason: '', fields, framing, keepAlive: false, upgrade: null });
    this.#output.add(head);
    this.#output.add(body);
    this.#context.onRejected({
      client: this.client,
      error,
      requestId,
      startedAtMs: this.#headStartMs ?? this.#context.clock.now(),
      requestBytes: this.#decoder.messageBytes,
      responseBodyBytes: body.length,
      responseBytes: head.length + body.length,
    });
  }

  /** The client is lost or given up: ends the exchange and cuts the connection. */
  #lose(reason: 'clientTimeout' | 'shutdown'): void {
    const exchange = this.#exchange;
    const endsByClose = exchange === null ? this.#endsByClose : exchange.delimitedByClose;
    exchange?.clientLost(reason);
    this.cut(endsByClose && !this.#socket.writableFinished);
  }

  #closeAfterFlush(): void {
    if (this.#state !== 'open') return;
    this.#state = 'lingering';
    this.#exchange = null;
    this.#headStartMs = null;
    this.#output.flush();
    this.#deadline.at = Infinity;
    // No drain event comes any more: the send timeout runs until the last octet is out.
    if (!this.#output.empty) this.#socket.setTimeout(this.#context.limits().sendTimeoutMs);
    this.#socket.end(this.#onFinished);
    this.#socket.resume();
  }

  readonly #onFinished = (): void => {
    this.#socket.setTimeout(0);
    this.#lingerUntilMs = this.#context.clock.now() + LONGEST_LINGER_MS;
    this.#lingerOn();
  };

  #lingerOn(): void {
    if (!this.#socket.writableFinished) return;
    this.#deadline.at = Math.min(this.#lingerUntilMs, this.#context.clock.now() + LINGER_MS);
  }

  #writableAgain(): void {
    if (this.#exchange === null) this.#pump();
    else this.#exchange.writableAgain();
  }

  #balanceReading(): void {
    // Where the decoder waits for octets, what it holds is a head within its limits: a pause would last for ever.
    const waiting = this.#exchange !== null && !this.#exchange.wantsBody;
    const full = waiting && this.#decoder.buffered >= READ_AHEAD_BYTES;
    if (full === this.#paused) return;
    this.#paused = full;
    if (full) this.#socket.pause();
    else this.#socket.resume();
  }

  #arm(): void {
    const limits = this.#context.limits();
    // Asked first: making room may already begin the next request.
    const isBlocked = this.#exchange === null && !this.#output.writable;
    const exchange = this.#exchange;
    if (exchange !== null) {
      const reading = exchange.wantsBody && !exchange.requestEnded;
      this.#deadline.at = reading ? this.#context.clock.now() + limits.bodyTimeoutMs : Infinity;
    } else if (isBlocked) {
      // The next request waits for the client to read; the send timeout runs.
      this.#deadline.at = Infinity;
    } else if (this.#headStartMs !== null) {
      this.#deadline.at = this.#headStartMs + limits.headerTimeoutMs;
    } else {
      const waitMs = this.#context.draining() ? DRAIN_IDLE_MS : limits.keepAliveTimeoutMs;
      this.#deadline.at = this.#context.clock.now() + waitMs;
    }
  }

  #expire(): void {
    if (this.#state !== 'open') this.#socket.destroy();
    else if (this.idle) this.#closeAfterFlush();
    else this.#fail({ status: 408, detail: 'the request did not arrive in time' });
  }
}
