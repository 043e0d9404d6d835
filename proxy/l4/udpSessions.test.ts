import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { fstatSync, openSync } from 'node:fs';
import { after, test, type TestContext } from 'node:test';
import { createManualClock } from '../../core/time/manualClock.ts';
import { startL4, type RunningL4 } from './testing/startL4.ts';

after(async () => {
  const open = (): string[] => process.getActiveResourcesInfo().filter((name) => name.startsWith('UDP'));
  // Handles that are closing are gone after a turn or two of the event loop.
  for (let turn = 0; turn < 20 && open().length > 0; turn += 1) await new Promise(setImmediate);
  assert.deepEqual(open(), []);
});

interface Peer {
  readonly socket: Socket;
  readonly port: number;
  readonly received: Buffer[];
  send(data: Buffer | string, port: number): void;
  /** Resolves once `count` datagrams have come in all. */
  got(count: number): Promise<readonly Buffer[]>;
  close(): Promise<void>;
}

async function startPeer(onDatagram: (data: Buffer, from: RemoteInfo, socket: Socket) => void = () => {}): Promise<Peer> {
  const socket = createSocket('udp4');
  const received: Buffer[] = [];
  socket.on('message', (data, from) => {
    received.push(data);
    onDatagram(data, from, socket);
    socket.emit('counted');
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.setRecvBufferSize(4 * 1024 * 1024);
  return {
    socket,
    port: socket.address().port,
    received,
    send: (data, port) => socket.send(data, port, '127.0.0.1'),
    got: async (count) => {
      while (received.length < count) await once(socket, 'counted', { signal: AbortSignal.timeout(20_000) });
      return received;
    },
    close: async () => {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}

async function startPeers(context: TestContext, count: number): Promise<Peer[]> {
  const peers = await Promise.all(Array.from({ length: count }, () => startPeer()));
  context.after(() => Promise.all(peers.map((peer) => peer.close())));
  return peers;
}

/** Answers each datagram with its own name and the datagram. */
async function startEcho(context: TestContext, name = ''): Promise<Peer> {
  const peer = await startPeer((data, from, socket) => socket.send(Buffer.concat([Buffer.from(name), data]), from.port, from.address));
  context.after(() => peer.close().catch(() => {}));
  return peer;
}

function texts(buffers: readonly Buffer[]): string[] {
  return buffers.map(String);
}

/** One datagram and its answer. */
async function ask(client: Peer, l4: RunningL4, text: string): Promise<string> {
  const before = client.received.length;
  client.send(text, l4.port);
  await client.got(before + 1);
  return String(client.received[before]);
}

test('each client address and port has a session of its own, and replies come from the listener', async (context) => {
  const echo = await startEcho(context, '>');
  const l4 = await startL4(context, { protocol: 'udp', clusters: { main: [echo.port] } });
  const [one, two] = await startPeers(context, 2);
  assert.ok(one !== undefined && two !== undefined);
  const from = once(one.socket, 'message') as Promise<[Buffer, RemoteInfo]>;
  assert.equal(await ask(one, l4, 'a'), '>a');
  assert.equal((await from)[1].port, l4.port);
  assert.equal(await ask(two, l4, 'b'), '>b');
  assert.equal(await ask(one, l4, ''), '>');
  assert.equal(l4.engine.size, 2);
  await l4.engine.drain();
  const records = await l4.finished(2);
  assert.deepEqual(records.map(({ receivedDatagrams, sentDatagrams, receivedBytes, sentBytes, outcome }) => [receivedDatagrams, sentDatagrams, receivedBytes, sentBytes, outcome]), [
    [2, 2, 1, 3, 'cut'],
    [1, 1, 1, 2, 'cut'],
  ]);
});

test('datagrams stay whole from 0 to 65,507 octets, and in order from the first', async (context) => {
  const echo = await startEcho(context);
  const l4 = await startL4(context, { protocol: 'udp', clusters: { main: [echo.port] } });
  const [client, burst] = await startPeers(context, 2);
  assert.ok(client !== undefined && burst !== undefined);
  for (const [index, size] of [0, 1, 1_472, 1_500, 9_000, 65_507].entries()) {
    const data = Buffer.alloc(size, index + 1);
    client.send(data, l4.port);
    await client.got(index + 1);
    assert.ok(client.received[index]?.equals(data), `${size}`);
  }
  for (let index = 0; index < 50; index += 1) burst.send(`${index}`, l4.port);
  assert.deepEqual(texts(await burst.got(50)), Array.from({ length: 50 }, (_, index) => `${index}`));
});

test('a session ends when its client is silent; replies put that off only for a client that has shown itself', async (context) => {
  const clock = createManualClock();
  const backend = await startPeer();
  context.after(() => backend.close());
  const l4 = await startL4(context, { protocol: 'udp', clusters: { main: [backend.port] }, clock, route: { idleTimeoutMs: 1_000 } });
  const [client] = await startPeers(context, 1);
  assert.ok(client !== undefined);
  const from = once(backend.socket, 'message') as Promise<[Buffer, RemoteInfo]>;
  client.send('hello', l4.port);
  const { port } = (await from)[1];
  clock.advance(900);
  backend.send('one', port);
  await client.got(1);
  clock.advance(100);
  l4.deadlines.sweep();
  assert.equal((await l4.finished(1))[0]?.outcome, 'completed');
  assert.equal(l4.engine.size, 0);

  const again = once(backend.socket, 'message') as Promise<[Buffer, RemoteInfo]>;
  client.send('hello', l4.port);
  const next = (await again)[1].port;
  backend.send('two', next);
  await client.got(2);
  client.send('assured', l4.port);
  await backend.got(3);
  for (let round = 3; round < 8; round += 1) {
    clock.advance(900);
    backend.send('more', next);
    await client.got(round);
    l4.deadlines.sweep();
    assert.equal(l4.engine.size, 1);
  }
});

test('nobody but the endpoint can answer into a session', async (context) => {
  const backend = await startPeer();
  context.after(() => backend.close());
  const l4 = await startL4(context, { protocol: 'udp', clusters: { main: [backend.port] } });
  const [client, stranger] = await startPeers(context, 2);
  assert.ok(client !== undefined && stranger !== undefined);
  const from = once(backend.socket, 'message') as Promise<[Buffer, RemoteInfo]>;
  client.send('hello', l4.port);
  const { port } = (await from)[1];
  stranger.send('forged', port);
  backend.send('true', port);
  assert.deepEqual(texts(await client.got(1)), ['true']);
});

test('a session whose endpoint refuses goes elsewhere with its next datagram, and the endpoint is marked', async (context) => {
  const gone = await startPeer();
  const l4 = await startL4(context, { protocol: 'udp', clusters: { main: [gone.port] }, route: { affinityTimeoutMs: 60_000 } });
  const [client] = await startPeers(context, 1);
  assert.ok(client !== undefined);
  client.send('a', l4.port);
  await gone.got(1);
  await gone.close();
  const echo = await startEcho(context, '2');
  l4.setClusters({ main: [gone.port, echo.port] });
  // The ICMP answer comes some time after the datagram that caused it.
  const answered = client.got(1);
  let isAnswered = false;
  void answered.then(() => (isAnswered = true));
  for (let round = 0; round < 200 && !isAnswered; round += 1) {
    client.send('again', l4.port);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await answered;
  assert.equal(String(client.received[0]), '2again');
  assert.equal(l4.engine.size, 1);
});

test('a session moves with the next datagram when its endpoint leaves, and stays when another comes', async (context) => {
  const [a, b] = [await startEcho(context, 'a'), await startEcho(context, 'b')];
  const l4 = await startL4(context, { protocol: 'udp', clusters: { main: [a.port] } });
  const [client] = await startPeers(context, 1);
  assert.ok(client !== undefined);
  assert.equal(await ask(client, l4, '1'), 'a1');
  l4.setClusters({ main: [a.port, b.port] });
  for (let round = 0; round < 5; round += 1) assert.equal(await ask(client, l4, 'x'), 'ax');
  l4.setClusters({ main: [{ host: '127.0.0.1', port: a.port, weight: 1, state: 'terminating' }, b.port] });
  assert.equal(await ask(client, l4, 'y'), 'ay');
  l4.setClusters({ main: [b.port] });
  assert.equal(await ask(client, l4, 'z'), 'bz');
  l4.setClusters({ main: [] });
  client.send('lost', l4.port);
  assert.deepEqual(await l4.dropped(1), ['noEndpoint']);
  l4.setClusters({ main: [a.port] });
  assert.equal(await ask(client, l4, '2'), 'a2');
  assert.equal(l4.records.length, 0);
});

test('weights hold for sessions and affinity for their client', async (context) => {
  const [main, canary] = [await startEcho(context, 'm'), await startEcho(context, 'c')];
  const l4 = await startL4(context, {
    protocol: 'udp',
    clusters: { main: [main.port], canary: [canary.port] },
    route: { targets: { main: 50, canary: 50 } },
  });
  const clients = await startPeers(context, 200);
  const answers = await Promise.all(clients.map((client) => ask(client, l4, '')));
  const canaries = answers.filter((answer) => answer === 'c').length;
  assert.ok(Math.abs(canaries - 100) < 5 * Math.sqrt(50), `${canaries} of 200`);
  l4.setRoute({ targets: { main: 1, canary: 0 } });
  assert.deepEqual(await Promise.all(clients.map((client) => ask(client, l4, ''))), answers);
  l4.setRoute({ targets: { main: 50, canary: 50 }, affinityTimeoutMs: 60_000 });
  const more = await startPeers(context, 20);
  assert.equal(new Set(await Promise.all(more.map((client) => ask(client, l4, '')))).size, 1);
});

test('foreign sources and datagrams for nobody vanish without a trace but a count', async (context) => {
  const echo = await startEcho(context);
  const l4 = await startL4(context, { protocol: 'udp', clusters: { main: [echo.port] }, route: { sourceRanges: ['192.0.2.0/24'] } });
  const [client] = await startPeers(context, 1);
  assert.ok(client !== undefined);
  client.send('x', l4.port);
  await l4.dropped(1);
  l4.setRoute({});
  l4.setClusters({ main: [] });
  client.send('x', l4.port);
  await l4.dropped(2);
  l4.removeListener();
  client.send('x', l4.port);
  assert.deepEqual(await l4.dropped(3), ['sourceRefused', 'noEndpoint', 'noListener']);
  assert.equal(echo.received.length, 0);
  assert.equal(l4.engine.size, 0);
});

test('2,000 clients have a session each; more displace those that never answered a reply, one address its own share', async (context) => {
  const echo = await startEcho(context);
  const l4 = await startL4(context, { protocol: 'udp', clusters: { main: [echo.port] }, route: { maxConnections: 16_000 } });
  const count = 2_000;
  const clients = await startPeers(context, count);
  for (let start = 0; start < count; start += 100) {
    await Promise.all(clients.slice(start, start + 100).map((client, index) => ask(client, l4, `${start + index}`)));
  }
  clients.forEach((client, index) => assert.equal(String(client.received[0]), `${index}`));
  assert.equal(l4.engine.size, count);
  const [late, first] = [...(await startPeers(context, 1)), clients[0]];
  assert.ok(late !== undefined && first !== undefined);
  // An eighth of 16,000 is for one address: it is full.
  assert.equal(await ask(first, l4, 'assured'), 'assured');
  assert.equal(await ask(late, l4, 'late'), 'late');
  assert.equal(l4.engine.size, count);
  assert.equal((await l4.finished(1))[0]?.outcome, 'evicted');
  assert.notEqual(l4.records[0]?.client.remotePort, first.port);
});

test('a table full of clients that have shown themselves refuses new ones', async (context) => {
  const echo = await startEcho(context);
  const l4 = await startL4(context, { protocol: 'udp', clusters: { main: [echo.port] }, route: { maxConnections: 2 } });
  const [a, b, c] = await startPeers(context, 3);
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  for (const client of [a, b, a, b]) await ask(client, l4, 'x');
  c.send('x', l4.port);
  assert.deepEqual(await l4.dropped(1), ['sessionLimit']);
  assert.equal(await ask(a, l4, 'y'), 'y');
});

test('an IPv6 listener carries to an IPv4 endpoint and back', async (context) => {
  const echo = await startEcho(context);
  const l4 = await startL4(context, { protocol: 'udp', address: '::1', clusters: { main: [echo.port] }, route: { sourceRanges: ['::1/128'] } });
  const client = createSocket('udp6');
  client.send('six', l4.port, '::1');
  const [answer, from] = (await once(client, 'message')) as [Buffer, RemoteInfo];
  client.close();
  assert.deepEqual([String(answer), from.address, from.port], ['six', '::1', l4.port]);
});

test('an endpoint that refuses every datagram is ejected, and its clients are not lost', async (context) => {
  const gone = await startPeer();
  await gone.close();
  const l4 = await startL4(context, { protocol: 'udp', clusters: { main: [gone.port] } });
  const [client] = await startPeers(context, 1);
  assert.ok(client !== undefined);
  for (let round = 0; round < 500 && l4.ejected.length === 0; round += 1) {
    client.send('x', l4.port);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.deepEqual(l4.ejected.slice(0, 1), ['main']);
  const echo = await startEcho(context);
  l4.setClusters({ main: [echo.port] });
  assert.equal(await ask(client, l4, 'again'), 'again');
  assert.equal(l4.engine.size, 1);
});

test('a descriptor that is no UDP socket is refused and closed', async (context) => {
  const l4 = await startL4(context, { protocol: 'udp' });
  const descriptor = openSync('/dev/null', 'r');
  await assert.rejects(l4.engine.listen({ protocol: 'udp', address: '127.0.0.1', port: 1, descriptor }), TypeError);
  assert.throws(() => fstatSync(descriptor), /EBADF/);
  assert.equal(l4.engine.size, 0);
});
