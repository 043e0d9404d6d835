import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { after, test, type TestContext } from 'node:test';
import { closeListeningSockets, openListeningSockets } from '../../core/os/listeningSockets.ts';
import { createManualClock } from '../../core/time/manualClock.ts';
import { assertNothingOpen } from '../testing/nothingOpen.ts';
import { startRawBackend } from '../testing/rawBackend.ts';
import { connectRaw } from '../testing/rawPeer.ts';
import { startL4 } from './testing/startL4.ts';

after(assertNothingOpen);

/** A port of loopback that refuses connections. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A port of loopback that answers no connection attempt: its backlog is full and nobody accepts. */
async function silentPort(context: TestContext): Promise<number> {
  const { port, descriptors } = openListeningSockets({ address: '127.0.0.1', port: 0, count: 1, backlog: 0 });
  const filler = connect({ port, host: '127.0.0.1' }).on('error', () => {});
  await once(filler, 'connect');
  context.after(() => {
    filler.destroy();
    closeListeningSockets(descriptors);
  });
  return port;
}

/** Connects and waits for the reset, which may come so soon that connecting itself fails. */
async function untilReset(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' }).resume();
  let ended = false;
  socket.on('end', () => (ended = true));
  const closed = once(socket, 'close').catch((error: NodeJS.ErrnoException) => error);
  const result = await closed;
  assert.equal(result instanceof Error && 'code' in result ? result.code : result, 'ECONNRESET');
  assert.equal(ended, false);
}

test('a port without ready endpoints, an unknown one, a foreign source and one too many are reset at once', async (context) => {
  const backend = await startRawBackend();
  const l4 = await startL4(context, { clusters: { main: [] } });
  const refused = (port = l4.port): Promise<void> => untilReset(port);
  await refused();
  l4.setClusters({ main: [backend.port] });
  l4.setRoute({ sourceRanges: ['192.0.2.0/24', '2001:db8::/32'] });
  await refused();
  l4.setRoute({ sourceRanges: [] });
  await refused();
  l4.setRoute({ maxConnections: 1, sourceRanges: ['127.0.0.0/8'] });
  const first = await connectRaw(l4.port);
  first.send('x');
  await (await backend.connection(0)).until('x');
  await refused();
  await refused(await l4.unconfiguredPort());
  first.end();
  (await backend.connection(0)).end();
  await first.untilClosed();
  const outcomes = (await l4.finished(5)).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ['noEndpoint', 'sourceRefused', 'sourceRefused', 'connectionLimit', 'completed']);
  assert.deepEqual(l4.refused, ['noListener']);
  await backend.close();
});

test('a refused endpoint is passed over for another, and is ejected in the end', async (context) => {
  const backend = await startRawBackend((peer) => peer.end('hello'));
  const closed = await closedPort();
  const l4 = await startL4(context, { clusters: { main: [closed, backend.port] } });
  for (let round = 0; round < 20; round += 1) {
    const client = await connectRaw(l4.port);
    await client.until('hello');
    client.end();
    await client.untilClosed();
  }
  const records = await l4.finished(20);
  assert.ok(records.every(({ outcome, endpoint }) => outcome === 'completed' && endpoint?.port === backend.port));
  assert.ok(records.some(({ tries }) => tries === 2));
  assert.deepEqual(l4.ejected.slice(0, 1), ['main']);
  l4.setClusters({ main: [closed] });
  await untilReset(l4.port);
  assert.equal((await l4.finished(21))[20]?.outcome, 'connectFailed');
  await backend.close();
});

test('an endpoint that does not answer is left for another after the connect timeout', async (context) => {
  const clock = createManualClock();
  const backend = await startRawBackend((peer) => peer.end('hello'));
  const silent = await silentPort(context);
  const l4 = await startL4(context, { clusters: { main: [silent] }, clock, route: { connectTimeoutMs: 500 } });
  const client = await connectRaw(l4.port);
  await l4.until(() => l4.engine.size === 1, 'a connection');
  clock.advance(499);
  l4.deadlines.sweep();
  assert.equal(l4.records.length, 0);
  l4.setClusters({ main: [silent, backend.port] });
  clock.advance(1);
  l4.deadlines.sweep();
  await client.until('hello');
  client.end();
  const [record] = await l4.finished(1);
  assert.deepEqual([record?.outcome, record?.tries, record?.endpoint?.port], ['completed', 2, backend.port]);
  await backend.close();
});

test('endpoints that do not answer hold a client for three connect timeouts at most', async (context) => {
  const clock = createManualClock();
  const ports = await Promise.all([1, 2, 3, 4, 5].map(() => silentPort(context)));
  const l4 = await startL4(context, { clusters: { main: ports }, clock, route: { connectTimeoutMs: 500 } });
  const client = await connectRaw(l4.port);
  await l4.until(() => l4.engine.size === 1, 'a connection');
  for (let round = 0; round < 3; round += 1) {
    assert.equal(l4.records.length, 0);
    clock.advance(500);
    l4.deadlines.sweep();
  }
  const [record] = await l4.finished(1);
  assert.deepEqual([record?.outcome, record?.tries], ['connectFailed', 3]);
  await client.untilClosed();
});

test('a silent connection is reset after the idle timeout, and every octet puts that off', async (context) => {
  const clock = createManualClock();
  const backend = await startRawBackend();
  const l4 = await startL4(context, { clusters: { main: [backend.port] }, clock, route: { idleTimeoutMs: 1_000 } });
  const client = await connectRaw(l4.port);
  client.send('a');
  const peer = await backend.connection(0);
  await peer.until('a');
  clock.advance(999);
  peer.send('b');
  await client.until('b');
  clock.advance(999);
  l4.deadlines.sweep();
  assert.equal(l4.engine.size, 1);
  clock.advance(1);
  l4.deadlines.sweep();
  await Promise.all([client.untilClosed(), peer.untilClosed()]);
  assert.equal(client.wasReset && peer.wasReset, true);
  assert.equal((await l4.finished(1))[0]?.outcome, 'idleTimeout');
  await backend.close();
});

test('a client that goes while its endpoint is being connected leaves nothing behind', async (context) => {
  const silent = await silentPort(context);
  const l4 = await startL4(context, { clusters: { main: [silent] }, route: { connectTimeoutMs: 10_000 } });
  const client = await connectRaw(l4.port);
  await l4.until(() => l4.engine.size === 1, 'a connection');
  client.reset();
  const [record] = await l4.finished(1);
  assert.equal(record?.outcome, 'clientReset');
});
