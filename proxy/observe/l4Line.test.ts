import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterKey } from '../../core/ir/cluster.ts';
import type { L4Outcome, L4Record } from '../l4/l4Record.ts';
import { createL4JsonLine, createL4TextLine, streamStatus, type PrintL4Line } from './l4Line.ts';
import { LogBuffer } from './logBuffer.ts';

const RECORD: L4Record = {
  route: {
    owner: { kind: 'Service', namespace: 'shop', name: 'dätabase' },
    field: 'spec.ports[0]',
    targets: [],
    sourceRanges: null,
    affinityTimeoutMs: null,
    acceptProxyProtocol: null,
    sendProxyProtocol: null,
    connectTimeoutMs: 1,
    idleTimeoutMs: 1,
    maxConnections: 1,
  },
  protocol: 'tcp',
  client: { remoteAddress: '2001:db8::7', remotePort: 50_123, localAddress: '2001:db8::9', localPort: 5432 },
  cluster: {
    key: 'shop/database:5432' as ClusterKey,
    name: 'shop-database-5432',
    namespace: 'shop',
    service: 'database',
    port: '5432',
    endpoints: [],
    unavailable: null,
    balance: { type: 'roundRobin' },
    affinity: null,
  },
  endpoint: { host: '2001:db8:1::1', port: 5432, weight: 1, state: 'ready' },
  receivedBytes: 1_234,
  sentBytes: 56_789,
  receivedDatagrams: 0,
  sentDatagrams: 0,
  timeMs: Date.UTC(2026, 10, 21, 0, 9, 48, 7),
  sessionTimeMs: 1_042.7,
  connectTimeMs: 0.4,
  tries: 1,
  outcome: 'completed',
};

function print(line: PrintL4Line, record: L4Record): string {
  const buffer = new LogBuffer();
  line(record, buffer);
  return Buffer.from(buffer.take()).toString('latin1');
}

test('the text line is that of ingress-nginx for streams', () => {
  const line = print(createL4TextLine(), RECORD);
  assert.match(line, /^\[2001:db8::7\] \[\d\d\/Nov\/2026:\d\d:\d\d:48 [+-]\d{4}\] TCP 200 56789 1234 1\.042\n$/);
  assert.match(print(createL4TextLine(), { ...RECORD, protocol: 'udp', outcome: 'connectFailed' }), / UDP 502 /);
});

test('the JSON line names owner, service and endpoint, in ASCII', () => {
  const line = print(createL4JsonLine(), RECORD);
  assert.match(line, /^[ -~]+\n$/);
  assert.deepEqual(JSON.parse(line), {
    time: '2026-11-21T00:09:48.007Z',
    protocol: 'TCP',
    remote_addr: '2001:db8::7',
    remote_port: 50_123,
    server_addr: '2001:db8::9',
    server_port: 5432,
    status: 200,
    outcome: 'completed',
    bytes_sent: 56_789,
    bytes_received: 1_234,
    datagrams_sent: null,
    datagrams_received: null,
    session_time: 1.042,
    connect_time: 0,
    kind: 'Service',
    namespace: 'shop',
    name: 'dätabase',
    field: 'spec.ports[0]',
    service_namespace: 'shop',
    service_name: 'database',
    service_port: '5432',
    proxy_upstream_name: 'shop-database-5432',
    upstream_addr: '[2001:db8:1::1]:5432',
    upstream_tries: 1,
  });
});

test('what never had an endpoint has null in its place', () => {
  const line = print(createL4JsonLine(), { ...RECORD, protocol: 'udp', cluster: null, endpoint: null, connectTimeMs: null, tries: 0 });
  const parsed = JSON.parse(line) as Record<string, unknown>;
  for (const key of ['service_name', 'service_port', 'proxy_upstream_name', 'upstream_addr', 'connect_time']) assert.equal(parsed[key], null);
  assert.equal(parsed['datagrams_sent'], 0);
});

test('a status tells who is to blame, as nginx has it', () => {
  const statuses: Record<L4Outcome, number> = {
    completed: 200,
    clientReset: 200,
    endpointReset: 200,
    idleTimeout: 200,
    cut: 200,
    evicted: 200,
    badProxyHeader: 400,
    sourceRefused: 403,
    proxyFault: 500,
    noEndpoint: 502,
    connectFailed: 502,
    connectionLimit: 503,
  };
  for (const [outcome, status] of Object.entries(statuses)) assert.equal(streamStatus(outcome as L4Outcome), status);
});
