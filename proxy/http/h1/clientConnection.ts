import type { Socket } from 'node:net';
import type { Clock } from '../../../core/time/clock.ts';
import type { Deadline, Deadlines } from '../../limits/deadlines.ts';
import type { ResponseHead } from '../exchange.ts';
import type { OctetSource } from '../octetSource.ts';
import { SocketOutput } from '../socketOutput.ts';
import { SocketTunnel } from '../socketTunnel.ts';
import type { ClientRequest } from './clientRequest.ts';
import type { ResponseEvent, ResponseHeadEvent } from './events.ts';
import { stripHopByHop } from './hopByHop.ts';
import { ResponseDecoder, type ResponseLimits } from './responseDecoder.ts';

/** What all connections to backends share. */
export interface ClientConnectionContext {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly limits: ResponseLimits;
  /** The connection carries nothing and may be kept. `keepAliveMs`: what the backend's Keep-Alive field promised; null: nothing. */
  readonly onIdle: (connection: ClientConnection, keepAliveMs: number | null) => void;
  /** Something threw that never should. */
  readonly onFault: (fault: unknown) => void;
  readonly onClose: (connection: ClientConnection) => void;
}

/** Calls back once when a TLS handshake is over; a text: why the backend is not to be spoken to. */
export type TlsHandshake = (done: (refusal: string | null) => void) => void;

type LossCode = 'connectFailed' | 'connectTimeout' | 'tlsFailed' | 'reset' | 'readTimeout' | 'sendTimeout' | 'invalidResponse';

/**
 * One HTTP/1.1 connection to a backend. Carries one request at a time; octets that arrive while none is outstanding end
 * it, so that a response can never be taken for the answer to a later request.
 */
export class ClientConnection {
  readonly openedAtMs: number;
  /** Requests begun on it. */
  requests = 0;
  connected = false;
  readonly #socket: Socket;
  readonly #source: OctetSource;
  readonly #context: ClientConnectionContext;
  readonly #decoder: ResponseDecoder;
  readonly #output: SocketOutput;
  readonly #deadline: Deadline;
  #request: ClientRequest | null = null;
  #keepAlive = true;
  #keepAliveMs: number | null = null;
  #requestWritten = false;
  #responseHeld = false;
  #responseBegun = false;
  #pumping = false;
  #inputEnded = false;
  /** `flushes` of the output when the present request was handed to it. */
  #flushesBefore = 0;
  /** TCP is there, TLS not yet. */
  #shakingHands = false;
  #phase: 'connecting' | 'sending' | 'reading' | 'idle' | 'detached' | 'closed' = 'connecting';

