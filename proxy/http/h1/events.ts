import type { Fields } from '../fields.ts';

/** How the end of a message body is found (RFC 9112 section 6.3). */
export type Framing =
  | { readonly type: 'none' }
  | { readonly type: 'length'; readonly bytes: number }
  | { readonly type: 'chunked' }
  /** Responses only: until the connection closes. */
  | { readonly type: 'close' };

/** A request head, syntax and semantics of RFC 9112 sections 2 to 6 checked. */
export interface RequestHeadEvent {
  readonly type: 'head';
  readonly method: string;
  /** Origin-form or `*`; an absolute-form target is already split into authority and path. */
  readonly target: string;
  /** From the absolute-form target or Host; validated, spelling kept; empty only in HTTP/1.0. */
  readonly authority: string;
  readonly minorVersion: 0 | 1;
  /** All field lines as received, framing and hop-by-hop fields included; lines with underscores in the name already dropped. */
  readonly fields: Fields;
  readonly framing: Framing;
  /** Another request may follow on this connection. */
  readonly keepAlive: boolean;
  /** Lower-case protocol when Upgrade and `Connection: upgrade` are both there in HTTP/1.1; else null. */
  readonly upgrade: string | null;
  readonly expectsContinue: boolean;
}

export interface ResponseHeadEvent {
  readonly type: 'head';
  readonly status: number;
  readonly reason: string;
  readonly minorVersion: 0 | 1;
  readonly fields: Fields;
  /** `none` for 1xx, 204, 304 and answers to HEAD. */
  readonly framing: Framing;
  /** Content-Length as declared, also where no body follows; null when absent. */
  readonly declaredLength: number | null;
  readonly keepAlive: boolean;
}

/** A piece of body: a view into the octets pushed, not a copy. */
export interface DataEvent {
  readonly type: 'data';
  readonly chunk: Buffer;
}

export interface EndEvent {
  readonly type: 'end';
  /** Trailer section of a chunked message, forbidden fields removed; null when there was none. */
  readonly trailers: Fields | null;
}

/** The message breaks the protocol; the decoder is dead from here on. */
export interface ErrorEvent {
  readonly type: 'error';
  readonly error: H1Error;
}

/** A protocol error with the answer it demands. */
export interface H1Error {
  /** Status to answer to a client before closing: 400, 408, 413, 414, 417, 431, 501, 505. */
  readonly status: number;
  /** What was broken, with the RFC section; for logs, holds no received octets. */
  readonly detail: string;
}

export type RequestEvent = RequestHeadEvent | DataEvent | EndEvent | ErrorEvent;
export type ResponseEvent = ResponseHeadEvent | DataEvent | EndEvent | ErrorEvent;
