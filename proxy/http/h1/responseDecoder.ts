import { connectionOptions } from './connectionOptions.ts';
import { H1_ERRORS, responseErrorEvent } from './errors.ts';
import type { ErrorEvent, Framing, H1Error, ResponseEvent } from './events.ts';
import { FieldSection } from './fieldSection.ts';
import type { HeadLimits } from './fieldSection.ts';
import { parseContentLength, responseFraming } from './framing.ts';
import { MessageBody } from './messageBody.ts';
import { OctetInput } from './octetInput.ts';
import { StatusLine } from './statusLine.ts';

/** 1xx responses taken for one request; a backend may report progress, but not for ever. Ours. */
const MAX_INFORMATIONAL = 32;
const RESPONSE_RULES = { dropUnderscores: false, stripNameSpace: true } as const;
const NO_BODY: Framing = Object.freeze({ type: 'none' });

/** The ceilings on what a backend may send; `requestLineBytes` bounds the status line. */
export type ResponseLimits = HeadLimits;

type State = 'unrequested' | 'waiting' | 'line' | 'fields' | 'body' | 'upgraded' | 'closed' | 'failed';

/**
 * Responses on one backend connection, octets in, events out, pulled as from `RequestDecoder`. `expect` comes before
 * each response; octets that nobody asked for are never read as one (RFC 9112 section 9.2), they show in `buffered`.
 *
 * A 1xx is a head alone, without an end; heads follow until the final one. Behind a 101 nothing is read: the caller
 * goes on with `takeRest`, or gives the connection up when it had asked for no upgrade. Every violation is an error
 * event with status 502.
 */
export class ResponseDecoder {
  readonly #input = new OctetInput();
  readonly #line: StatusLine;
  readonly #fields: FieldSection;
  readonly #body: MessageBody;
  #state: State = 'unrequested';
  #isHead = false;
  #keepAlive = true;
  #informational = 0;
  /** `#input.consumed` at the first octet of the response, 1xx included. */
  #messageStart = 0;
  #lastMessageBytes = 0;

  constructor(limits: ResponseLimits) {
    this.#line = new StatusLine(limits.requestLineBytes);
    this.#fields = new FieldSection(limits, RESPONSE_RULES);
    this.#body = new MessageBody(this.#input, this.#fields);
  }

  /**
   * Octets pushed and not yet part of an event. Above 0 with no request outstanding: the connection is not to be used
   * again.
   */
  get buffered(): number {
    return this.#input.buffered;
  }

