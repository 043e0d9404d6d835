import type {
  AbortReason,
  ClientConnection,
  Exchange,
  ExchangeHandler,
  RequestHead,
  ResponseHead,
  Tunnel,
} from '../exchange.ts';
import { acceptsHtml, errorPage } from '../errorPage.ts';
import type { Fields } from '../fields.ts';
import { octetsOf } from '../octetSource.ts';
import { SocketTunnel } from '../socketTunnel.ts';
import { CRLF, encodeChunkHeader, encodeLastChunk } from './encodeChunk.ts';
import { encodeResponseHead } from './encodeHead.ts';
import type { Framing, H1Error, RequestHeadEvent } from './events.ts';
import { stripHopByHop } from './hopByHop.ts';
import type { ServerConnection } from './serverConnection.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/** One HTTP/1.1 request and its response on a client connection. */
export class ServerExchange implements Exchange {
  readonly request: RequestHead;
  readonly client: ClientConnection;
  readonly startedAtMs: number;
  /** The request has been delivered to its end. */
  requestEnded = false;
  /** The response is complete. */
  responseEnded = false;
  readonly #connection: ServerConnection;
  readonly #persistent: boolean;
  #handler: ExchangeHandler | null = null;
  #held = true;
  #continueWanted: boolean;
  #framing: Framing | null = null;
  #closes = false;
  #requestBytes = 0;
  #responseBodyBytes = 0;
  #responseBytes = 0;
  #tunnel: SocketTunnel | null = null;

  constructor(connection: ServerConnection, head: RequestHeadEvent, scheme: 'http' | 'https', startedAtMs: number) {
    this.#connection = connection;
    this.client = connection.client;
    this.startedAtMs = startedAtMs;
    this.#persistent = head.keepAlive;
    this.#continueWanted = head.expectsContinue;
    this.request = {
      method: head.method,
      scheme,
      authority: head.authority,
      target: head.target,
      fields: stripHopByHop(head.fields),
      bodyLength: lengthOf(head.framing),
      upgrade: head.upgrade,
      expectsContinue: head.expectsContinue,
      protocol: head.minorVersion === 1 ? 'HTTP/1.1' : 'HTTP/1.0',
    };
  }

  get requestBytes(): number {
    const bytes = this.requestEnded ? this.#requestBytes : this.#connection.messageBytes;
    return this.#tunnel === null ? bytes : bytes + this.#tunnel.received;
  }

  get responseBodyBytes(): number {
    return this.#tunnel === null ? this.#responseBodyBytes : this.#tunnel.sent;
  }

  get responseBytes(): number {
    return this.#tunnel === null ? this.#responseBytes : this.#responseBytes + this.#tunnel.sent;
  }

  /** For the connection: request and response are both over, the next request may be parsed. */
  get complete(): boolean {
    return this.requestEnded && this.responseEnded;
  }

