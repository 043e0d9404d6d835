import type { L4Outcome, L4Record } from '../l4/l4Record.ts';
import type { LogBuffer } from './logBuffer.ts';
import { escapeJson } from './logEscape.ts';
import { createIsoTime, createLocalTime } from './logTime.ts';
import { printAddress } from './textLine.ts';

/** Adds a finished L4 connection or session to a buffer as one line of ASCII, line feed included. */
export type PrintL4Line = (record: L4Record, into: LogBuffer) => void;

const MS_PER_SECOND = 1000;

/**
 * ingress-nginx's default `log-format-stream`:
 * `[$remote_addr] [$time_local] $protocol $status $bytes_sent $bytes_received $session_time`. Octets as the client sees them.
 */
export function createL4TextLine(): PrintL4Line {
  const localTime = createLocalTime();
  return (record, into) => {
    into.add('[').addEscaped(record.client.remoteAddress).add('] [').add(localTime(record.timeMs)).add('] ');
    into.add(record.protocol === 'tcp' ? 'TCP ' : 'UDP ').addInteger(streamStatus(record.outcome)).add(' ');
    into.addInteger(record.sentBytes).add(' ').addInteger(record.receivedBytes).add(' ').addSeconds(record.sessionTimeMs).add('\n');
  };
}

/**
 * One JSON object a line, under the rules of the HTTP lines (jsonLine.ts): stable keys, nginx's names where there is one,
 * null for what does not exist, seconds and octets. `protocol` (`TCP`, `UDP`) tells the two kinds of lines apart.
 *
 * `time`, `protocol`, `remote_addr`, `remote_port`, `server_addr`, `server_port`, `status`, `outcome`, `bytes_sent`,
 * `bytes_received`, `datagrams_sent`, `datagrams_received` (null for TCP), `session_time`, `connect_time`, `kind`, `namespace`,
 * `name`, `field` (the object that asks for the port), `service_namespace`, `service_name`, `service_port`,
 * `proxy_upstream_name`, `upstream_addr`, `upstream_tries`.
 */
export function createL4JsonLine(): PrintL4Line {
  const isoTime = createIsoTime();
  return (record, into) => {
    const { client, cluster, endpoint, route } = record;
    const isUdp = record.protocol === 'udp';
    const line = {
      time: isoTime(record.timeMs),
      protocol: isUdp ? 'UDP' : 'TCP',
      remote_addr: client.remoteAddress,
      remote_port: client.remotePort,
      server_addr: client.localAddress,
      server_port: client.localPort,
      status: streamStatus(record.outcome),
      outcome: record.outcome,
      bytes_sent: record.sentBytes,
      bytes_received: record.receivedBytes,
      datagrams_sent: isUdp ? record.sentDatagrams : null,
      datagrams_received: isUdp ? record.receivedDatagrams : null,
      session_time: seconds(record.sessionTimeMs),
      connect_time: record.connectTimeMs === null ? null : seconds(record.connectTimeMs),
      kind: route.owner.kind,
      namespace: route.owner.namespace === '' ? null : route.owner.namespace,
      name: route.owner.name,
      field: route.field,
      service_namespace: cluster?.namespace ?? null,
      service_name: cluster?.service ?? null,
      service_port: cluster?.port ?? null,
      proxy_upstream_name: cluster?.name ?? null,
      upstream_addr: endpoint === null ? null : printAddress(endpoint),
      upstream_tries: record.tries,
    };
    into.add(escapeJson(line)).add('\n');
  };
}

/** nginx's `$status` of the stream module: what broke off after it was connected is a completed session there too. */
export function streamStatus(outcome: L4Outcome): 200 | 400 | 403 | 500 | 502 | 503 {
  switch (outcome) {
    case 'completed':
    case 'clientReset':
    case 'endpointReset':
    case 'idleTimeout':
    case 'cut':
    case 'evicted':
      return 200;
    case 'badProxyHeader':
      return 400;
    case 'sourceRefused':
      return 403;
    case 'proxyFault':
      return 500;
    case 'noEndpoint':
    case 'connectFailed':
      return 502;
    case 'connectionLimit':
      return 503;
  }
}

/** Seconds to the millisecond, without the noise of binary fractions. */
function seconds(ms: number): number {
  return Math.max(0, Math.trunc(ms)) / MS_PER_SECOND;
}
