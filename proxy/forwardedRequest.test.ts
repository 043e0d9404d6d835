import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertNothingOpen } from './testing/nothingOpen.ts';
import { answering, response, startRawBackend } from './testing/rawBackend.ts';
import type { RawMessage } from './testing/rawPeer.ts';
import { startEngine, type EngineOptions } from './testing/startEngine.ts';

after(assertNothingOpen);

/** What the backend gets of a GET with those field lines. */
async function forwarded(t: Parameters<typeof startEngine>[0], lines: string, options: EngineOptions = {}): Promise<RawMessage> {
  const seen: RawMessage[] = [];
  const backend = await startRawBackend(answering(() => response('ok'), seen));
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] }, ...options });
  const client = await gateway.connect();
  client.send(`GET /a?b HTTP/1.1\r\nHost: GW.test:8080\r\n${lines}\r\n`);
  await client.message();
  const [request] = seen;
  assert.ok(request !== undefined);
  return request;
}

test('Connection cannot take the proxy’s own fields away, nor Host', async (t) => {
  const request = await forwarded(t, 'Connection: x-forwarded-for, X-Real-IP, host, x-request-id, x-mine\r\nX-Mine: 1\r\nX-Forwarded-For: 9.9.9.9\r\n');
  assert.equal(request.get('x-forwarded-for'), '127.0.0.1');
  assert.equal(request.get('x-real-ip'), '127.0.0.1');
  assert.match(request.get('x-request-id') ?? '', /^[0-9a-f]{32}$/);
  assert.equal(request.get('host'), 'GW.test:8080');
  assert.equal(request.get('x-mine'), undefined);
  assert.equal(request.get('connection'), undefined);
});

test('look-alikes with underscores do not reach a backend', async (t) => {
  const request = await forwarded(t, 'X_Forwarded_For: 9.9.9.9\r\nX_Real-IP: 9.9.9.9\r\n');
  assert.ok(!request.raw.includes('9.9.9.9'));
});

test('hop-by-hop fields end here, the others keep order and spelling', async (t) => {
  const request = await forwarded(t, 'B: 1\r\nTE: trailers\r\nKeep-Alive: 5\r\nProxy: evil\r\nProxy-Connection: x\r\na: 2\r\nB: 3\r\n');
  const own = request.fields.filter(([name]) => !name.startsWith('X-'));
  assert.deepEqual(own, [['Host', 'GW.test:8080'], ['B', '1'], ['a', '2'], ['B', '3']]);
  assert.equal(request.startLine, 'GET /a?b HTTP/1.1');
});

test('the route may say another host', async (t) => {
  const request = await forwarded(t, '', { policy: { upstreamHost: 'inner.test' } });
  assert.deepEqual([request.get('host'), request.get('x-forwarded-host')], ['inner.test', 'GW.test:8080']);
});

test('a trusted peer speaks for the client, also in the access log', async (t) => {
  const seen: RawMessage[] = [];
  const backend = await startRawBackend(answering(() => response('ok'), seen));
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] }, forwardedHeaders: { trustedCidrs: ['127.0.0.0/8'] } });
  const client = await gateway.connect();
  client.send('GET / HTTP/1.1\r\nHost: gw.test\r\nX-Forwarded-For: 6.6.6.6, 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Request-ID: trace-1\r\n\r\n');
  await client.message();
  assert.deepEqual(
    ['x-real-ip', 'x-forwarded-proto', 'x-original-forwarded-for', 'x-request-id'].map((name) => seen[0]?.get(name)),
    ['203.0.113.9', 'https', '6.6.6.6, 203.0.113.9', 'trace-1'],
  );
  const [line] = await gateway.logged(1);
  assert.deepEqual([line?.['remote_addr'], line?.request_id], ['203.0.113.9', 'trace-1']);
});

test('a request of HTTP/1.0 without Host is sent on as HTTP/1.1 with an empty one', async (t) => {
  const seen: RawMessage[] = [];
  const backend = await startRawBackend(answering(() => response('ok'), seen));
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] }, routes: [{ host: '*' }] });
  const client = await gateway.connect();
  client.send('GET / HTTP/1.0\r\n\r\n');
  await client.message();
  assert.deepEqual([seen[0]?.startLine, seen[0]?.get('host')], ['GET / HTTP/1.1', '']);
});
