import type { RequestHead } from '../exchange.ts';
import type { Fields } from '../fields.ts';
import type { UpstreamHandler, UpstreamHead, UpstreamRequest, UpstreamTimeouts } from '../upstream.ts';
import type { ClientConnection } from './clientConnection.ts';
import { CRLF, encodeChunkHeader, encodeLastChunk } from './encodeChunk.ts';
import { encodeRequestHead } from './encodeHead.ts';
import type { Framing } from './events.ts';

/** One request on a backend connection. */
export class ClientRequest implements UpstreamRequest {
  readonly head: UpstreamHead;
  readonly timeouts: UpstreamTimeouts;
  readonly handler: UpstreamHandler;
  connectMs: number | null = null;
  /** The response has been delivered to its end. */
  responseEnded = false;
  /** Over: the connection may already serve somebody else, so nothing here may touch it any more. */
  settled = false;
  readonly #connection: ClientConnection;
  readonly #startedAtMs: number;
  readonly #chunked: boolean;
  #ended = false;

  constructor(
    connection: ClientConnection,
    request: { readonly head: UpstreamHead; readonly timeouts: UpstreamTimeouts; readonly startedAtMs: number },
    handler: UpstreamHandler,
  ) {
    this.#connection = connection;
    this.head = request.head;
    this.timeouts = request.timeouts;
    this.#startedAtMs = request.startedAtMs;
    this.handler = handler;
    this.#chunked = request.head.bodyLength === null;
  }

  /** For the connection: an extended CONNECT of HTTP/2 stands behind it, whose client would take any 2xx for a tunnel (RFC 8441). */
  get mustSwitch(): boolean {
    return this.head.upgrade !== null && this.head.protocol === 'HTTP/2.0';
  }

  /** For the connection: it is open, write the head. */
  send(nowMs: number): void {
    this.connectMs = this.#connection.requests > 1 ? 0 : nowMs - this.#startedAtMs;
    const { method, target, authority, fields, sharedFields, upgrade, expectsContinue } = this.head;
    const framing = framingOf(this.head);
    const shared = sharedFields ?? null;
    this.#connection.output.add(
      encodeRequestHead({ method, target, authority, fields, sharedFields: shared, framing, upgrade, expectsContinue }),
    );
  }

  write(chunk: Buffer): boolean {
    if (this.settled || this.#ended || chunk.length === 0) return true;
    const output = this.#connection.output;
    if (this.#chunked) output.add(encodeChunkHeader(chunk.length));
    output.add(chunk);
    if (this.#chunked) output.add(CRLF);
    return output.writable;
  }

  end(trailers: Fields | null): void {
    if (this.settled || this.#ended) return;
    this.#ended = true;
    if (this.#chunked) this.#connection.output.add(encodeLastChunk(trailers));
    this.#connection.requestWritten();
  }

  resumeResponse(): void {
    if (!this.settled) this.#connection.resumeResponse();
  }

  abort(): void {
    if (this.settled) return;
    this.settled = true;
    this.#connection.abandon();
  }
}

/** A body of length 0 is announced only where a server expects one (RFC 9110 section 8.6). */
function framingOf(head: RequestHead): Framing {
  if (head.bodyLength === null) return { type: 'chunked' };
  if (head.bodyLength > 0) return { type: 'length', bytes: head.bodyLength };
  const announces = head.method === 'POST' || head.method === 'PUT' || head.method === 'PATCH';
  return announces ? { type: 'length', bytes: 0 } : { type: 'none' };
}
