import { isAuthority } from '../authority.ts';
import type { Fields } from '../fields.ts';
import { CR, LF } from '../octets.ts';
import { hasValidPercents, parseRequestTarget } from '../requestTarget.ts';
import { connectionOptions } from './connectionOptions.ts';
import type { ControlFields } from './controlFields.ts';
import { H1_ERRORS, errorEvent } from './errors.ts';
import type { ErrorEvent, Framing, H1Error, RequestEvent, RequestHeadEvent } from './events.ts';
import { isContinueExpectation } from './expectation.ts';
import { FieldSection } from './fieldSection.ts';
import type { HeadLimits } from './fieldSection.ts';
import { requestFraming } from './framing.ts';
import { MessageBody } from './messageBody.ts';
import { OctetInput } from './octetInput.ts';
import { RequestLine } from './requestLine.ts';
import { upgradeProtocol } from './upgradeProtocol.ts';

/** Empty lines ignored in front of a request line (RFC 9112 section 2.2 asks for at least one). */
const MAX_LEADING_LINES = 2;
const REQUEST_RULES = { dropUnderscores: true, stripNameSpace: false } as const;

type State = 'start' | 'startLf' | 'line' | 'fields' | 'body' | 'closed' | 'failed';

/**
 * Requests of one client connection, octets in, events out (RFC 9112). The caller pulls: it pushes what the socket
 * gave, takes events until `next` answers null, and may stop taking at any point, so pipelined requests and
 * backpressure need no more machinery. Each request is one head, any data, one end. Behind a request after which the
 * connection must close nothing is read (RFC 9112 section 9.6); behind an error nothing ever.
 *
 * After the end of a request with `upgrade` the caller asks for no further event until it knows whether the octets
 * that follow are the next request (`next`) or belong to the other protocol (`takeRest`).
 *
 * Strings of an event are slices of its head's text: keep a copy when only one of them is to live long.
 */
export class RequestDecoder {
  readonly #input = new OctetInput();
  readonly #line: RequestLine;
  readonly #fields: FieldSection;
  readonly #body: MessageBody;
  #state: State = 'start';
  #leadingLines = 0;
  /** `#input.consumed` at the first octet of the current message. */
  #messageStart = 0;
  #lastMessageBytes = 0;
  #keepAlive = true;
  /** The last valid Host: a kept connection sends the same one again and again. */
  #knownHost: string | null = null;

  constructor(limits: HeadLimits) {
    this.#line = new RequestLine(limits.requestLineBytes);
    this.#fields = new FieldSection(limits, REQUEST_RULES);
    this.#body = new MessageBody(this.#input, this.#fields);
  }

  /** Octets pushed and not yet part of an event; those of an incomplete head among them. */
  get buffered(): number {
    return this.#input.buffered;
  }

  /** Between messages, and nothing of a next head seen; empty lines do not count. */
  get idle(): boolean {
    return this.#state === 'start';
  }

  /** Octets of the current message read so far, framing included; stands until the next head begins. */
  get messageBytes(): number {
    switch (this.#state) {
      case 'line':
        return this.#line.at;
      case 'fields':
        return this.#fields.at;
      case 'body':
        return this.#input.consumed - this.#messageStart + this.#body.pending;
      case 'start':
      case 'startLf':
      case 'closed':
      case 'failed':
        return this.#lastMessageBytes;
    }
  }