  /** No octet of an expected response has been seen, or none is expected. */
  get idle(): boolean {
    return (this.#state === 'unrequested' || this.#state === 'waiting') && this.#input.buffered === 0;
  }

  /** Octets of the current response read so far, 1xx and framing included; stands until the next `expect`. */
  get messageBytes(): number {
    const read = this.#input.consumed - this.#messageStart;
    switch (this.#state) {
      case 'line':
        return read + this.#line.at;
      case 'fields':
        return read + this.#fields.at;
      case 'waiting':
        return read;
      case 'body':
        return read + this.#body.pending;
      case 'unrequested':
      case 'upgraded':
      case 'closed':
      case 'failed':
        return this.#lastMessageBytes;
    }
  }

  /** Announces the request whose response comes next; only between responses. */
  expect(requestMethod: string): void {
    if (this.#state !== 'unrequested') return;
    this.#isHead = requestMethod === 'HEAD';
    this.#informational = 0;
    this.#messageStart = this.#input.consumed;
    this.#lastMessageBytes = 0;
    this.#state = 'waiting';
    // Node CVE-2026-48931: what came before the request cannot be its response.
    if (this.#input.buffered > 0) this.#state = 'closed';
  }

  /** Takes octets from the backend; they must not be changed afterwards. Dropped once nothing more will be read. */
  push(chunk: Buffer): void {
    if (this.#state !== 'closed' && this.#state !== 'failed') this.#input.push(chunk);
  }

  /** The next event; null: push more octets, or nothing more will be read. */
  next(): ResponseEvent | null {
    switch (this.#state) {
      case 'waiting':
      case 'line':
      case 'fields':
        return this.#nextHead();
      case 'body':
        return this.#nextOfBody();
      case 'closed':
        return this.#input.buffered > 0 ? this.#fail(H1_ERRORS.unrequested) : null;
      case 'unrequested':
      case 'upgraded':
      case 'failed':
        return null;
    }
  }

  /**
   * The backend ended its sending half. Gives what `next` would as long as that gives anything; then the end of a body
   * that lasts until the close, null where no octet of a response had come, or the error of one cut short.
   */
  finish(): ResponseEvent | null {
    const event = this.next();
    if (event !== null) return event;
    if (this.#state === 'body') return this.#finishBody();
    if (this.#state !== 'line' && this.#state !== 'fields') return null;
    return this.#fail(H1_ERRORS.truncated);
  }

  /** Everything pushed and not consumed, for a tunnel that takes over; the decoder reads nothing more. */
  takeRest(): Buffer {
    this.#lastMessageBytes = this.messageBytes;
    this.#state = 'closed';
    return this.#input.takeRest();
  }

  #nextHead(): ResponseEvent | null {
    const input = this.#input;
    while (input.start !== input.end || input.more()) {
      const event = this.#readHead();
      if (event !== null) return event;
      if (!input.more()) return null;
    }
    return null;
  }

  #readHead(): ResponseEvent | null {
    const { octets, start, end } = this.#input;
    const line = this.#line;
    const fields = this.#fields;
    if (this.#state === 'waiting') {
      this.#state = 'line';
      line.begin();
    }
    if (this.#state === 'line') {
      if (!line.scan(octets, start, end)) return null;
      if (line.error !== null) return this.#fail(line.error);
      fields.begin(line.at);
      this.#state = 'fields';
    }
    if (!fields.scan(octets, start, end)) return null;
    if (fields.error !== null) return this.#fail(fields.error);
    return this.#endHead(octets.toString('latin1', start, start + fields.at));
  }

  /** Turns the text of a complete head into its event. */
  #endHead(text: string): ResponseEvent {
    const section = this.#fields;
    const { status, minorVersion, reasonStart, reasonEnd } = this.#line;
    const fields = section.take(this.#input.octets, this.#input.start, text);
    const { control } = section;
    const declaredLength = control.contentLengthLines === 1 ? parseContentLength(control.contentLength) : null;
    const framing = this.#framingOf(status, minorVersion);
    if ('status' in framing) return this.#fail(framing);
    if (status < 200) this.#informational += 1;
    if (this.#informational > MAX_INFORMATIONAL) return this.#fail(H1_ERRORS.informationalCount);
    this.#keepAlive = framing.type !== 'close' && this.#mayPersist(status, minorVersion);
    this.#input.consume(section.at);
    this.#enterBody(status, framing);
    return {
      type: 'head',
      status,
      reason: text.slice(reasonStart, reasonEnd),
      minorVersion,
      fields,
      framing,
      declaredLength,
      keepAlive: this.#keepAlive,
    };
  }

  #framingOf(status: number, minorVersion: 0 | 1): Framing | H1Error {
    const { control } = this.#fields;
    // RFC 9112 section 6.3 (1): these end with their head, whatever it says about a body.
    if (this.#isHead || status < 200 || status === 204 || status === 304) return this.#headOnly(status, minorVersion);
    const result = responseFraming(control, minorVersion);
    return result.ok ? result.framing : result.error;
  }

  /**
   * Even where no body follows, framing fields that contradict each other would mislead whoever reads the head next.
   */
  #headOnly(status: number, minorVersion: 0 | 1): Framing | H1Error {
    if (status < 200 || status === 204) return NO_BODY;
    const result = responseFraming(this.#fields.control, minorVersion);
    return result.ok ? NO_BODY : result.error;
  }

  /** Whether the connection can carry another exchange as far as the head says (RFC 9112 section 9.3). */
  #mayPersist(status: number, minorVersion: 0 | 1): boolean {
    const { control } = this.#fields;
    const options = connectionOptions(control.connection);
    if (options.close || (minorVersion === 0 && !options.keepAlive)) return false;
    // RFC 9112 section 6.1 forbids it, so a sender that does it may send a body as well.
    const isBodiless = status < 200 || status === 204;
    const saysEmpty = control.contentLengthLines === 0 || control.contentLength === '0';
    return !isBodiless || (control.transferEncoding === null && saysEmpty);
  }

  #enterBody(status: number, framing: Framing): void {
    if (status === 101) {
      this.#lastMessageBytes = this.#input.consumed - this.#messageStart;
      this.#state = 'upgraded';
    } else if (status < 200) {
      this.#state = 'waiting';
    } else {
      this.#state = 'body';
      this.#body.begin(framing);
    }
  }

  #nextOfBody(): ResponseEvent | null {
    const event = this.#body.next();
    if (event === null) return this.#body.error === null ? null : this.#fail(this.#body.error);
    if (event.type === 'end') this.#endMessage();
    return event;
  }

  #finishBody(): ResponseEvent {
    const end = this.#body.finish();
    if (end === null) return this.#fail(this.#body.error ?? H1_ERRORS.truncated);
    this.#endMessage();
    return end;
  }

  #endMessage(): void {
    this.#lastMessageBytes = this.messageBytes;
    if (this.#keepAlive) {
      this.#state = 'unrequested';
      return;
    }
    this.#state = 'closed';
    this.#input.clear();
  }

  #fail(error: H1Error): ErrorEvent {
    this.#lastMessageBytes = this.messageBytes;
    this.#state = 'failed';
    this.#input.clear();
    return responseErrorEvent(error);
  }
}