  /** For the connection: decode and deliver further body. */
  get wantsBody(): boolean {
    return !this.requestEnded && (!this.#held || this.responseEnded);
  }

  /** For the connection: only the end of the connection marks the end of the response. */
  get delimitedByClose(): boolean {
    return this.#framing?.type === 'close';
  }

  start(handler: ExchangeHandler): void {
    this.#handler = handler;
  }

  resumeBody(): void {
    this.#held = false;
    this.#connection.proceed();
  }

  sendContinue(): void {
    if (!this.#continueWanted || this.#framing !== null) return;
    this.#continueWanted = false;
    this.#add(CONTINUE);
  }

  sendInformational(head: ResponseHead): void {
    if (this.request.protocol === 'HTTP/1.0' || this.#framing !== null) return;
    this.#addHead(head, { type: 'none' }, true);
  }

  sendHead(head: ResponseHead): void {
    if (this.#framing !== null || this.responseEnded) return;
    // A client that was never told to go on may or may not send its body now: what follows cannot be told apart.
    const unclear = this.#continueWanted && !this.requestEnded;
    this.#sendFinalHead(head, this.#persistent && !unclear && this.#connection.mayKeepAlive());
  }

  write(chunk: Buffer): boolean {
    if (this.#framing === null || this.#framing.type === 'none' || this.responseEnded || chunk.length === 0) return true;
    this.#responseBodyBytes += chunk.length;
    if (this.#framing.type === 'chunked') {
      this.#add(encodeChunkHeader(chunk.length));
      this.#add(chunk);
      this.#add(CRLF);
    } else {
      this.#add(chunk);
    }
    return this.#connection.output.writable;
  }

  end(trailers: Fields | null): void {
    if (this.responseEnded || this.#framing === null) return;
    if (this.#framing.type === 'chunked') this.#add(encodeLastChunk(trailers));
    this.responseEnded = true;
    this.#connection.exchangeEnded(this.#closes);
  }

  acceptUpgrade(head: ResponseHead): Tunnel {
    this.#addHead(head, { type: 'none' }, true);
    if (!this.requestEnded) this.#requestBytes = this.#connection.messageBytes;
    this.requestEnded = true;
    this.responseEnded = true;
    const { socket, rest } = this.#connection.detach();
    this.#tunnel = new SocketTunnel(socket, rest, octetsOf(socket));
    return this.#tunnel;
  }

  abort(): void {
    if (this.responseEnded) return;
    this.responseEnded = true;
    this.#handler = null;
    this.#connection.cut(this.delimitedByClose);
  }

  /** For the connection. */
  deliver(chunk: Buffer): void {
    if (this.#handler !== null && !this.#handler.onBody(chunk)) this.#held = true;
  }

  /** For the connection. */
  deliverEnd(trailers: Fields | null): void {
    this.#requestBytes = this.#connection.messageBytes;
    this.requestEnded = true;
    if (!this.responseEnded) this.#handler?.onBodyEnd(trailers);
  }

  /** For the connection: the output has room again. */
  writableAgain(): void {
    if (!this.responseEnded) this.#handler?.onWritable();
  }

  /** For the connection: the client is gone. */
  clientLost(reason: AbortReason): void {
    if (this.responseEnded) return;
    this.responseEnded = true;
    this.#handler?.onAbort(reason, null);
  }

  /**
   * For the connection: the rest of the request is unusable. Answers it where no response has begun; false when one has,
   * which now ends in the middle.
   */
  refuse(error: H1Error): boolean {
    if (this.responseEnded) return true;
    const handler = this.#handler;
    this.#handler = null;
    const answers = this.#framing === null;
    if (answers) this.#sendPage(error.status, handler?.requestId ?? '');
    this.responseEnded = true;
    handler?.onAbort(error.status === 408 ? 'clientTimeout' : 'clientProtocolError', answers ? error.status : null);
    return answers || this.#framing?.type === 'none';
  }

  #sendPage(status: number, requestId: string): void {
    const page = errorPage({ status, requestId, html: acceptsHtml(this.request.fields.get('accept')) });
    this.#sendFinalHead({ status, reason: '', fields: page.fields, bodyLength: page.body.length }, false);
    this.write(page.body);
  }

  #sendFinalHead(head: ResponseHead, mayPersist: boolean): void {
    const framing = this.#framingOf(head);
    const keepAlive = mayPersist && framing.type !== 'close';
    this.#framing = framing;
    this.#closes = !keepAlive;
    const isDeclared = framing.type === 'none' && head.status !== 204 && head.bodyLength !== null;
    this.#addHead(head, isDeclared ? { type: 'length', bytes: head.bodyLength } : framing, keepAlive);
  }

  #framingOf(head: ResponseHead): Framing {
    if (this.request.method === 'HEAD' || head.status === 204 || head.status === 304) return { type: 'none' };
    if (head.bodyLength !== null) return { type: 'length', bytes: head.bodyLength };
    return this.request.protocol === 'HTTP/1.0' ? { type: 'close' } : { type: 'chunked' };
  }

  #addHead(head: ResponseHead, framing: Framing, keepAlive: boolean): void {
    const upgrade = head.status === 101 ? this.request.upgrade : null;
    const { status, reason, fields } = head;
    this.#add(encodeResponseHead({ status, reason, fields, framing, keepAlive, upgrade }));
  }

  #add(part: string | Buffer): void {
    this.#responseBytes += part.length;
    this.#connection.output.add(part);
  }
}

function lengthOf(framing: Framing): number | null {
  if (framing.type === 'none') return 0;
  return framing.type === 'length' ? framing.bytes : null;
}
