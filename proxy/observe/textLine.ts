import type { LogBuffer } from './logBuffer.ts';
import { createLocalTime } from './logTime.ts';
import type { ExchangeRecord, UpstreamTry } from './exchangeRecord.ts';

/** Adds a record to a buffer as one line of ASCII, line feed included. */
export type PrintLine = (record: ExchangeRecord, into: LogBuffer) => void;

/**
 * The default access log line of ingress-nginx, field by field:
 * `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"
 * $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr
 * $upstream_response_length $upstream_response_time $upstream_status $req_id`. Values of several tries are joined by
 * `, `; what does not exist is `-`, an upstream name that does not is empty, as nginx prints a variable set to nothing.
 */
export function createTextLine(): PrintLine {
  const localTime = createLocalTime();
  return (record, into) => {
    addOrDash(into.addEscaped(record.remoteAddress).add(' - '), record.remoteUser);
    into.add(' [').add(localTime(record.timeMs)).add('] "');
    addRequestLine(into, record);
    into.add('" ').addInteger(record.status).add(' ').addInteger(record.bodyBytesSent).add(' "');
    addOrDash(into, record.referer);
    into.add('" "');
    addOrDash(into, record.userAgent);
    into.add('" ').addInteger(record.requestLength).add(' ').addSeconds(record.requestTimeMs);
    into.add(' [').addEscaped(record.subject.upstreamName).add('] [').addEscaped(record.subject.canary).add('] ');
    addTries(into, record.tries);
    into.add(' ').addEscaped(record.requestId === '' ? '-' : record.requestId).add('\n');
  };
}

/** `host:port`, an IPv6 address in brackets. */
export function printAddress(endpoint: { readonly host: string; readonly port: number }): string {
  return endpoint.host.includes(':') ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`;
}

function addRequestLine(into: LogBuffer, record: ExchangeRecord): void {
  if (record.method === '') into.add('-');
  else into.addEscaped(record.method).add(' ').addEscaped(record.target).add(' ').addEscaped(record.protocol);
}

function addOrDash(into: LogBuffer, value: string | null): void {
  if (value === null) into.add('-');
  else into.addEscaped(value);
}

function addTries(into: LogBuffer, tries: readonly UpstreamTry[]): void {
  if (tries.length === 0) into.add('- - - -');
  for (const [column, add] of TRY_COLUMNS.entries()) {
    for (const [index, attempt] of tries.entries()) {
      if (index > 0) into.add(', ');
      else if (column > 0) into.add(' ');
      add(into, attempt);
    }
  }
}

const TRY_COLUMNS: readonly ((into: LogBuffer, attempt: UpstreamTry) => void)[] = [
  (into, { endpoint }) => addAddress(into, endpoint.host, endpoint.port),
  (into, { responseLength }) => into.addInteger(responseLength),
  (into, { responseTimeMs }) => (responseTimeMs === null ? into.add('-') : into.addSeconds(responseTimeMs)),
  (into, attempt) => into.add(tryStatus(attempt)),
];

function addAddress(into: LogBuffer, host: string, port: number): void {
  if (host.includes(':')) into.add('[').addEscaped(host).add(']:').addInteger(port);
  else into.addEscaped(host).add(':').addInteger(port);
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
    case 'tlsFailed':
    case 'stale':
    case 'reset':
    case 'invalidResponse':
      return '502';
  }
}