  /** `socket` is connecting; `source` gives its octets. `handshake`: what TLS waits for; null: clear text. */
  constructor(socket: Socket, source: OctetSource, context: ClientConnectionContext, handshake: TlsHandshake | null = null) {
    this.#socket = socket;
    this.#source = source;
    this.#context = context;
    this.openedAtMs = context.clock.now();
    this.#decoder = new ResponseDecoder(context.limits);
    this.#output = new SocketOutput(socket, 0, () => this.#request?.handler.onWritable());
    this.#deadline = { at: Infinity, expire: () => this.#expire() };
    context.deadlines.add(this.#deadline);
    if (handshake === null) {
      socket.once('connect', this.#onConnect);
    } else {
      socket.once('connect', this.#onTransportConnect);
      handshake(this.#onHandshake);
    }
    source(this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('timeout', this.#onTimeout);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  /** Takes the next request. The connection must be new or idle. */
  begin(request: ClientRequest): void {
    this.#request = request;
    this.requests += 1;
    this.#requestWritten = false;
    this.#responseHeld = false;
    this.#responseBegun = false;
    this.#output.sendTimeoutMs = request.timeouts.sendMs;
    if (!this.connected) {
      this.#deadline.at = this.#context.clock.now() + request.timeouts.connectMs;
      return;
    }
    // Callbacks come later, never inside the call that asked.
    queueMicrotask(this.#sendWaiting);
  }

  /** False once it is closing, before the close itself is known. */
  get usable(): boolean {
    return !this.#socket.destroyed && !this.#inputEnded;
  }

  /** Keeps the connection at most until `untilMs`. */
  keepUntil(untilMs: number): void {
    this.#deadline.at = untilMs;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** For the request. */
  get output(): SocketOutput {
    return this.#output;
  }

  /** For the request: its last octet is on its way. */
  requestWritten(): void {
    this.#requestWritten = true;
    this.#armRead();
    this.#finishIfComplete();
  }

  /** For the request: the caller can take more. */
  resumeResponse(): void {
    if (!this.#responseHeld) return;
    this.#responseHeld = false;
    this.#socket.resume();
    this.#armRead();
    this.#pump();
  }

  /** For the request: given up. */
  abandon(): void {
    this.#request = null;
    this.#socket.destroy();
  }

  readonly #onConnect = (): void => {
    this.connected = true;
    if (this.#request === null) this.#socket.destroy();
    else this.#send(this.#request);
  };

  readonly #onTransportConnect = (): void => {
    this.#shakingHands = true;
  };

  readonly #onHandshake = (refusal: string | null): void => {
    if (refusal !== null) return this.#lose('tlsFailed', refusal);
    this.#shakingHands = false;
    this.#onConnect();
  };

  readonly #sendWaiting = (): void => {
    const request = this.#request;
    // Given up, or given up and followed by another that is on its way already.
    if (request !== null && request.connectMs === null) this.#send(request);
  };

  #send(request: ClientRequest): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'sending';
    this.#decoder.expect(request.head.method);
    this.#flushesBefore = this.#output.flushes;
    try {
      request.send(this.#context.clock.now());
      this.#armRead();
      request.handler.onReady();
    } catch (fault) {
      this.#faulted(fault);
    }
  }

  /** A fault in the proxy costs the request that met it: the caller is told, and answers 502 if it still can. */
  #faulted(fault: unknown): void {
    this.#context.onFault(fault);
    try {
      this.#lose('invalidResponse', 'a fault in the proxy');
    } catch (second) {
      this.#context.onFault(second);
      this.#socket.destroy();
    }
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#request === null) return void this.#socket.destroy();
    // Octets that were there before the request left cannot be its answer (Node CVE-2026-48931).
    if (this.#output.flushes === this.#flushesBefore) return this.#lose('reset', 'the backend spoke before it was asked');
    this.#responseBegun = true;
    this.#decoder.push(chunk);
    this.#armRead();
    this.#pump();
  };

  readonly #onEnd = (): void => {
    if (this.#request === null) return void this.#socket.destroy();
    this.#inputEnded = true;
    this.#pump();
  };

  readonly #onTimeout = (): void => {
    this.#lose('sendTimeout', 'the backend took nothing for the send timeout');
  };

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    const detail = `${error.code ?? error.name}${this.connected ? '' : ` while ${this.#shakingHands ? 'shaking hands' : 'connecting'}`}`;
    this.#lose(this.connected ? 'reset' : 'connectFailed', detail);
  };

  readonly #onClose = (): void => {
    if (this.#phase !== 'detached') this.#lose('reset', 'the connection closed in the middle');
    this.#phase = 'closed';
    this.#context.deadlines.delete(this.#deadline);
    this.#context.onClose(this);
  };

  #expire(): void {
    if (this.#request === null) this.#socket.destroy();
    else if (!this.connected) this.#lose('connectTimeout', 'no connection within the connect timeout');
    else this.#lose('readTimeout', 'nothing received for the read timeout');
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#step());
    } catch (fault) {
      this.#faulted(fault);
    }
    this.#pumping = false;
  }

  #step(): boolean {
    const request = this.#request;
    if (request === null || this.#responseHeld || this.#phase === 'detached') return false;
    const event = this.#decoder.next() ?? this.#finishInput();
    if (event === null) return false;
    switch (event.type) {
      case 'head':
        return this.#deliverHead(request, event);
      case 'data':
        if (!request.handler.onData(event.chunk)) this.#hold();
        return true;
      case 'end':
        this.#phase = 'idle';
        request.responseEnded = true;
        // First freed, then told: the next request of the same client may take the connection at once.
        this.#finishIfComplete();
        request.handler.onEnd(event.trailers);
        return false;
      case 'error':
        this.#lose('invalidResponse', event.error.detail);
        return false;
    }
  }

  /** The backend closed its half: the end of a response that is delimited so, else a loss. */
  #finishInput(): ResponseEvent | null {
    if (!this.#inputEnded) return null;
    const last = this.#decoder.finish();
    if (last !== null && last.type !== 'error') return last;
    this.#lose('reset', 'the backend closed the connection before the response was complete');
    return null;
  }

  #deliverHead(request: ClientRequest, event: ResponseHeadEvent): boolean {
    if (event.status === 100) request.handler.onContinue();
    else if (event.status === 101) this.#switchProtocols(request, event);
    else if (event.status < 200) request.handler.onInformational(responseHeadOf(event));
    else if (event.status < 300 && request.mustSwitch) this.#lose('invalidResponse', 'the backend did not switch protocols');
    else {
      this.#phase = 'reading';
      this.#armRead();
      this.#keepAlive = event.keepAlive && event.framing.type !== 'close';
      this.#keepAliveMs = keepAliveMsOf(event.fields.get('keep-alive'));
      request.handler.onHead(responseHeadOf(event));
    }
    return this.#request === request;
  }

  #switchProtocols(request: ClientRequest, event: ResponseHeadEvent): void {
    if (request.head.upgrade === null || event.fields.get('upgrade')?.toLowerCase() !== request.head.upgrade) {
      return this.#lose('invalidResponse', 'switching protocols that nobody asked for');
    }
    this.#output.flush();
    this.#phase = 'detached';
    this.#request = null;
    this.#context.deadlines.delete(this.#deadline);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('timeout', this.#onTimeout);
    this.#socket.off('error', this.#onError);
    const tunnel = new SocketTunnel(this.#socket, this.#decoder.takeRest(), this.#source);
    request.settled = true;
    request.handler.onUpgrade(responseHeadOf(event), tunnel);
  }

  /** Both halves done: the connection is free, unless something forbids another request on it. */
  #finishIfComplete(): void {
    const request = this.#request;
    if (request === null || !request.responseEnded) return;
    this.#request = null;
    request.settled = true;
    // Octets of the request that still wait here could run into the next one.
    const isWritten = this.#requestWritten && this.#output.empty;
    const clean = isWritten && this.#keepAlive && this.#decoder.buffered === 0 && !this.#inputEnded;
    if (!clean) return void this.#socket.destroy();
    this.#deadline.at = Infinity;
    this.#context.onIdle(this, this.#keepAliveMs);
  }

  #lose(code: LossCode, detail: string): void {
    const request = this.#request;
    this.#request = null;
    this.#socket.destroy();
    if (request === null || request.settled) return;
    request.settled = true;
    const stale = code === 'reset' && this.requests > 1 && !this.#responseBegun;
    // Whatever ends a handshake that has begun, TLS did not come about; only time runs out for other reasons too.
    if (this.#shakingHands && code !== 'connectTimeout') return request.handler.onError({ code: 'tlsFailed', detail, sent: false });
    const sent = this.connected && this.#output.flushes !== this.#flushesBefore;
    request.handler.onError({ code: stale ? 'stale' : code, detail, sent });
  }

  #hold(): void {
    this.#responseHeld = true;
    this.#deadline.at = Infinity;
    this.#socket.pause();
  }

  /**
   * The read timeout runs while the backend owes something: a response to a whole request, or the rest of one it has
   * begun. Not while the caller holds the response back.
   */
  #armRead(): void {
    const request = this.#request;
    if (request === null || !this.connected) return;
    const owes = this.#requestWritten || this.#phase === 'reading';
    this.#deadline.at = owes && !this.#responseHeld ? this.#context.clock.now() + request.timeouts.readMs : Infinity;
  }
}

function responseHeadOf(event: ResponseHeadEvent): ResponseHead {
  const bodyLength = event.framing.type === 'length' ? event.framing.bytes : event.declaredLength;
  return {
    status: event.status,
    reason: event.reason,
    fields: stripHopByHop(event.fields),
    bodyLength: event.framing.type === 'none' ? event.declaredLength : bodyLength,
  };
}

/** `timeout` parameter of a Keep-Alive field (RFC 2068 section 19.7.1.1, still sent by Node and Apache), ms. */
function keepAliveMsOf(value: string | undefined): number | null {
  if (value === undefined || value.length > 100) return null;
  const parameter = value.split(',').find((part) => part.trim().toLowerCase().startsWith('timeout='));
  if (parameter === undefined) return null;
  const seconds = Number(parameter.slice(parameter.indexOf('=') + 1).trim());
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}
