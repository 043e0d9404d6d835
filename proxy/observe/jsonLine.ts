import { escapeJson } from './logEscape.ts';
import { createIsoTime } from './logTime.ts';
import { printAddress, type PrintLine } from './textLine.ts';
import type { UpstreamTry } from './exchangeRecord.ts';

const MS_PER_SECOND = 1000;

/**
 * One JSON object a line. Keys are nginx's and ingress-nginx's variable names where there is one, and stable: keys may
 * be added, none is renamed or left out, and what does not exist is null. Times are seconds as numbers, lengths octets.
 *
 * `time` (ISO 8601, UTC), `remote_addr`, `remote_user`, `scheme`, `host`, `request_method`, `request_uri`,
 * `server_protocol`, `ssl_protocol`, `status`, `body_bytes_sent`, `bytes_sent`, `http_referer`, `http_user_agent`,
 * `request_length`, `request_time`, `request_id`, `namespace`, `ingress_name`, `service_name`, `service_port`,
 * `rule_host`, `location_path`, `proxy_upstream_name`, `proxy_alternative_upstream_name`, `answered_by` (`upstream`, or
 * why the proxy answered itself), `upstream` (tries in order: `addr`, `response_length`, `response_time`, `status`,
 * `connect_time`, `error`).
 */
export function createJsonLine(): PrintLine {
  const isoTime = createIsoTime();
  return (record, into) => {
    const { subject } = record;
    const line = {
      time: isoTime(record.timeMs),
      remote_addr: record.remoteAddress,
      remote_user: record.remoteUser,
      scheme: record.scheme,
      host: orNull(record.host),
      request_method: orNull(record.method),
      request_uri: orNull(record.target),
      server_protocol: orNull(record.protocol),
      ssl_protocol: record.tlsProtocol,
      status: record.status,
      body_bytes_sent: record.bodyBytesSent,
      bytes_sent: record.bytesSent,
      http_referer: record.referer,
      http_user_agent: record.userAgent,
      request_length: record.requestLength,
      request_time: seconds(record.requestTimeMs),
      request_id: orNull(record.requestId),
      namespace: orNull(subject.namespace),
      ingress_name: orNull(subject.ingress),
      service_name: orNull(subject.service),
      service_port: orNull(subject.servicePort),
      rule_host: orNull(subject.host),
      location_path: orNull(subject.path),
      proxy_upstream_name: orNull(subject.upstreamName),
      proxy_alternative_upstream_name: orNull(subject.canary),
      answered_by: record.answeredBy,
      upstream: record.tries.map(printTry),
    };
    into.add(escapeJson(line)).add('\n');
  };
}

function printTry(attempt: UpstreamTry): Record<string, unknown> {
  return {
    addr: printAddress(attempt.endpoint),
    response_length: attempt.responseLength,
    response_time: attempt.responseTimeMs === null ? null : seconds(attempt.responseTimeMs),
    status: attempt.status,
    connect_time: attempt.connectMs === null ? null : seconds(attempt.connectMs),
    error: attempt.error,
  };
}

function orNull(text: string): string | null {
  return text === '' ? null : text;
}

/** Seconds to the millisecond, without the noise of binary fractions. */
function seconds(ms: number): number {
  return Math.max(0, Math.trunc(ms)) / MS_PER_SECOND;
}
