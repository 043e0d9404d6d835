import { STATUS_CODES } from 'node:http';
import type { Fields } from '../fields.ts';
import { isToken } from '../octets.ts';
import { EncodeFault } from './encodeFault.ts';
import { encodeFields, encodeRequestFields, encodeSharedFields, isFieldText } from './encodeFields.ts';
import type { Framing } from './events.ts';

/** A request for a backend. */
export interface RequestHeadParts {
  readonly method: string;
  /** Origin-form, or `*`. */
  readonly target: string;
  /**
   * Becomes the only Host; a `host` line among the fields is left out. Empty: `Host:` without a value (RFC 9112
   * section 3.2).
   */
  readonly authority: string;
  /** End-to-end fields only. */
  readonly fields: Fields;
  /** Further end-to-end fields, the same object for many requests: their text is made once. Null: none. */
  readonly sharedFields: Fields | null;
  /** A request cannot last until the close: `close` is refused. */
  readonly framing: Framing;
  /** Protocol to ask for with Upgrade; null: none. */
  readonly upgrade: string | null;
  /** Writes `Expect: 100-continue`; an `expect` line among the fields is left out. */
  readonly expectsContinue: boolean;
}

/** A response for a client. */
export interface ResponseHeadParts {
  /** 100 to 999. */
  readonly status: number;
  /** Empty: the standard phrase of the status. */
  readonly reason: string;
  /** End-to-end fields only. */
  readonly fields: Fields;
  /** What the head says; for HEAD and 304 no body follows a length. `close` and `none` write nothing. */
  readonly framing: Framing;
  /** False: writes `Connection: close`. */
  readonly keepAlive: boolean;
  /** Protocol switched to, with 101; null: none. */
  readonly upgrade: string | null;
}

/** Status → whole line with the standard phrase, filled as statuses come: at most 900. */
const STATUS_LINES = new Map<number, string>();

/**
 * Head of a request as latin1 text, HTTP/1.1 whatever version came in (RFC 9110 section 7.6.3). Throws `EncodeFault`
 * rather than write a head that could be read as more than one.
 */
export function encodeRequestHead(parts: RequestHeadParts): string {
  const { method, target, authority } = parts;
  if (!isToken(method) || !isVisible(target) || !isFieldText(authority)) throw new EncodeFault('startLine');
  if (parts.framing.type === 'close') throw new EncodeFault('length');
  const shared = parts.sharedFields === null ? '' : encodeSharedFields(parts.sharedFields);
  const lines = encodeRequestFields(parts.fields) + shared;
  const expect = parts.expectsContinue ? 'Expect: 100-continue\r\n' : '';
  const upgrade = parts.upgrade === null ? '' : upgradeLines(parts.upgrade);
  const start = `${method} ${target} HTTP/1.1\r\nHost: ${authority}\r\n`;
  return `${start}${lines}${expect}${framingLine(parts.framing)}${upgrade}\r\n`;
}

/** Head of a response as latin1 text, always HTTP/1.1 (RFC 9110 section 6.2). Throws `EncodeFault` as above. */
export function encodeResponseHead(parts: ResponseHeadParts): string {
  const line = statusLine(parts.status, parts.reason);
  const connection = parts.keepAlive ? '' : 'Connection: close\r\n';
  const last = parts.upgrade === null ? connection : upgradeLines(parts.upgrade);
  return `${line}${encodeFields(parts.fields)}${framingLine(parts.framing)}${last}\r\n`;
}

function statusLine(status: number, reason: string): string {
  if (!Number.isInteger(status) || status < 100 || status > 999) throw new EncodeFault('startLine');
  let standard = STATUS_LINES.get(status);
  if (standard === undefined) {
    standard = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
    STATUS_LINES.set(status, standard);
  }
  if (reason === '' || reason === STATUS_CODES[status]) return standard;
  if (!isFieldText(reason)) throw new EncodeFault('startLine');
  return `HTTP/1.1 ${status} ${reason}\r\n`;
}

function framingLine(framing: Framing): string {
  switch (framing.type) {
    case 'none':
    case 'close':
      return '';
    case 'length':
      if (!Number.isSafeInteger(framing.bytes) || framing.bytes < 0) throw new EncodeFault('length');
      return `Content-Length: ${framing.bytes}\r\n`;
    case 'chunked':
      return 'Transfer-Encoding: chunked\r\n';
  }
}

/** RFC 9110 section 7.8: Upgrade is never sent without its connection option. */
function upgradeLines(protocol: string): string {
  if (protocol === '' || !isVisible(protocol)) throw new EncodeFault('startLine');
  return `Connection: upgrade\r\nUpgrade: ${protocol}\r\n`;
}

/** True for one or more of 0x21 to 0x7e: what a request target is made of, and what no line can be split by. */
function isVisible(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code <= 0x20 || code >= 0x7f) return false;
  }
  return text.length > 0;
}
