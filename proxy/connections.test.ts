import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertNothingOpen } from './testing/nothingOpen.ts';
import { answering, response, startRawBackend } from './testing/rawBackend.ts';
import type { RawMessage } from './testing/rawPeer.ts';
import { startEngine } from './testing/startEngine.ts';

after(assertNothingOpen);

const get = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nHost: gw.test\r\n${fields}\r\n`;
const echoPath = (request: RawMessage): string => response(request.startLine.split(' ')[1] ?? '');

test('requests in a row share one client connection and one backend connection', async (t) => {
  const backend = await startRawBackend(answering(echoPath));
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const client = await gateway.connect();
  for (let index = 0; index < 20; index += 1) {
    client.send(get(`/${index}`));
    assert.equal((await client.message()).body, `/${index}`);
  }
  assert.equal(backend.connections.length, 1);
  assert.equal(gateway.counter('gatehouse_client_connections_total'), 1);
  client.end();
  await client.untilClosed();
});

test('fifty pipelined requests to fast and slow backends and to no rule are answered in order', async (t) => {
  const fast = await startRawBackend(answering(echoPath));
  const slow = await startRawBackend(async (peer) => {
    for (;;) {
      const request = await peer.message();
      await new Promise(setImmediate);
      await new Promise(setImmediate);
      peer.send(echoPath(request).slice(0, 10));
      await new Promise(setImmediate);
      peer.send(echoPath(request).slice(10));
    }
  });
  t.after(() => Promise.all([fast.close(), slow.close()]));
  const gateway = await startEngine(t, {
    clusters: { fast: [fast.port], slow: [slow.port] },
    routes: [
      { match: { type: 'prefix', value: '/slow' }, cluster: 'slow' },
      { match: { type: 'prefix', value: '/fast' }, cluster: 'fast' },
    ],
  });
  const kinds = ['fast', 'slow', 'none'];
  const paths = Array.from({ length: 50 }, (_, index) => `/${kinds[index % 3]}/${index}`);
  const client = await gateway.connect();
  client.send(paths.map((path) => get(path)).join(''));
  for (const path of paths) {
    const answer = await client.message();
    if (path.startsWith('/none')) assert.match(answer.startLine, / 404 /);
    else assert.equal(answer.body, path);
  }
  assert.equal(client.rest, '');
  const lines = await gateway.logged(50);
  assert.deepEqual(new Set(lines.map((line) => line['request_uri'])), new Set(paths));
  client.socket.destroy();
});

test('a request pipelined behind Connection: close is never processed', async (t) => {
  const seen: RawMessage[] = [];
  const backend = await startRawBackend(answering(echoPath, seen));
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const client = await gateway.connect();
  client.send(get('/first', 'Connection: close\r\n') + get('/second'));
  const answer = await client.message();
  assert.equal(answer.get('connection'), 'close');
  await client.untilEnded();
  assert.equal(client.rest, '');
  assert.deepEqual(seen.map((request) => request.startLine), ['GET /first HTTP/1.1']);
  client.end();
});

test('the last request a connection may carry is answered with Connection: close', async (t) => {
  const backend = await startRawBackend(answering(echoPath));
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] }, limits: { keepAliveRequests: 2 } });
  const client = await gateway.connect();
  client.send(get('/1') + get('/2') + get('/3'));
  assert.equal((await client.message()).get('connection'), undefined);
  const last = await client.message();
  assert.deepEqual([last.body, last.get('connection')], ['/2', 'close']);
  await client.untilEnded();
  assert.equal(client.rest, '');
  client.end();
});

test('a client that ends its half after the request gets the whole response', async (t) => {
  const backend = await startRawBackend(async (peer) => {
    await peer.message();
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf');
    await new Promise(setImmediate);
    peer.send('half');
  });
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const client = await gateway.connect();
  client.end(get('/'));
  assert.equal((await client.message()).body, 'halfhalf');
  await client.untilClosed();
  assert.equal(client.wasReset, false);
});

test('a client that ends in the middle of a body is answered 400, and the backend never sees a complete request', async (t) => {
  for (const framing of ['Content-Length: 10\r\n\r\nabc', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n']) {
    const backend = await startRawBackend();
    t.after(() => backend.close());
    const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
    const client = await gateway.connect();
    client.send(`POST / HTTP/1.1\r\nHost: gw.test\r\n${framing}`);
    const peer = await backend.connection(0);
    await peer.until('abc');
    client.end();
    const answer = await client.message();
    assert.match(answer.startLine, / 400 /);
    await peer.untilEnded();
    assert.ok(peer.received.endsWith('abc') || peer.received.endsWith('3\r\nabc\r\n'), 'no last chunk may follow');
    const [line] = await gateway.logged(1);
    assert.equal(line?.status, 400);
    assert.ok(answer.body.includes(line?.request_id ?? '?'));
    assert.equal(line?.['bytes_sent'], answer.raw.length);
    await client.untilClosed();
  }
});

test('a client that pipelines and reads nothing gets no unbounded heap of answers made', async (t) => {
  const gateway = await startEngine(t, { limits: { keepAliveRequests: 1_000_000 } });
  const client = await gateway.connect();
  client.socket.pause();
  const total = 200_000;
  client.send('GET / HTTP/1.1\r\nHost: other.test\r\n\r\n'.repeat(total));
  const made = (): number => gateway.counter('gatehouse_local_responses_total');
  // Until nothing moves any more.
  for (let before = -1; before !== made(); ) {
    before = made();
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  // All answers are 50 MB; the kernel's buffers take a few.
  assert.ok(made() < total / 2, `${made()} answers were made for a client that reads none`);
  let answers = 0;
  client.socket.removeAllListeners('data');
  client.socket.on('data', (octets: Buffer) => {
    for (let from = octets.indexOf('HTTP/1.1 404'); from !== -1; from = octets.indexOf('HTTP/1.1 404', from + 1)) answers += 1;
  });
  client.end();
  client.socket.resume();
  await client.untilEnded();
  assert.equal(made(), total);
  // One that lies across two reads is not seen.
  assert.ok(answers > total * 0.99, String(answers));
});

test('connections beyond the limit are closed unread and counted, and one that ends makes room', async (t) => {
  const backend = await startRawBackend(answering(echoPath));
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] }, limits: { connectionsPerWorker: 2 } });
  const first = await gateway.connect();
  const second = await gateway.connect();
  for (const client of [first, second]) {
    client.send(get('/'));
    await client.message();
  }
  const third = await gateway.connect();
  await third.untilEnded();
  third.end();
  assert.equal(third.received, '');
  assert.equal(gateway.counter('gatehouse_client_connections_refused_total'), 1);
  first.end();
  await first.untilClosed();
  const fourth = await gateway.connect();
  fourth.send(get('/again'));
  assert.equal((await fourth.message()).body, '/again');
  for (const client of [second, fourth]) client.end();
});

test('thousands of short connections leave nothing behind', async (t) => {
  const backend = await startRawBackend(answering(echoPath));
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  for (let round = 0; round < 30; round += 1) {
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const client = await gateway.connect();
        client.send(get('/'));
        // A third each: cut before the answer, cut after it, ended in order.
        if (index % 3 !== 0) await client.message();
        if (index % 3 === 2) client.end();
        else client.socket.destroy();
        await client.untilClosed();
      }),
    );
  }
  await gateway.logged(3_000);
  for (let turn = 0; turn < 100 && gateway.gauge('gatehouse_client_connections') > 0; turn += 1) await new Promise(setImmediate);
  assert.equal(gateway.gauge('gatehouse_client_connections'), 0);
  assert.equal(gateway.gauge('gatehouse_requests_in_flight'), 0);
});
