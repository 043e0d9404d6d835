import { STATUS_CODES } from 'node:http';
import type { Exchange, ResponseHead } from './exchange.ts';
import { Fields } from './fields.ts';

/** A body the proxy makes itself, with the fields that describe it. */
export interface ErrorPage {
  readonly fields: Fields;
  readonly body: Buffer;
}

/**
 * The page for a status the proxy answers itself. It names the request id, by which an operator finds the log line, and
 * nothing of what stands behind the proxy. `html`: the client prefers a page over text.
 */
export function errorPage(options: { status: number; requestId: string; html: boolean }): ErrorPage {
  const title = `${options.status} ${STATUS_CODES[options.status] ?? ''}`.trimEnd();
  const id = `request id: ${options.requestId}`;
  const body = Buffer.from(options.html ? htmlOf(title, id) : `${title}\n${id}\n`, 'latin1');
  const fields = new Fields();
  fields.append('Content-Type', 'content-type', options.html ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8');
  fields.append('Date', 'date', httpDate(Date.now()));
  fields.append('Server', 'server', SERVER_NAME);
  return { fields, body };
}

/** Value of Server in responses whose backend gave none. */
export const SERVER_NAME = 'gatehouse';

/** A response the proxy makes itself. */
export interface OwnAnswer {
  readonly head: ResponseHead;
  /** Empty for gRPC. */
  readonly body: Buffer;
}

/**
 * What a request gets that the proxy answers itself: `errorPage` with the status, or, when `contentType` says gRPC, a
 * gRPC trailers-only response as Envoy gives it: HTTP 200 without a body, `grpc-status` by gRPC's table of HTTP statuses
 * (doc/http-grpc-status-mapping.md), and the page's text in `grpc-message`. A gRPC client reads nothing else, and would
 * report a page as a broken response.
 */
export function ownAnswer(options: { status: number; requestId: string; accept: string | undefined; contentType: string | undefined }): OwnAnswer {
  const { status, requestId, accept, contentType } = options;
  if (isGrpc(contentType)) return { head: grpcHead(status, requestId), body: NO_BODY };
  const { fields, body } = errorPage({ status, requestId, html: acceptsHtml(accept) });
  return { head: { status, reason: '', fields, bodyLength: body.length }, body };
}

/** Answers an exchange with `ownAnswer`, and with `extra` fields if given. */
export function answerPage(exchange: Exchange, status: number, requestId: string, extra?: readonly [string, string][]): void {
  const { fields } = exchange.request;
  const { head, body } = ownAnswer({ status, requestId, accept: fields.get('accept'), contentType: fields.get('content-type') });
  for (const [name, value] of extra ?? []) head.fields.append(name, name.toLowerCase(), value);
  exchange.sendHead(head);
  exchange.write(body);
  exchange.end(null);
}

const NO_BODY: Buffer = Buffer.alloc(0);

/** `application/grpc`, alone or with a message format (`+proto`) or parameters; not gRPC-Web, which is another protocol. */
function isGrpc(contentType: string | undefined): boolean {
  if (contentType === undefined || !contentType.toLowerCase().startsWith('application/grpc')) return false;
  const next = contentType.charAt('application/grpc'.length);
  return next === '' || next === '+' || next === ';' || next === ' ';
}

function grpcHead(status: number, requestId: string): ResponseHead {
  const fields = new Fields();
  fields.append('Content-Type', 'content-type', 'application/grpc');
  fields.append('grpc-status', 'grpc-status', String(grpcStatusOf(status)));
  const reason = `${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  fields.append('grpc-message', 'grpc-message', `${reason}, request id: ${requestId}`);
  fields.append('Date', 'date', httpDate(Date.now()));
  fields.append('Server', 'server', SERVER_NAME);
  return { status: 200, reason: '', fields, bodyLength: 0 };
}

/** gRPC's code for an HTTP status: what its clients take a response for that is none of gRPC's. */
function grpcStatusOf(status: number): number {
  switch (status) {
    case 400:
      return GRPC_STATUS.internal;
    case 401:
      return GRPC_STATUS.unauthenticated;
    case 403:
      return GRPC_STATUS.permissionDenied;
    case 404:
      return GRPC_STATUS.unimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return GRPC_STATUS.unavailable;
    default:
      return GRPC_STATUS.unknown;
  }
}

const GRPC_STATUS = { unknown: 2, permissionDenied: 7, unimplemented: 12, internal: 13, unavailable: 14, unauthenticated: 16 } as const;

let dateSecond = -1;
let dateText = '';

/** IMF-fixdate (RFC 9110 section 5.6.7), made once a second. */
export function httpDate(nowMs: number): string {
  const second = Math.floor(nowMs / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second * 1000).toUTCString();
  }
  return dateText;
}

/** The client is a browser, as far as its Accept field says. */
export function acceptsHtml(accept: string | undefined): boolean {
  return accept !== undefined && accept.includes('text/html');
}

/** Both texts are made by the proxy (the id is a token), so nothing needs escaping. */
function htmlOf(title: string, id: string): string {
  return `<!doctype html><html lang="en"><head><title>${title}</title></head><body><h1>${title}</h1><p>${id}</p></body></html>\n`;
}
