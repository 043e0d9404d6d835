import { STATUS_CODES } from 'node:http';
import type { Exchange } from './exchange.ts';
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

/** Answers an exchange with `errorPage`, and with `extra` fields if given. */
export function answerPage(exchange: Exchange, status: number, requestId: string, extra?: readonly [string, string][]): void {
  const page = errorPage({ status, requestId, html: acceptsHtml(exchange.request.fields.get('accept')) });
  for (const [name, value] of extra ?? []) page.fields.append(name, name.toLowerCase(), value);
  exchange.sendHead({ status, reason: '', fields: page.fields, bodyLength: page.body.length });
  exchange.write(page.body);
  exchange.end(null);
}

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
