import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import httpProxy from 'http-proxy';
import { randomFrom, type Random } from '../core/testing/random.ts';
import { testSeed } from '../core/testing/seededRandom.ts';
import { answering, response, startRawBackend } from '../proxy/testing/rawBackend.ts';
import { connectRaw, type RawMessage } from '../proxy/testing/rawPeer.ts';
import { startEngine } from '../proxy/testing/startEngine.ts';

const REQUESTS = 200;

/**
 * What both sides may differ in: framing is compared by what it carries, the connection is each hop's own, and the
 * forwarding fields are documented to be the proxy's.
 */
const NOT_COMPARED = new Set(
  (
    'connection content-length transfer-encoding x-request-id x-real-ip x-forwarded-for x-forwarded-host x-forwarded-port ' +
    'x-forwarded-proto x-forwarded-scheme x-scheme x-original-forwarded-for'
  ).split(' '),
);

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'REPORT'];
/** Without empty and dot segments and characters of the query that http-proxy rewrites. */
const SEGMENTS = ['a', 'cart', 'caf%C3%A9', '%2f', 'x;y=1', '@home', '~me', 'long'.repeat(50), '$&+,=:'];
const QUERIES = ['', '?', '?a=b', '?a=b&c=%20', '?q=a?b/c', '?empty='];
const VALUES = ['', '1', 'text/html, */*;q=0.5', 'a "quoted" b', 'caf\xe9', 'a\tb', '%0d%0a', 'v'.repeat(300), ': , ;'];
/** Names that `node:http` joins when repeated. */
const NAMES = ['Accept', 'X-Custom', 'x-lower', 'Cookie', "X-!#$%&'*+.^`|~", 'Cache-Control', 'Via', 'Range', 'If-None-Match'];
/** Names whose repetition `node:http` drops. */
const ONCE = ['User-Agent: t/1', 'Referer: http://x.test/', 'Authorization: Basic YTpi', 'Content-Type: text/plain'];

function requestOf(random: Random): string {
  const method = random.pick(METHODS);
  const path = Array.from({ length: 1 + random.integer(4) }, () => random.pick(SEGMENTS)).join('/');
  const target = `/${path}${random.pick(QUERIES)}`;
  const names = Array.from({ length: random.integer(10) }, () => random.pick(NAMES));
  const lines = [
    `${method} ${target} HTTP/1.1`,
    'Host: gw.test:8080',
    ...names.map((name) => `${name}:${random.pick(['', ' ', ' \t'])}${random.pick(VALUES)}`),
    ...ONCE.filter(() => random.integer(3) === 0),
  ];
  const body = random.integer(2) === 0 ? '' : 'b\r\n\xff'.repeat(random.integer(4_000));
  // http-proxy takes the framing away from a chunked DELETE or OPTIONS, which then carries an unframed body.
  const mayChunk = method !== 'DELETE' && method !== 'OPTIONS';
  if (mayChunk && random.integer(2) === 0) return `${lines.join('\r\n')}\r\nTransfer-Encoding: chunked\r\n\r\n${chunks(body, random)}`;
  const length = body === '' && random.integer(2) === 0 ? '' : `Content-Length: ${body.length}\r\n`;
  return `${lines.join('\r\n')}\r\n${length}\r\n${body}`;
}

function chunks(body: string, random: Random): string {
  let text = '';
  for (let start = 0; start < body.length; ) {
    const size = Math.min(body.length - start, 1 + random.integer(3_000));
    text += `${size.toString(16)}\r\n${body.slice(start, start + size)}\r\n`;
    start += size;
  }
  return `${text}0\r\n\r\n`;
}

/** Method, target, fields and body as one comparable value. */
function essence(request: RawMessage): unknown {
  const fields = new Map<string, string>();
  for (const [name, value] of request.fields) {
    const lowerName = name.toLowerCase();
    if (NOT_COMPARED.has(lowerName)) continue;
    const before = fields.get(lowerName);
    fields.set(lowerName, before === undefined ? value : `${before}${lowerName === 'cookie' ? '; ' : ', '}${value}`);
  }
  // A joined value that ends in an empty one loses the space behind its comma on the wire.
  const compared = [...fields].map(([name, value]) => `${name}: ${value.trim()}`).toSorted();
  return { startLine: request.startLine, fields: compared, body: request.body };
}

async function startHttpProxy(t: TestContext, backendPort: number): Promise<number> {
  const proxy = httpProxy.createProxyServer({ target: { host: '127.0.0.1', port: backendPort }, xfwd: true });
  const server = createServer((request, answer) => proxy.web(request, answer));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
    proxy.close();
  });
  return (server.address() as AddressInfo).port;
}

test(`${REQUESTS} requests reach a backend through Gatehouse as they do through http-proxy`, async (t) => {
  const seed = testSeed();
  t.diagnostic(`GATEHOUSE_SEED=${seed}`);
  const random = randomFrom(seed);
  const seen: RawMessage[] = [];
  const backend = await startRawBackend(answering((request) => response('', '200 OK', `X-Seen: ${request.startLine.length}\r\n`), seen));
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const ports = [await startHttpProxy(t, backend.port), gateway.port];
  for (let index = 0; index < REQUESTS; index += 1) {
    const request = requestOf(random);
    const isHead = request.startsWith('HEAD');
    for (const port of ports) {
      const client = await connectRaw(port);
      client.send(request);
      const answer = await client.message(isHead);
      assert.equal(answer.startLine, 'HTTP/1.1 200 OK', JSON.stringify(request.slice(0, 500)));
      client.socket.destroy();
    }
    const [theirs, ours] = seen.splice(0);
    assert.ok(theirs !== undefined && ours !== undefined);
    assert.deepEqual(essence(ours), essence(theirs), `GATEHOUSE_SEED=${seed}, request ${index}`);
  }
});
