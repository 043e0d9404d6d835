import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createManualClock } from '../core/time/manualClock.ts';
import { assertNothingOpen } from './testing/nothingOpen.ts';
import { response, startRawBackend } from './testing/rawBackend.ts';
import { startEngine } from './testing/startEngine.ts';

after(assertNothingOpen);

const HEAD = 'POST / HTTP/1.1\r\nHost: gw.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n';

test('100 from the backend reaches the client, and the body follows', async (t) => {
  const backend = await startRawBackend(async (peer) => {
    await peer.until('\r\n\r\n');
    assert.match(peer.received, /Expect: 100-continue/);
    peer.send('HTTP/1.1 100 Continue\r\n\r\n');
    assert.equal((await peer.message()).body, 'body');
    peer.send(response('done'));
  });
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const client = await gateway.connect();
  client.send(HEAD);
  assert.equal((await client.message()).startLine, 'HTTP/1.1 100 Continue');
  client.send('body');
  const answer = await client.message();
  assert.deepEqual([answer.body, answer.get('connection')], ['done', undefined]);
  client.end();
});

test('a backend that never says 100 is not waited for beyond a second', async (t) => {
  const clock = createManualClock();
  const backend = await startRawBackend(async (peer) => {
    assert.equal((await peer.message()).body, 'body');
    peer.send(response('done'));
  });
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] }, clock });
  const client = await gateway.connect();
  client.send(HEAD);
  await (await backend.connection(0)).until('\r\n\r\n');
  assert.equal(client.received, '');
  clock.advance(1_001);
  assert.equal((await client.message()).startLine, 'HTTP/1.1 100 Continue');
  client.send('body');
  assert.equal((await client.message()).body, 'done');
  client.end();
});

for (const status of ['417 Expectation Failed', '401 Unauthorized']) {
  test(`a backend's ${status} before the body goes to the client, whose connection ends, since its body may or may not come`, async (t) => {
    const backend = await startRawBackend(async (peer) => {
      await peer.until('\r\n\r\n');
      peer.send(response('no', status));
    });
    t.after(() => backend.close());
    const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
    const client = await gateway.connect();
    client.send(HEAD);
    const answer = await client.message();
    assert.deepEqual([answer.startLine, answer.get('connection')], [`HTTP/1.1 ${status}`, 'close']);
    client.send('bodyGET /smuggled HTTP/1.1\r\nHost: gw.test\r\n\r\n');
    await client.untilEnded();
    assert.equal(client.rest, '');
    const peer = await backend.connection(0);
    await peer.untilEnded();
    assert.ok(!peer.received.includes('body') && !peer.received.includes('smuggled'));
    assert.equal(backend.connections.length, 1);
    client.end();
  });
}

test('a backend that stalls in the middle of its refusal runs into the read timeout', async (t) => {
  const clock = createManualClock();
  const backend = await startRawBackend(async (peer) => {
    await peer.until('\r\n\r\n');
    peer.send('HTTP/1.1 401 Unauthorized\r\nContent-Length: 10\r\n\r\nhalf');
  });
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] }, clock });
  const client = await gateway.connect();
  client.send(HEAD);
  await client.until('half');
  clock.advance(10_001);
  await client.untilEnded();
  const [line] = await gateway.logged(1);
  assert.equal(line?.upstream[0]?.['error'], 'readTimeout');
  client.end();
});

test('Expect is ignored in HTTP/1.0: the body goes at once and no 100 comes back', async (t) => {
  const backend = await startRawBackend(async (peer) => {
    const request = await peer.message();
    assert.equal(request.get('expect'), undefined);
    peer.send(response(request.body));
  });
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const client = await gateway.connect();
  client.send(`${HEAD.replace('1.1', '1.0')}body`);
  assert.equal((await client.message()).body, 'body');
  client.end();
});

test('an expectation nobody knows is refused with 417 and reaches no backend', async (t) => {
  const backend = await startRawBackend();
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const client = await gateway.connect();
  client.send(HEAD.replace('100-continue', 'miracles'));
  const answer = await client.message();
  assert.match(answer.startLine, / 417 /);
  const [line] = await gateway.logged(1);
  assert.ok(answer.body.includes(line?.request_id ?? '?'));
  assert.equal(backend.connections.length, 0);
  client.end();
});

test('a client that sends its body without waiting for 100 is served', async (t) => {
  const backend = await startRawBackend(async (peer) => {
    await peer.until('\r\n\r\n');
    peer.send('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n');
    peer.send(response((await peer.message()).body));
  });
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const client = await gateway.connect();
  client.send(`${HEAD}body`);
  let answer = await client.message();
  if (answer.startLine.includes('100')) answer = await client.message();
  assert.equal(answer.body, 'body');
  client.end();
});
