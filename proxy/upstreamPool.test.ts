import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createManualClock } from '../core/time/manualClock.ts';
import { assertNothingOpen } from './testing/nothingOpen.ts';
import { answering, response, startRawBackend, type RawBackend } from './testing/rawBackend.ts';
import type { RawPeer } from './testing/rawPeer.ts';
import { startEngine, type EngineOptions, type RunningEngine } from './testing/startEngine.ts';

after(assertNothingOpen);

const GET = 'GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n';

interface Setup {
  readonly backend: RawBackend;
  readonly gateway: RunningEngine;
  readonly client: RawPeer;
}

async function setUp(t: Parameters<typeof startEngine>[0], script: (peer: RawPeer, index: number) => Promise<void>, options: EngineOptions = {}): Promise<Setup> {
  const backend = await startRawBackend(script);
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] }, ...options });
  return { backend, gateway, client: await gateway.connect() };
}

async function ask(client: RawPeer): Promise<string> {
  client.send(GET);
  return (await client.message()).body;
}

test('an idle connection is closed after the idle timeout and not used beyond it', async (t) => {
  const clock = createManualClock();
  const { backend, client } = await setUp(t, answering(() => response('ok')), {
    clock,
    upstreamKeepAlive: { idleTimeoutMs: 5_000 },
  });
  await ask(client);
  clock.advance(4_900);
  await ask(client);
  assert.equal(backend.connections.length, 1);
  clock.advance(5_001);
  await (await backend.connection(0)).untilEnded();
  await ask(client);
  assert.equal(backend.connections.length, 2);
});

test("a backend's Keep-Alive timeout is believed, less a margin", async (t) => {
  const clock = createManualClock();
  const { backend, client } = await setUp(t, answering(() => response('ok', '200 OK', 'Keep-Alive: timeout=3, max=100\r\n')), { clock });
  await ask(client);
  clock.advance(1_900);
  await ask(client);
  assert.equal(backend.connections.length, 1);
  clock.advance(2_001);
  await (await backend.connection(0)).untilEnded();
  await ask(client);
  assert.equal(backend.connections.length, 2);
});

test('a connection carries no more requests than allowed, and none is kept when none may be', async (t) => {
  const few = await setUp(t, answering(() => response('ok')), { upstreamKeepAlive: { requests: 2 } });
  for (let index = 0; index < 4; index += 1) await ask(few.client);
  assert.equal(few.backend.connections.length, 2);
  const none = await setUp(t, answering(() => response('ok')), { upstreamKeepAlive: { connections: 0 } });
  for (let index = 0; index < 3; index += 1) await ask(none.client);
  assert.equal(none.backend.connections.length, 3);
});

test('no more idle connections are kept than allowed', async (t) => {
  const { backend, gateway } = await setUp(t, answering(() => response('ok')), { upstreamKeepAlive: { connections: 2 } });
  const clients = await Promise.all(Array.from({ length: 5 }, () => gateway.connect()));
  for (const client of clients) client.send(GET);
  await Promise.all(clients.map((client) => client.message()));
  const idle = gateway.engine.collect(true).endpoints.map((endpoint) => endpoint.idleConnections);
  assert.ok((idle[0] ?? 0) <= 2, `${idle[0]} kept`);
  assert.ok(backend.connections.length <= 5);
});

test('octets on an idle connection end it, so that they never answer a later request', async (t) => {
  const { backend, client } = await setUp(t, answering(() => response('right')));
  await ask(client);
  const peer = await backend.connection(0);
  peer.send(response('poison'));
  await peer.untilEnded();
  assert.equal(await ask(client), 'right');
  assert.equal(backend.connections.length, 2);
});

test('a response with octets behind it is delivered, its connection is not used again', async (t) => {
  const { backend, client } = await setUp(t, answering(() => `${response('right')}${response('poison')}`));
  assert.equal(await ask(client), 'right');
  assert.equal(await ask(client), 'right');
  assert.equal(backend.connections.length, 2);
});

test('a connection the backend closes after its answer is not used again', async (t) => {
  const { backend, client } = await setUp(t, async (peer) => {
    await peer.message();
    peer.end(response('ok'));
  });
  for (let index = 0; index < 5; index += 1) assert.equal(await ask(client), 'ok');
  assert.equal(backend.connections.length, 5);
});

test('idle connections to an endpoint that leaves the snapshot are closed, busy ones after their response', async (t) => {
  const { backend, gateway, client } = await setUp(t, async (peer, index) => {
    await peer.message();
    peer.send(index === 0 ? response('first') : 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf');
  });
  await ask(client);
  const other = await gateway.connect();
  const third = await gateway.connect();
  third.send(GET);
  other.send(GET);
  // One of the two takes the idle connection, whose script has ended; the other opens its own.
  await Promise.race([third.until('half'), other.until('half')]);
  gateway.apply({ clusters: { web: [] }, routes: [{}] });
  const busy = await backend.connection(1);
  assert.equal(busy.ended, false);
  busy.send('half');
  await Promise.race([third.until('halfhalf'), other.until('halfhalf')]);
  await busy.untilEnded();
});
