import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { closeListeningSockets, openListeningSockets } from '../core/os/listeningSockets.ts';
import { createManualClock, type ManualClock } from '../core/time/manualClock.ts';
import { assertNothingOpen } from './testing/nothingOpen.ts';
import { answering, response, startRawBackend } from './testing/rawBackend.ts';
import { startEngine } from './testing/startEngine.ts';

after(assertNothingOpen);

const GET = 'GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n';

/** Moves the clock on until `isMet`, step by step, since nothing tells from outside when a wait has begun. */
async function advanceUntil(clock: ManualClock, stepMs: number, isMet: () => boolean): Promise<number> {
  const startMs = clock.now();
  while (!isMet()) {
    clock.advance(stepMs);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  return clock.now() - startMs;
}

test('a head that does not arrive in time is answered 408, also when its octets keep coming', async (t) => {
  const clock = createManualClock();
  const gateway = await startEngine(t, { clock, limits: { headerTimeoutMs: 5_000 } });
  const client = await gateway.connect();
  client.send('GET / HTTP/1.1\r\nX-Slow: ');
  const waitedMs = await advanceUntil(clock, 500, () => {
    if (!client.ended) client.send('x');
    return client.ended;
  });
  assert.ok(waitedMs >= 5_000, `${waitedMs} ms`);
  const answer = await client.message();
  assert.match(answer.startLine, / 408 /);
  const [line] = await gateway.logged(1);
  assert.deepEqual([line?.status, line?.answered_by, line?.['bytes_sent']], [408, 'requestTimeout', answer.raw.length]);
  assert.ok(answer.body.includes(line?.request_id ?? '?'));
});

test('a connection on which nothing comes is closed without a word, new or between two requests', async (t) => {
  const clock = createManualClock();
  const backend = await startRawBackend(answering(() => response('ok')));
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clock, clusters: { web: [backend.port] }, limits: { headerTimeoutMs: 5_000, keepAliveTimeoutMs: 3_000 } });
  const silent = await gateway.connect();
  const client = await gateway.connect();
  client.send(GET);
  await client.message();
  clock.advance(3_001);
  await client.untilEnded();
  assert.equal(client.rest, '');
  assert.equal(silent.ended, false);
  clock.advance(2_000);
  await silent.untilEnded();
  assert.equal(silent.received, '');
  assert.equal(gateway.log.length <= 1, true);
});

test('a body that stops is answered 408, and the backend sees an aborted request', async (t) => {
  const clock = createManualClock();
  const backend = await startRawBackend();
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clock, clusters: { web: [backend.port] }, limits: { bodyTimeoutMs: 2_000 } });
  const client = await gateway.connect();
  client.send('POST / HTTP/1.1\r\nHost: gw.test\r\nAccept: text/html\r\nContent-Length: 8\r\n\r\nhalf');
  const peer = await backend.connection(0);
  await peer.until('half');
  clock.advance(2_001);
  const answer = await client.message();
  assert.match(answer.startLine, / 408 /);
  assert.match(answer.body, /^<!doctype html>/);
  await peer.untilEnded();
  const [line] = await gateway.logged(1);
  assert.deepEqual([line?.status, line?.answered_by], [408, 'requestTimeout']);
  assert.ok(answer.body.includes(line?.request_id ?? '?'));
});

test('a connect that is not answered is 504 after the connect timeout', async (t) => {
  const clock = createManualClock();
  const { descriptors, port } = openListeningSockets({ address: '127.0.0.1', port: 0, count: 1, backlog: 0 });
  t.after(() => closeListeningSockets(descriptors));
  // Nobody accepts: once the backlog is full, the kernel leaves further connects without an answer.
  const fillers = Array.from({ length: 4 }, () => connect({ port, host: '127.0.0.1' }).on('error', () => {}));
  t.after(() => fillers.forEach((filler) => filler.destroy()));
  await once(fillers[0] as Socket, 'connect');
  const gateway = await startEngine(t, { clock, clusters: { web: [port] }, policy: { connectTimeoutMs: 1_000 } });
  const client = await gateway.connect();
  client.send(GET);
  assert.ok((await advanceUntil(clock, 100, () => client.received !== '')) >= 1_000);
  assert.match((await client.message()).startLine, / 504 /);
  const [line] = await gateway.logged(1);
  assert.equal(line?.upstream[0]?.['error'], 'connectTimeout');
});

test('a response that does not begin, or stops, runs into the read timeout: 504, or a cut', async (t) => {
  const clock = createManualClock();
  const backend = await startRawBackend(async (peer, index) => {
    await peer.message();
    if (index === 1) peer.send('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf');
  });
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clock, clusters: { web: [backend.port] }, policy: { readTimeoutMs: 2_000 } });
  const first = await gateway.connect();
  first.send(GET);
  await (await backend.connection(0)).until('\r\n\r\n');
  clock.advance(2_001);
  assert.match((await first.message()).startLine, / 504 /);
  const second = await gateway.connect();
  second.send(GET);
  await second.until('half');
  clock.advance(2_001);
  await second.untilEnded();
  assert.ok(second.received.endsWith('half'));
});

test('the read timeout does not run while the request is still being sent', async (t) => {
  const clock = createManualClock();
  const backend = await startRawBackend(async (peer) => {
    peer.send((await peer.message(), response('ok')));
  });
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clock, clusters: { web: [backend.port] }, policy: { readTimeoutMs: 1_000 } });
  const client = await gateway.connect();
  client.send('POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 8\r\n\r\nhalf');
  await (await backend.connection(0)).until('half');
  (await backend.connection(0)).send('HTTP/1.1 103 Early Hints\r\n\r\n');
  await client.message();
  clock.advance(2_000);
  await new Promise((resolve) => setTimeout(resolve, 450));
  client.send('half');
  assert.equal((await client.message()).body, 'ok');
});

test('a backend that takes nothing for the send timeout is 504', async (t) => {
  const backend = await startRawBackend((peer) => void peer.socket.pause());
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] }, policy: { sendTimeoutMs: 300 } });
  const client = await gateway.connect();
  const bytes = 64 * 1024 * 1024;
  client.send(`PUT / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: ${bytes}\r\n\r\n`);
  client.socket.write(Buffer.alloc(bytes));
  assert.match((await client.message()).startLine, / 504 /);
  const [line] = await gateway.logged(1);
  assert.equal(line?.upstream[0]?.['error'], 'sendTimeout');
});

for (const version of ['1.1', '1.0']) {
  test(`an HTTP/${version} client that takes nothing for the send timeout is cut, and cannot take the response for complete`, async (t) => {
    const backend = await startRawBackend(async (peer) => {
      await peer.message();
      peer.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const octets = Buffer.alloc(16 * 1024 * 1024, 'x');
      peer.send(`${octets.length.toString(16)}\r\n`);
      peer.send(octets);
      peer.send('\r\n0\r\n\r\n');
    });
    t.after(() => backend.close());
    const gateway = await startEngine(t, { clusters: { web: [backend.port] }, limits: { sendTimeoutMs: 300 } });
    const client = await gateway.connect();
    client.socket.pause();
    client.send(`GET / HTTP/${version}\r\nHost: gw.test\r\n\r\n`);
    const [line] = await gateway.logged(1);
    assert.deepEqual([line?.status, line?.answered_by], [200, 'requestTimeout']);
    client.socket.resume();
    await client.untilEnded();
    if (version === '1.0') assert.ok(client.wasReset, 'only a reset tells that something is missing');
    else assert.ok(!client.received.endsWith('\r\n0\r\n\r\n'));
  });
}
