import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { startBackend } from './support/backend.ts';
import { startGatehouse, type Gatehouse, type StartOptions } from './support/gatehouse.ts';
import { ingress, service, settings } from './support/manifests.ts';
import { scrape, total } from './support/metrics.ts';
import { send } from './support/send.ts';

const TIMEOUT = { timeout: 60_000 };
/** A request id as in nginx: 16 octets in hexadecimal. */
const REQUEST_ID = /^[0-9a-f]{32}$/;

async function startWorld(t: TestContext, options: Omit<StartOptions, 'manifests'> = {}): Promise<Gatehouse> {
  const backend = await startBackend('web', (request, response) => {
    request.resume();
    request.on('end', () => {
      response.statusCode = request.url === '/broken' ? 500 : 200;
      response.end('answer');
    });
  });
  const echo = new WebSocketServer({ server: backend.server });
  echo.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  const gatehouse = await startGatehouse({
    ...options,
    args: ['--drain-timeout', '2s', '--configmap', 'default/settings', ...(options.args ?? [])],
    manifests: [
      settings({ 'keep-alive-requests': '1000000' }),
      ...service('web', [backend]),
      ingress('one', 'one.test', [{ path: '/', service: 'web' }]),
      ingress('two', 'two.test', [{ path: '/', service: 'web' }, { path: '/api', service: 'web' }]),
    ],
  });
  t.after(async () => {
    await gatehouse.stop();
    await backend.close();
  });
  return gatehouse;
}

interface Pipelined {
  readonly answered: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** The same request so many times on one connection, the last one closing it; all are written ahead of the answers. */
async function pipeline(port: number, request: string, times: number): Promise<Pipelined> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.write(request.repeat(times - 1) + request.replace('\r\n', '\r\nConnection: close\r\n'));
  let [answered, rest] = [0, ''];
  for await (const chunk of socket) {
    const text = rest + (chunk as Buffer).toString('latin1');
    answered += text.split('HTTP/1.1 200 OK\r\n').length - 1;
    // A status line cut in two is counted when its end is there.
    rest = text.slice(text.lastIndexOf('\r\n') + 2);
  }
  return { answered, sentBytes: socket.bytesWritten, receivedBytes: socket.bytesRead };
}

function sum(runs: readonly Pipelined[], key: keyof Pipelined): number {
  return runs.reduce((all, run) => all + run[key], 0);
}

test('counts per Ingress are exact over both workers, down to the octet', TIMEOUT, async (t) => {
  const gatehouse = await startWorld(t);
  const get = 'GET /things?id=1 HTTP/1.1\r\nHost: one.test\r\n\r\n';
  const post = 'POST /things HTTP/1.1\r\nHost: one.test\r\nContent-Length: 10\r\n\r\n0123456789';
  const runs = await Promise.all([
    ...Array.from({ length: 16 }, () => pipeline(gatehouse.http, get, 50)),
    ...Array.from({ length: 8 }, () => pipeline(gatehouse.http, post, 25)),
  ]);
  assert.equal(sum(runs, 'answered'), 1000);
  for (let each = 0; each < 3; each += 1) {
    await send({ port: gatehouse.http, host: 'two.test', path: '/api/x', method: 'HEAD' });
    assert.equal((await send({ port: gatehouse.http, host: 'two.test', path: '/broken' })).status, 500);
    assert.equal((await send({ port: gatehouse.http, host: 'nobody.test' })).status, 404);
  }
  const families = await scrape(gatehouse);
  const requests = (labels: Record<string, string>): number => total(families, 'gatehouse_requests_total', labels);
  assert.equal(requests({ namespace: 'default', ingress: 'one', service: 'web', host: 'one.test', path: '/', method: 'GET', status: '200' }), 800);
  assert.equal(requests({ ingress: 'one', method: 'POST', status: '200' }), 200);
  assert.equal(requests({ ingress: 'one' }), 1000);
  assert.equal(requests({ ingress: 'two', path: '/api', method: 'HEAD', status: '200' }), 3);
  assert.equal(requests({ ingress: 'two', path: '/', status: '500' }), 3);
  assert.equal(requests({ status: '404' }), 3);
  assert.equal(requests({}), 1009);
  assert.equal(total(families, 'gatehouse_request_bytes_total', { ingress: 'one' }), sum(runs, 'sentBytes'));
  assert.equal(total(families, 'gatehouse_response_bytes_total', { ingress: 'one' }), sum(runs, 'receivedBytes'));
  assert.equal(total(families, 'gatehouse_request_duration_seconds', { ingress: 'one' }, '_count'), 1000);
  assert.equal(total(families, 'gatehouse_upstream_response_duration_seconds', { ingress: 'one' }, '_count'), 1000);
  assert.ok(total(families, 'gatehouse_request_duration_seconds', { ingress: 'one' }, '_sum') > 0);
  assert.equal(total(families, 'gatehouse_upstream_tries_total', { ingress: 'one' }), 1000 + total(families, 'gatehouse_upstream_retries_total'));
  assert.equal(total(families, 'gatehouse_client_connections_total', { protocol: 'http' }), 24 + 9);
});

