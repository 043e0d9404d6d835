import { escapeText } from './logEscape.ts';
import { createLocalTime, printSeconds } from './logTime.ts';
import type { ExchangeRecord, UpstreamTry } from './exchangeRecord.ts';

/** Prints a record as one line, with its line feed, in ASCII. */
export type PrintLine = (record: ExchangeRecord) => string;

/**
 * The default access log line of ingress-nginx, field by field:
 * `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"
 * $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr
 * $upstream_response_length $upstream_response_time $upstream_status $req_id`. Values of several tries are joined by
 * `, `; what does not exist is `-`, an upstream name that does not is empty, as nginx prints a variable set to nothing.
 */
export function createTextLine(): PrintLine {
  const localTime = createLocalTime();
  return (record) => {
    const { subject } = record;
    const client = `${escapeText(record.remoteAddress)} - ${orDash(record.remoteUser)} [${localTime(record.timeMs)}]`;
    const answer = `${record.status} ${record.bodyBytesSent}`;
    const sender = `"${orDash(record.referer)}" "${orDash(record.userAgent)}"`;
    const sizes = `${record.requestLength} ${printSeconds(record.requestTimeMs)}`;
    const names = `[${escapeText(subject.upstreamName)}] [${escapeText(subject.canary)}]`;
    const id = record.requestId === '' ? '-' : escapeText(record.requestId);
    return `${client} "${requestLine(record)}" ${answer} ${sender} ${sizes} ${names} ${printTries(record.tries)} ${id}\n`;
  };
}

/** `host:port`, an IPv6 address in brackets. */
export function printAddress(endpoint: { readonly host: string; readonly port: number }): string {
  return joinAddress(endpoint.host, endpoint.port);
}

function joinAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function requestLine(record: ExchangeRecord): string {
  if (record.method === '') return '-';
  // Piece by piece: escaping what has just been joined would first have to copy it together.
  return `${escapeText(record.method)} ${escapeText(record.target)} ${escapeText(record.protocol)}`;
}

function orDash(value: string | null): string {
  return value === null ? '-' : escapeText(value);
}

function printTries(tries: readonly UpstreamTry[]): string {
  if (tries.length === 0) return '- - - -';
  let [addresses, lengths, times, statuses] = ['', '', '', ''];
  let separator = '';
  for (const attempt of tries) {
    addresses += `${separator}${joinAddress(escapeText(attempt.endpoint.host), attempt.endpoint.port)}`;
    lengths += `${separator}${attempt.responseLength}`;
    times += `${separator}${attempt.responseTimeMs === null ? '-' : printSeconds(attempt.responseTimeMs)}`;
    statuses += `${separator}${tryStatus(attempt)}`;
    separator = ', ';
  }
  return `${addresses} ${lengths} ${times} ${statuses}`;
}

/** nginx gives a try without a response the status it would answer with (ngx_http_upstream_next): 504 or 502. */
function tryStatus(attempt: UpstreamTry): string {
  if (attempt.status !== null) return String(attempt.status);
  switch (attempt.error) {
    case null:
      return '-';
    case 'connectTimeout':
    case 'readTimeout':
    case 'sendTimeout':
      return '504';
    case 'connectFailed':
    case 'stale':
    case 'reset':
    case 'invalidResponse':
      return '502';
  }
}