  /** Takes octets from the client; they must not be changed afterwards. Dropped once nothing more will be read. */
  push(chunk: Buffer): void {
    if (this.#state !== 'closed' && this.#state !== 'failed') this.#input.push(chunk);
  }

  /** The next event; null: push more octets, or nothing more will be read. */
  next(): RequestEvent | null {
    if (this.#state === 'body') return this.#nextOfBody();
    if (this.#state === 'closed' || this.#state === 'failed') return null;
    return this.#nextHead();
  }

  /**
   * The client ended its sending half. Gives what `next` would as long as that gives anything; then null between
   * messages, or the error of a message cut short.
   */
  finish(): RequestEvent | null {
    const event = this.next();
    if (event !== null || this.#state === 'closed' || this.#state === 'failed') return event;
    if (this.#state === 'start' && this.#input.buffered === 0) return null;
    return this.#fail(H1_ERRORS.truncated);
  }

  /** Everything pushed and not consumed, for a tunnel that takes over; the decoder reads nothing more. */
  takeRest(): Buffer {
    this.#lastMessageBytes = this.messageBytes;
    this.#state = 'closed';
    return this.#input.takeRest();
  }

  #nextHead(): RequestEvent | null {
    const input = this.#input;
    while (input.start !== input.end || input.more()) {
      if (this.#state === 'start' || this.#state === 'startLf') {
        const error = this.#start(input.octets[input.start] as number);
        if (error !== null) return this.#fail(error);
        continue;
      }
      const event = this.#readHead();
      if (event !== null) return event;
      if (!input.more()) return null;
    }
    return null;
  }

  /** Skips an octet of an empty line, or begins a head. */
  #start(octet: number): H1Error | null {
    if (this.#state === 'startLf') {
      if (octet !== LF) return H1_ERRORS.bareCarriageReturn;
      this.#state = 'start';
      this.#leadingLines += 1;
      if (this.#leadingLines > MAX_LEADING_LINES) return H1_ERRORS.leadingLines;
    } else if (octet === CR) {
      this.#state = 'startLf';
    } else {
      if (octet === LF) return H1_ERRORS.bareLineFeed;
      this.#beginHead();
      return null;
    }
    this.#input.consume(1);
    return null;
  }

  #beginHead(): void {
    this.#state = 'line';
    this.#leadingLines = 0;
    this.#messageStart = this.#input.consumed;
    this.#line.begin();
  }

  #readHead(): RequestEvent | null {
    const { octets, start, end } = this.#input;
    const line = this.#line;
    const fields = this.#fields;
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
  #endHead(text: string): RequestEvent {
    const line = this.#line;
    const section = this.#fields;
    const fields = section.take(this.#input.octets, this.#input.start, text);
    const method = text.slice(0, line.methodEnd);
    const target = text.slice(line.methodEnd + 1, line.targetEnd);
    if (method === 'CONNECT' || method === 'TRACE') return this.#fail(H1_ERRORS.methodForbidden);
    const hostError = this.#hostError(section.control);
    if (hostError !== null) return this.#fail(hostError);
    const framing = requestFraming(section.control, line.minorVersion);
    if (!framing.ok) return this.#fail(framing.error);
    const event = this.#headEvent({ method, target, fields, framing: framing.framing });
    if (event.type === 'error') return event;
    this.#input.consume(section.at);
    this.#state = 'body';
    this.#keepAlive = event.keepAlive;
    this.#body.begin(event.framing);
    return event;
  }

  #headEvent(parts: { method: string; target: string; fields: Fields; framing: Framing }): RequestHeadEvent | ErrorEvent {
    const { method, fields, framing } = parts;
    const { control } = this.#fields;
    const { minorVersion, hasPercent } = this.#line;
    let { target } = parts;
    let authority = control.host;
    if (target.charCodeAt(0) !== 0x2f) {
      const parsed = parseRequestTarget(method, target);
      if (parsed === null) return this.#fail(H1_ERRORS.target);
      target = parsed.target;
      // RFC 9112 section 3.2.2: the target says the authority, whatever Host said.
      if (parsed.authority !== null) authority = replaceHost(fields, parsed.authority);
    } else if (hasPercent && !hasValidPercents(target)) return this.#fail(H1_ERRORS.target);
    const isHttp11 = minorVersion === 1;
    const hasBody = framing.type === 'chunked' || (framing.type === 'length' && framing.bytes > 0);
    const options = connectionOptions(control.connection);
    const isUpgrade = isHttp11 && options.upgrade && !options.close && control.upgrade !== null;
    const upgrade = isUpgrade ? upgradeProtocol(control.upgrade ?? '') : null;
    if (hasBody && upgrade === 'websocket') return this.#fail(H1_ERRORS.upgradeWithBody);
    const isContinue = isHttp11 && control.expect !== null;
    if (isContinue && !isContinueExpectation(control.expect ?? '')) return this.#fail(H1_ERRORS.expectation);
    return {
      type: 'head',
      method,
      target,
      authority,
      minorVersion,
      fields,
      framing,
      keepAlive: isHttp11 && !options.close,
      upgrade: hasBody ? null : upgrade,
      expectsContinue: isContinue && hasBody,
    };
  }

  /** RFC 9112 section 3.2: one valid Host, which HTTP/1.0 may leave out. */
  #hostError(control: ControlFields): H1Error | null {
    if (control.hostLines === 0) return this.#line.minorVersion === 1 ? H1_ERRORS.hostMissing : null;
    if (control.hostLines > 1) return H1_ERRORS.hostRepeated;
    if (control.host === this.#knownHost) return null;
    if (!isAuthority(control.host)) return H1_ERRORS.hostInvalid;
    this.#knownHost = control.host;
    return null;
  }

  #nextOfBody(): RequestEvent | null {
    const event = this.#body.next();
    if (event === null) return this.#body.error === null ? null : this.#fail(this.#body.error);
    if (event.type === 'end') this.#endMessage();
    return event;
  }

  #endMessage(): void {
    this.#lastMessageBytes = this.messageBytes;
    if (this.#keepAlive) {
      this.#state = 'start';
      return;
    }
    this.#state = 'closed';
    this.#input.clear();
  }

  #fail(error: H1Error): ErrorEvent {
    this.#lastMessageBytes = this.messageBytes;
    this.#state = 'failed';
    this.#input.clear();
    return errorEvent(error);
  }
}

function replaceHost(fields: Fields, authority: string): string {
  fields.set('Host', 'host', authority);
  return authority;
}