/** Resolves once a gauge has a value: connections close a moment after the client has seen their end. */
async function gaugeIs(gatehouse: Gatehouse, name: string, value: number): Promise<void> {
  while (total(await scrape(gatehouse), name) !== value) await sleep(20);
}

test('gauges follow what is open and go back to nothing', TIMEOUT, async (t) => {
  const gatehouse = await startWorld(t);
  const gauges = ['gatehouse_client_connections', 'gatehouse_tunnels', 'gatehouse_requests_in_flight'];
  for (const gauge of gauges) await gaugeIs(gatehouse, gauge, 0);
  const socket = new WebSocket(`ws://127.0.0.1:${gatehouse.http}/`, { headers: { host: 'one.test' } });
  await once(socket, 'open');
  const half = connect({ host: '127.0.0.1', port: gatehouse.http });
  half.write('POST / HTTP/1.1\r\nHost: one.test\r\nContent-Length: 10\r\n\r\n01234');
  await gaugeIs(gatehouse, 'gatehouse_tunnels', 1);
  await gaugeIs(gatehouse, 'gatehouse_client_connections', 2);
  socket.close();
  half.destroy();
  for (const gauge of gauges) await gaugeIs(gatehouse, gauge, 0);
  const families = await scrape(gatehouse);
  assert.equal(total(families, 'gatehouse_requests_total', { status: '101' }), 1);
  // A body that ends too early is a bad request, as for nginx.
  assert.equal(total(families, 'gatehouse_requests_total', { status: '400', ingress: 'one' }), 1);
});

async function logged(gatehouse: Gatehouse, lines: number): Promise<readonly string[]> {
  while (gatehouse.accessLog.length < lines) await sleep(20);
  // One more would be one too many.
  await sleep(500);
  return gatehouse.accessLog;
}

async function sendFive(gatehouse: Gatehouse): Promise<void> {
  const headers = { 'user-agent': 'tester "1.0"', referer: 'http://from.test/' };
  for (let each = 0; each < 3; each += 1) await send({ port: gatehouse.http, host: 'two.test', path: `/api/${each}?q=1`, headers });
  await send({ port: gatehouse.http, host: 'two.test', method: 'POST', body: 'hello', headers });
  await send({ port: gatehouse.http, host: 'nobody.test', headers });
}

