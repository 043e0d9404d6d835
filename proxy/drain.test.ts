import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createManualClock } from '../core/time/manualClock.ts';
import { assertNothingOpen } from './testing/nothingOpen.ts';
import { answering, response, startRawBackend } from './testing/rawBackend.ts';
import { connectRaw } from './testing/rawPeer.ts';
import { startEngine } from './testing/startEngine.ts';

after(assertNothingOpen);

const GET = 'GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n';

test('draining lets open requests finish, tells their clients to close, and refuses new connections', async (t) => {
  const backend = await startRawBackend(async (peer) => {
    await peer.message();
  });
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const client = await gateway.connect();
  client.send(GET);
  const peer = await backend.connection(0);
  await peer.until('\r\n\r\n');
  const drained = gateway.stop(10_000);
  assert.equal(gateway.engine.drain(10_000), gateway.engine.drain(0), 'one drain, however often it is asked for');
  await assert.rejects(connectRaw(gateway.port));
  peer.send(response('whole'));
  const answer = await client.message();
  assert.deepEqual([answer.body, answer.get('connection')], ['whole', 'close']);
  await client.untilEnded();
  client.end();
  assert.deepEqual(await drained, { cutConnections: 0 });
  assert.deepEqual(gateway.log.map((line) => line.status), [200]);
});

test('an idle connection gets a moment for a request under way, then it is closed', async (t) => {
  const clock = createManualClock();
  const backend = await startRawBackend(answering(() => response('ok')));
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clock, clusters: { web: [backend.port] } });
  const [busy, silent] = await Promise.all([gateway.connect(), gateway.connect()]);
  for (const client of [busy, silent]) {
    client.send(GET);
    await client.message();
  }
  const drained = gateway.stop(10_000);
  busy.send(GET);
  assert.equal((await busy.message()).get('connection'), 'close');
  busy.end();
  assert.equal(silent.ended, false);
  clock.advance(1_001);
  await silent.untilEnded();
  assert.equal(silent.rest, '');
  silent.end();
  assert.deepEqual(await drained, { cutConnections: 0 });
});

test('what is still open after the timeout is cut, counted and recorded: requests, half heads, tunnels', async (t) => {
  const backend = await startRawBackend(async (peer) => {
    const request = await peer.message();
    if (request.get('upgrade') !== undefined) peer.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
  });
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const [waiting, half, tunnel, idle] = await Promise.all([gateway.connect(), gateway.connect(), gateway.connect(), gateway.connect()]);
  waiting.send(GET);
  half.send('GET / HT');
  tunnel.send(GET.replace('\r\n\r\n', '\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'));
  await tunnel.message();
  tunnel.send('frame');
  await (await backend.connection(1)).until('\r\n\r\n');
  await (await backend.connection(0)).until('\r\n\r\n');
  assert.equal(idle.ended, false);
  const { cutConnections } = await gateway.stop(50);
  assert.equal(cutConnections, 3);
  await Promise.all([waiting, half, tunnel, idle].map((client) => client.untilClosed()));
  const lines = gateway.log.map((line) => `${line.status} ${line.answered_by}`).toSorted();
  assert.deepEqual(lines, ['101 upstream', '499 shutdown']);
});

test('a close-delimited response that is cut by the end of a drain does not look complete', async (t) => {
  const backend = await startRawBackend(async (peer) => {
    await peer.message();
    peer.send('HTTP/1.1 200 OK\r\n\r\nhalf');
  });
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const client = await gateway.connect();
  client.send(GET.replace('1.1', '1.0'));
  await client.until('half');
  // The fixture destroys its clients when it stops: here the cut itself is looked at.
  const drained = gateway.engine.drain(0);
  await client.untilEnded();
  assert.ok(client.wasReset);
  assert.deepEqual(await drained, { cutConnections: 1 });
});

test('a client that goes away is recorded as 499, once, and its backend is let go', async (t) => {
  const backend = await startRawBackend(async (peer) => {
    await peer.message();
  });
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const client = await gateway.connect();
  client.send(GET);
  const peer = await backend.connection(0);
  await peer.until('\r\n\r\n');
  client.reset();
  await peer.untilEnded();
  const [line] = await gateway.logged(1);
  assert.deepEqual([line?.status, line?.answered_by, line?.['bytes_sent']], [499, 'clientGone', 0]);
  await gateway.stop();
  assert.equal(gateway.log.length, 1);
});

test('a client that goes away in the middle of a response is recorded with the status it got', async (t) => {
  const backend = await startRawBackend(async (peer) => {
    await peer.message();
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf');
  });
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const client = await gateway.connect();
  client.send(GET);
  await client.until('half');
  client.reset();
  const [line] = await gateway.logged(1);
  assert.deepEqual([line?.status, line?.answered_by, line?.['body_bytes_sent']], [200, 'clientGone', 4]);
});
