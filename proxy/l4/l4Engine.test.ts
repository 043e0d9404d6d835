import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { after, test } from 'node:test';
import type { L4Route } from '../../core/ir/l4.ts';
import { assertNothingOpen } from '../testing/nothingOpen.ts';
import { startRawBackend } from '../testing/rawBackend.ts';
import { connectRaw } from '../testing/rawPeer.ts';
import { startL4 } from './testing/startL4.ts';

after(assertNothingOpen);

test('a connection is handed over with what was read of it, its end included', async (context) => {
  const backend = await startRawBackend();
  const l4 = await startL4(context, { clusters: { main: [backend.port], other: [1] } });
  l4.setPassthrough({ 'db.test': { sendProxyProtocol: 'v1' }, '*.apps.test': {} });
  const goesTo = (name: string, served = ''): L4Route | null => l4.engine.passthroughFor(name, (host) => host === served);
  assert.equal(goesTo('DB.test.'), goesTo('db.test'));
  assert.notEqual(goesTo('a.apps.test'), null);
  assert.equal(goesTo('a.b.apps.test'), null);
  assert.equal(goesTo('a.apps.test', 'a.apps.test'), null, 'a host served here by its exact name stands above the wildcard');
  assert.notEqual(goesTo('db.test', 'db.test'), null);
  assert.equal(goesTo('\0'), null);
  const route = goesTo('db.test');
  assert.ok(route !== null);
  const front = createServer({ pauseOnConnect: true }, (socket) => {
    const client = { remoteAddress: '192.0.2.1', remotePort: 7, localAddress: '192.0.2.2', localPort: 443 };
    socket.once('data', (chunk: Buffer) => {
      socket.pause();
      l4.engine.carry(socket, chunk, client, route);
    });
    socket.resume();
  }).listen(0, '127.0.0.1');
  await once(front, 'listening');
  const client = await connectRaw((front.address() as AddressInfo).port);
  client.end('client hello');
  const peer = await backend.connection(0);
  await peer.untilEnded();
  assert.equal(peer.received, 'PROXY TCP4 192.0.2.1 192.0.2.2 7 443\r\nclient hello');
  peer.end('server hello');
  await client.untilClosed();
  assert.equal(client.received, 'server hello');
  const [record] = await l4.finished(1);
  assert.equal(record?.outcome, 'completed');
  assert.equal(record?.receivedBytes, 12);
  front.close();
  await backend.close();
});

test('a stalled reader holds its sender back, in both directions, and 200 MiB arrive as they were sent', async (context) => {
  const total = 200 * 1024 * 1024;
  const chunk = Buffer.alloc(256 * 1024, 'gatehouse');
  const sums = new Map<string, string>();
  const finish = new Map<string, () => void>();
  const send = (socket: Socket, name: string): { sent: () => number } => {
    const hash = createHash('sha256');
    let sent = 0;
    const more = (): void => {
      while (sent < total) {
        chunk.writeUInt32BE(sent / chunk.length, 0);
        const copy = Buffer.from(chunk);
        hash.update(copy);
        sent += copy.length;
        if (!socket.write(copy)) return void socket.once('drain', more);
      }
      sums.set(`${name} sent`, hash.digest('hex'));
      socket.end();
    };
    more();
    return { sent: () => sent };
  };
  const receive = (socket: Socket, name: string): void => {
    const hash = createHash('sha256');
    socket.on('data', (data: Buffer) => hash.update(data));
    socket.on('end', () => {
      sums.set(`${name} got`, hash.digest('hex'));
      finish.get(name)?.();
    });
  };
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => accepted.resolve(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const l4 = await startL4(context, { clusters: { main: [(server.address() as AddressInfo).port] } });
  const client = connect({ port: l4.port, host: '127.0.0.1', allowHalfOpen: true });
  await once(client, 'connect');
  client.pause();
  const endpoint = await accepted.promise;
  const before = process.memoryUsage().rss;
  const progress = [send(client, 'up'), send(endpoint, 'down')];
  // Both stand still once nothing has moved for a while of turns of the event loop.
  for (let still = 0, last = -1; still < 50; ) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    const now = progress.reduce((sum, { sent }) => sum + sent(), 0);
    still = now === last ? still + 1 : 0;
    last = now;
  }
  assert.ok(progress.every(({ sent }) => sent() < 32 * 1024 * 1024), 'senders are held back');
  const held = process.memoryUsage();
  assert.ok(held.rss - before < 64 * 1024 * 1024, `${held.rss - before} octets more`);
  const done = ['up', 'down'].map((name) => new Promise<void>((resolve) => finish.set(name, resolve)));
  receive(endpoint, 'up');
  receive(client, 'down');
  endpoint.resume();
  client.resume();
  await Promise.all(done);
  assert.equal(sums.get('up got'), sums.get('up sent'));
  assert.equal(sums.get('down got'), sums.get('down sent'));
  const [record] = await l4.finished(1);
  assert.deepEqual([record?.outcome, record?.receivedBytes, record?.sentBytes], ['completed', total, total]);
  server.close();
});

test('2,000 parallel connections are carried while endpoints come and go, and none is disturbed', async (context) => {
  const count = 2_000;
  const backends = await Promise.all(
    [0, 1, 2].map(() => startRawBackend((peer) => void peer.socket.on('data', (data: Buffer) => void peer.socket.write(data)).on('end', () => peer.end()))),
  );
  const [a = 0, b = 0, c = 0] = backends.map(({ port }) => port);
  const l4 = await startL4(context, { clusters: { main: [a, b] } });
  const clients = [];
  for (let index = 0; index < count; index += 1) {
    if (index % 100 === 0) l4.setClusters({ main: [[a, b], [b, c], [a, c]][(index / 100) % 3] ?? [] });
    clients.push(await connectRaw(l4.port));
  }
  clients.forEach((client, index) => client.send(`hello ${index};`));
  await Promise.all(clients.map((client, index) => client.until(`hello ${index};`)));
  assert.equal(l4.engine.size, count);
  l4.setClusters({ main: [c] });
  l4.removeListener();
  clients.forEach((client) => client.end('bye;'));
  await Promise.all(clients.map((client) => client.untilClosed()));
  clients.forEach((client, index) => assert.equal(client.received, `hello ${index};bye;`));
  const records = await l4.finished(count);
  assert.ok(records.every(({ outcome }) => outcome === 'completed'));
  await Promise.all(backends.map((backend) => backend.close()));
});

test('draining waits for connections; cutting resets them', async (context) => {
  const backend = await startRawBackend();
  const l4 = await startL4(context, { clusters: { main: [backend.port] } });
  const clients = [await connectRaw(l4.port), await connectRaw(l4.port)];
  for (const [index, client] of clients.entries()) {
    client.send('x');
    await (await backend.connection(index)).until('x');
  }
  let isDrained = false;
  const drained = l4.engine.drain().then(() => (isDrained = true));
  const [client, peer] = [clients[0], await backend.connection(0)];
  client?.end();
  peer.end();
  await l4.finished(1);
  assert.equal(isDrained, false);
  assert.equal(l4.engine.cut(), 1);
  await drained;
  assert.equal(l4.engine.cut(), 0);
  assert.equal(l4.records[1]?.outcome, 'cut');
  await clients[1]?.untilClosed();
  assert.equal(clients[1]?.wasReset, true);
  await backend.close();
});
