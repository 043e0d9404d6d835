import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { PathMatch } from '../core/ir/virtualHost.ts';
import { assertNothingOpen } from './testing/nothingOpen.ts';
import { answering, response, startRawBackend } from './testing/rawBackend.ts';
import { startEngine, type EngineOptions } from './testing/startEngine.ts';

after(assertNothingOpen);

const LONG = 'x'.repeat(9_000);

/** Requests that the proxy answers itself: status → octets. */
const REFUSED: readonly (readonly [number, string, string])[] = [
  [400, 'a request that is none', 'GARBAGE\r\n\r\n'],
  [400, 'a path that climbs', 'GET /../x HTTP/1.1\r\nHost: gw.test\r\n\r\n'],
  [400, 'a chunk that is none', 'POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
  [404, 'an unknown host', 'GET / HTTP/1.1\r\nHost: other.test\r\n\r\n'],
  [404, 'an unknown path', 'GET /none HTTP/1.1\r\nHost: paths.test\r\n\r\n'],
  [413, 'a body longer than the route takes', 'POST /small HTTP/1.1\r\nHost: paths.test\r\nContent-Length: 11\r\n\r\n01234567890'],
  [414, 'a target too long', `GET /${LONG} HTTP/1.1\r\nHost: gw.test\r\n\r\n`],
  [417, 'an expectation nobody knows', 'POST / HTTP/1.1\r\nHost: gw.test\r\nExpect: x\r\nContent-Length: 1\r\n\r\na'],
  [431, 'a field too long', `GET / HTTP/1.1\r\nHost: gw.test\r\nX-Long: ${LONG}\r\n\r\n`],
  [431, 'too many fields', `GET / HTTP/1.1\r\nHost: gw.test\r\n${'X: y\r\n'.repeat(100)}\r\n`],
  [431, 'fields that are too long together', `GET / HTTP/1.1\r\nHost: gw.test\r\n${`X: ${'y'.repeat(4_000)}\r\n`.repeat(9)}\r\n`],
  [501, 'a transfer coding nobody knows', 'POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
  [503, 'a rule that answers by itself', 'GET /respond HTTP/1.1\r\nHost: paths.test\r\n\r\n'],
  [503, 'a cluster without endpoints', 'GET /empty HTTP/1.1\r\nHost: paths.test\r\n\r\n'],
];

const at = (value: string): PathMatch => ({ type: 'prefix', value });

async function options(t: Parameters<typeof startEngine>[0]): Promise<EngineOptions> {
  const backend = await startRawBackend();
  t.after(() => backend.close());
  return {
    clusters: { web: [backend.port], empty: [] },
    routes: [
      {},
      { host: 'paths.test', match: at('/small'), policy: { maxBodyBytes: 10 } },
      { host: 'paths.test', match: at('/respond'), action: { type: 'respond', status: 503, reason: 'a secret of the cluster' } },
      { host: 'paths.test', match: at('/empty'), cluster: 'empty' },
    ],
  };
}

for (const [status, what, request] of REFUSED) {
  test(`${what} is answered ${status}: the page names the id that the log has, and nothing internal`, async (t) => {
    const gateway = await startEngine(t, await options(t));
    const client = await gateway.connect();
    client.send(request);
    const answer = await client.message();
    assert.ok(answer.startLine.startsWith(`HTTP/1.1 ${status} `), answer.startLine);
    const [line] = await gateway.logged(1);
    assert.equal(line?.status, status);
    assert.match(answer.body, new RegExp(`^${status} [^\\n]*\\nrequest id: ${line?.request_id}\\n$`));
    assert.equal(answer.get('content-type'), 'text/plain; charset=utf-8');
    assert.deepEqual([line?.['bytes_sent'], line?.['body_bytes_sent']], [answer.raw.length, answer.body.length]);
    assert.ok(!/secret|127\.0\.0\.1|default/.test(answer.raw));
    assert.equal(gateway.log.length, 1);
  });
}

test('HEAD gets the head of the page and no body; a browser gets it in HTML', async (t) => {
  const gateway = await startEngine(t, await options(t));
  const client = await gateway.connect();
  client.send('HEAD / HTTP/1.1\r\nHost: other.test\r\n\r\nGET / HTTP/1.1\r\nHost: other.test\r\nAccept: text/html,*/*\r\n\r\n');
  const head = await client.message(true);
  assert.ok(Number(head.get('content-length')) > 0);
  const page = await client.message();
  assert.equal(page.get('content-type'), 'text/html; charset=utf-8');
  assert.match(page.body, /<h1>404 Not Found<\/h1><p>request id: [0-9a-f]{32}<\/p>/);
});

test("a client's own request id is kept when it is a plain token, and cannot bring markup into a page", async (t) => {
  const gateway = await startEngine(t, await options(t));
  for (const [sent, isKept] of [['trace-1234', true], ['<script>', false], ['x'.repeat(129), false]] as const) {
    const client = await gateway.connect();
    client.send(`GET / HTTP/1.1\r\nHost: other.test\r\nAccept: text/html\r\nX-Request-ID: ${sent}\r\n\r\n`);
    assert.equal((await client.message()).body.includes(sent), isKept);
  }
});

test('a chunked body is counted, and 413 comes before all of it is read, in order and with a clean close', async (t) => {
  const backend = await startRawBackend();
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] }, policy: { maxBodyBytes: 1_000 } });
  const client = await gateway.connect();
  client.send('POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n');
  const chunk = `${(60_000).toString(16)}\r\n${'x'.repeat(60_000)}\r\n`;
  // Far more than is read and dropped behind an answer: the client must still see it.
  for (let index = 0; index < 40; index += 1) client.send(chunk);
  const answer = await client.message();
  assert.match(answer.startLine, / 413 /);
  await client.untilEnded();
  assert.equal(client.wasReset, false);
  await (await backend.connection(0)).untilEnded();
  const [line] = await gateway.logged(1);
  assert.deepEqual([line?.status, line?.answered_by], [413, 'bodyTooLarge']);
});

test('after a 413 whose body is short the connection goes on', async (t) => {
  const backend = await startRawBackend(answering((request) => response(request.startLine)));
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] }, policy: { maxBodyBytes: 3 } });
  const client = await gateway.connect();
  client.send('POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 4\r\n\r\nbodyGET /next HTTP/1.1\r\nHost: gw.test\r\n\r\n');
  assert.match((await client.message()).startLine, / 413 /);
  assert.equal((await client.message()).body, 'GET /next HTTP/1.1');
});
