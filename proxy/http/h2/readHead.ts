import type { ClientLimits } from '../../../core/ir/settings.ts';
import { isAuthority } from '../authority.ts';
import type { RequestHead } from '../exchange.ts';
import { Fields } from '../fields.ts';
import { H1_ERRORS } from '../h1/errors.ts';
import type { H1Error } from '../h1/events.ts';
import { isContinueExpectation } from '../h1/expectation.ts';
import { isForbiddenTrailer } from '../h1/forbiddenTrailers.ts';
import { FIELD_TEXT_OCTETS, HTAB, isToken, SP, TOKEN_OCTETS } from '../octets.ts';
import { parseRequestTarget } from '../requestTarget.ts';
import { isConnectionSpecific } from './connectionSpecific.ts';
import type { FieldLines } from './fieldLines.ts';

/** Longest method taken, octets, as in HTTP/1.1. */
const MAX_METHOD_BYTES = 32;
/** Digits of a length below 2^53. */
const MAX_LENGTH_DIGITS = 15;

/** What a field block is. */
export type ReadHead =
  | { readonly type: 'request'; readonly head: RequestHead; readonly contentLength: number | null }
  /** RST_STREAM with PROTOCOL_ERROR, never forwarded (RFC 9113 section 8.1.1). */
  | { readonly type: 'malformed'; readonly detail: string }
  /** A well-formed request that is answered in the handler's place; `method` and content type decide how. */
  | { readonly type: 'refused'; readonly error: H1Error; readonly method: string; readonly contentType: string | undefined };

/** The connection a head came on. */
export interface HeadContext {
  readonly scheme: 'http' | 'https';
  readonly limits: ClientLimits;
}

const PSEUDO_NAMES: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path', ':protocol']);
/** Dropped here, said in another form by the head, or of no meaning behind a proxy (`proxy`: httpoxy). */
const DROPPED: ReadonlySet<string> = new Set(['content-length', 'expect', 'host', 'http2-settings', 'proxy', 'te', 'trailer']);

const MALFORMED = {
  pseudo: 'pseudo-header fields unknown, repeated or behind other fields (RFC 9113 8.3)',
  missing: 'a pseudo-header field is missing or empty (RFC 9113 8.3.1)',
  name: 'invalid field name (RFC 9113 8.2.1)',
  value: 'invalid field value (RFC 9113 8.2.1)',
  connection: 'a connection-specific field (RFC 9113 8.2.2)',
  te: 'TE other than trailers (RFC 9113 8.2.2)',
  length: 'invalid or repeated content-length (RFC 9110 8.6)',
  lengthAtEnd: 'content-length without content (RFC 9113 8.1.1)',
  scheme: 'scheme other than http and https (RFC 9113 8.3.1)',
  host: 'more than one host, or another than :authority (RFC 9113 8.3.1)',
  protocol: ':protocol without CONNECT (RFC 8441 4)',
  method: 'method is no token (RFC 9110 9.1)',
  connect: 'CONNECT with :scheme or :path (RFC 9113 8.5)',
} as const;

/** The head in pieces. */
class Section {
  readonly pseudo = new Map<string, string>();
  readonly fields = new Fields();
  host: string | null = null;
  contentLength: number | null = null;
  contentType: string | undefined;
  expect: string | null = null;
  te = 0;
  cookie: string | null = null;
  fault: string | null = null;

  constructor(lines: FieldLines) {
    const { names, values } = lines;
    for (let index = 0; index < names.length && this.fault === null; index += 1) {
      this.fault = this.#take(names[index] as string, values[index] as string, index);
    }
    // RFC 9113 section 8.2.3: crumbs become one line before they leave HTTP/2.
    if (this.cookie !== null) this.fields.append('cookie', 'cookie', this.cookie);
  }

  #take(name: string, value: string, index: number): string | null {
    if (!isValue(value)) return MALFORMED.value;
    if (name.charCodeAt(0) === 0x3a) return this.#takePseudo(name, value, index);
    if (!isLowerName(name)) return MALFORMED.name;
    if (isConnectionSpecific(name)) return MALFORMED.connection;
    if (name === 'cookie') this.cookie = this.cookie === null ? value : `${this.cookie}; ${value}`;
    else if (DROPPED.has(name)) return this.#takeControl(name, value);
    else if (!name.includes('_')) this.fields.append(name, name, value);
    if (name === 'content-type') this.contentType ??= value;
    return null;
  }

  #takePseudo(name: string, value: string, index: number): string | null {
    // All before it were pseudo-header fields too, each another one.
    if (index !== this.pseudo.size || !PSEUDO_NAMES.has(name) || this.pseudo.has(name)) return MALFORMED.pseudo;
    this.pseudo.set(name, value);
    return null;
  }

  #takeControl(name: string, value: string): string | null {
    switch (name) {
      case 'host':
        if (this.host !== null) return MALFORMED.host;
        this.host = value;
        return null;
      case 'content-length':
        if (this.contentLength !== null || !isLength(value)) return MALFORMED.length;
        this.contentLength = Number(value);
        return null;
      case 'te':
        this.te += 1;
        return this.te === 1 && value.toLowerCase() === 'trailers' ? null : MALFORMED.te;
      case 'expect':
        this.expect = this.expect === null ? value : `${this.expect}, ${value}`;
        return null;
      default:
        return null;
    }
  }
}

