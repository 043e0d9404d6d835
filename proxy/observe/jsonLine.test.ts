import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyDraft } from './exchangeRecord.ts';
import { createJsonLine } from './jsonLine.ts';
import { printed, testRecord, testSubject, testTry } from './testRecord.ts';

test('a line holds the documented keys in their order', () => {
  const line = printed(createJsonLine(), testRecord({ subject: testSubject({ canary: 'shop-next-80' }), tlsProtocol: 'TLSv1.3' }));
  assert.deepEqual(JSON.parse(line), {
    time: '2026-11-21T00:09:48.007Z',
    remote_addr: '192.0.2.1',
    remote_user: null,
    scheme: 'http',
    host: 'shop.test',
    request_method: 'GET',
    request_uri: '/a',
    server_protocol: 'HTTP/1.1',
    ssl_protocol: 'TLSv1.3',
    status: 200,
    body_bytes_sent: 5,
    bytes_sent: 160,
    http_referer: null,
    http_user_agent: 'curl/7.88.1',
    request_length: 80,
    request_time: 0.004,
    request_id: '4a8a8f1c934fc687c4af9a48b81fb872',
    namespace: 'shop',
    ingress_name: 'web',
    service_name: 'web',
    service_port: '80',
    rule_host: 'shop.test',
    location_path: '/',
    proxy_upstream_name: 'shop-web-80',
    proxy_alternative_upstream_name: 'shop-next-80',
    answered_by: 'upstream',
    upstream: [
      { addr: '10.0.0.1:8080', response_length: 5, response_time: 0.004, status: 200, connect_time: 0, error: null },
    ],
  });
});

test('every record has the same keys, whatever is missing', () => {
  const print = createJsonLine();
  const keys = (line: string): string[] => Object.keys(JSON.parse(line) as object);
  assert.deepEqual(keys(printed(print, emptyDraft('192.0.2.1', 'http'))), keys(printed(print, testRecord())));
});

test('every line parses to what came in, for every octet in every field, and is one line of ASCII', () => {
  const print = createJsonLine();
  const hostile = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('');
  const failed = testTry({ status: null, error: 'reset', responseTimeMs: null, connectMs: null });
  const line = printed(print, testRecord({ target: hostile, referer: hostile, userAgent: hostile, host: hostile, tries: [failed] }));
  assert.match(line, /^[ -~]*\n$/);
  const parsed = JSON.parse(line) as Record<string, unknown>;
  for (const key of ['request_uri', 'http_referer', 'http_user_agent', 'host']) assert.equal(parsed[key], hostile);
});