test('the access log in JSON has one line per request with what became of it', TIMEOUT, async (t) => {
  const gatehouse = await startWorld(t);
  await sendFive(gatehouse);
  const lines = (await logged(gatehouse, 5)).map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  assert.equal(lines.length, 5);
  const targets = lines.map(({ request_uri: target }) => String(target));
  assert.deepEqual(targets.toSorted((x, y) => (x < y ? -1 : 1)), ['/', '/', '/api/0?q=1', '/api/1?q=1', '/api/2?q=1']);
  const ids = lines.map(({ request_id: id }) => String(id));
  assert.equal(new Set(ids).size, 5);
  for (const id of ids) assert.match(id, REQUEST_ID);
  const post = lines.find(({ request_method: method }) => method === 'POST');
  const expected = { status: 200, host: 'two.test', ingress_name: 'two', service_name: 'web', location_path: '/', answered_by: 'upstream', body_bytes_sent: 6 };
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, post?.[key]])), expected);
  assert.equal(lines.find(({ host }) => host === 'nobody.test')?.['status'], 404);
});

test('the access log as text is the default line of ingress-nginx', TIMEOUT, async (t) => {
  const gatehouse = await startWorld(t, { logFormat: 'text' });
  await sendFive(gatehouse);
  const lines = await logged(gatehouse, 5);
  assert.equal(lines.length, 5);
  const start = String.raw`^127\.0\.0\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]`;
  const sender = String.raw`"http://from\.test/" "tester \\x221\.0\\x22"`;
  const proxied = String.raw`\d+ \d+\.\d{3} \[default-web-(80|http)\] \[\] 127\.0\.0\.1:\d+ 6 \d+\.\d{3} 200 [0-9a-f]{32}$`;
  const matches = (pattern: string): number => lines.filter((line) => new RegExp(pattern).test(line)).length;
  assert.equal(matches(String.raw`${start} "GET /api/\d\?q=1 HTTP/1\.1" 200 6 ${sender} ${proxied}`), 3, lines.join('\n'));
  assert.equal(matches(`${start} "POST / HTTP/1\\.1" 200 6 ${sender} ${proxied}`), 1, lines.join('\n'));
  assert.equal(matches(String.raw`${start} "GET / HTTP/1\.1" 404 \d+ ${sender} \d+ \d+\.\d{3} \[\w*\] \[\] - - - - [0-9a-f]{32}$`), 1, lines.join('\n'));
});

test('a reader of the access log that stalls blocks no request, and every line is written or counted as dropped', TIMEOUT, async (t) => {
  const gatehouse = await startWorld(t, { readsAccessLog: false });
  const request = `GET /${'x'.repeat(500)} HTTP/1.1\r\nHost: one.test\r\n\r\n`;
  const runs = await Promise.all(Array.from({ length: 16 }, () => pipeline(gatehouse.http, request, 1250)));
  assert.equal(sum(runs, 'answered'), 20_000);
  let written = 0;
  // The reader wakes up and gets whole lines.
  assert.ok(gatehouse.process.stdout !== null);
  createInterface({ input: gatehouse.process.stdout }).on('line', (line) => {
    assert.equal(typeof JSON.parse(line), 'object');
    written += 1;
  });
  let dropped = 0;
  while (written + dropped < 20_000) {
    await sleep(50);
    dropped = total(await scrape(gatehouse), 'gatehouse_access_log_dropped_lines_total');
  }
  t.diagnostic(`20,000 requests answered; ${written} lines written once the reader was back, ${dropped} dropped`);
  assert.equal(written + dropped, 20_000);
  assert.ok(dropped > 0);
});

test('with --ingress-nginx-metrics requests are counted under the names that dashboards know, too', TIMEOUT, async (t) => {
  const gatehouse = await startWorld(t, { args: ['--ingress-nginx-metrics'] });
  for (const path of ['/', '/', '/broken']) await send({ port: gatehouse.http, host: 'one.test', path });
  const families = await scrape(gatehouse);
  const count = (name: string): number => total(families, name, { ingress: 'one' });
  assert.equal(count('nginx_ingress_controller_requests'), 3);
  assert.equal(count('nginx_ingress_controller_requests'), count('gatehouse_requests_total'));
});