/** Reads a request's field block (RFC 9113 sections 8.2 and 8.3, RFC 8441). `endStream`: it has no content. */
export function readRequestHead(lines: FieldLines, endStream: boolean, context: HeadContext): ReadHead {
  const section = new Section(lines);
  const malformed = section.fault ?? (lines.tooLarge === null ? pseudoFault(section, endStream) : null);
  if (malformed !== null) return { type: 'malformed', detail: malformed };
  const method = section.pseudo.get(':method') ?? '';
  const error = lines.tooLarge !== null ? tooLarge(lines.tooLarge) : refusalOf(section, method, context.limits);
  if (error !== null) return { type: 'refused', error, method, contentType: section.contentType };
  const upgrade = section.pseudo.get(':protocol')?.toLowerCase() ?? null;
  const authority = section.pseudo.get(':authority') ?? section.host ?? '';
  const { fields, contentLength } = section;
  fields.append('host', 'host', authority);
  const head: RequestHead = {
    // An HTTP/1.1 backend is asked to upgrade by a GET (RFC 8441 section 5).
    method: upgrade === null ? method : 'GET',
    scheme: context.scheme,
    authority,
    target: section.pseudo.get(':path') ?? '',
    fields,
    bodyLength: endStream || upgrade !== null ? 0 : contentLength,
    upgrade,
    expectsContinue: section.expect !== null && !endStream && contentLength !== 0 && upgrade === null,
    protocol: 'HTTP/2.0',
    acceptsTrailers: section.te > 0,
  };
  return { type: 'request', head, contentLength };
}

/**
 * Reads a trailer section. Null: malformed (RFC 9113 sections 8.1 and 8.3). Fields that may not stand there are dropped
 * (RFC 9110 section 6.5.1).
 */
export function readTrailers(lines: FieldLines): Fields | null {
  if (lines.tooLarge !== null) return null;
  const fields = new Fields();
  const { names, values } = lines;
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index] as string;
    const value = values[index] as string;
    if (!isLowerName(name) || !isValue(value) || isConnectionSpecific(name)) return null;
    if (!isForbiddenTrailer(name) && !name.includes('_')) fields.append(name, name, value);
  }
  return fields;
}

/** What makes a block of sound lines no request. */
function pseudoFault({ pseudo, host, contentLength }: Section, endStream: boolean): string | null {
  const method = pseudo.get(':method');
  if (method === undefined || method === '') return MALFORMED.missing;
  if (!isToken(method)) return MALFORMED.method;
  const authority = pseudo.get(':authority');
  if (host !== null && authority !== undefined && host.toLowerCase() !== authority.toLowerCase()) return MALFORMED.host;
  const isExtended = pseudo.has(':protocol');
  if (isExtended && method !== 'CONNECT') return MALFORMED.protocol;
  if (method === 'CONNECT' && !isExtended) return pseudo.has(':scheme') || pseudo.has(':path') ? MALFORMED.connect : null;
  if (!pseudo.get(':scheme') || !pseudo.get(':path') || (isExtended && !pseudo.get(':protocol'))) return MALFORMED.missing;
  const scheme = pseudo.get(':scheme')?.toLowerCase();
  if (scheme !== 'http' && scheme !== 'https') return MALFORMED.scheme;
  if (authority === '' || (isExtended && authority === undefined)) return MALFORMED.missing;
  return endStream && contentLength !== null && contentLength > 0 ? MALFORMED.lengthAtEnd : null;
}

/** What keeps a request from being served, by the rules and statuses of HTTP/1.1. */
function refusalOf({ pseudo, host, expect }: Section, method: string, limits: ClientLimits): H1Error | null {
  const protocol = pseudo.get(':protocol')?.toLowerCase();
  if (method === 'TRACE' || (method === 'CONNECT' && protocol !== 'websocket')) return H1_ERRORS.methodForbidden;
  if (method.length > MAX_METHOD_BYTES) return H1_ERRORS.methodLength;
  const target = pseudo.get(':path') ?? '';
  if (method.length + target.length > limits.requestLineBytes) return H1_ERRORS.requestLineLength;
  const authority = pseudo.get(':authority') ?? host;
  if (authority === null) return H1_ERRORS.hostMissing;
  if (!isAuthority(authority)) return H1_ERRORS.hostInvalid;
  if (parseRequestTarget(method, target)?.target !== target) return H1_ERRORS.target;
  return expect === null || isContinueExpectation(expect) ? null : H1_ERRORS.expectation;
}

function tooLarge(limit: NonNullable<FieldLines['tooLarge']>): H1Error {
  switch (limit) {
    case 'fieldLineBytes':
      return H1_ERRORS.fieldLineLength;
    case 'headerBytes':
      return H1_ERRORS.headerBytes;
    case 'headerCount':
      return H1_ERRORS.headerCount;
  }
}

/** A token without upper-case letters. */
function isLowerName(name: string): boolean {
  for (let index = 0; index < name.length; index += 1) {
    const code = name.charCodeAt(index);
    if (TOKEN_OCTETS[code] !== code || code === 0) return false;
  }
  return name.length > 0;
}

/** Field text without whitespace around it (RFC 9113 section 8.2.1). */
function isValue(value: string): boolean {
  for (let index = 0; index < value.length; index += 1) {
    if (FIELD_TEXT_OCTETS[value.charCodeAt(index)] !== 1) return false;
  }
  return !isSpace(value.charCodeAt(0)) && !isSpace(value.charCodeAt(value.length - 1));
}

function isSpace(code: number): boolean {
  return code === SP || code === HTAB;
}

function isLength(value: string): boolean {
  if (value.length === 0 || value.length > MAX_LENGTH_DIGITS) return false;
  for (let index = 0; index < value.length; index += 1) {
    const digit = value.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return false;
  }
  return true;
}
