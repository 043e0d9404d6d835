import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { assertNothingOpen } from '../testing/nothingOpen.ts';
import { startRawBackend } from '../testing/rawBackend.ts';
import { connectRaw } from '../testing/rawPeer.ts';
import { startL4 } from './testing/startL4.ts';
import { TcpRelay } from './tcpRelay.ts';

after(assertNothingOpen);

test('octets go both ways, and each side ends alone', async (context) => {
  for (const first of ['client', 'endpoint'] as const) {
    const backend = await startRawBackend();
    const l4 = await startL4(context, { clusters: { main: [backend.port] } });
    const client = await connectRaw(l4.port);
    client.send('ping');
    const peer = await backend.connection(0);
    await peer.until('ping');
    peer.send('pong');
    await client.until('pong');
    const [one, other] = first === 'client' ? [client, peer] : [peer, client];
    one.end('last words');
    await other.untilEnded();
    assert.equal(other.received.endsWith('last words'), true);
    other.send('still talking');
    await one.until('still talking');
    other.end();
    await one.untilClosed();
    const [record] = await l4.finished(1);
    assert.equal(record?.outcome, 'completed');
    assert.equal(one.wasReset || other.wasReset, false);
    assert.equal((record?.receivedBytes ?? 0) + (record?.sentBytes ?? 0), 'pingponglast wordsstill talking'.length);
    await backend.close();
  }
});

test('a reset of either side reaches the other as a reset', async (context) => {
  const backend = await startRawBackend();
  const l4 = await startL4(context, { clusters: { main: [backend.port] } });
  for (const [index, outcome] of (['clientReset', 'endpointReset'] as const).entries()) {
    const client = await connectRaw(l4.port);
    client.send('x');
    const peer = await backend.connection(index);
    await peer.until('x');
    const [one, other] = outcome === 'clientReset' ? [client, peer] : [peer, client];
    one.reset();
    await other.untilClosed();
    assert.equal(other.wasReset, true);
    assert.equal(other.ended, false);
    assert.equal((await l4.finished(index + 1))[index]?.outcome, outcome);
  }
  await backend.close();
});

/** Two ends of a connection over a server of their own. */
async function openPair(): Promise<readonly [Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const near = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [far] = (await accepted) as [Socket];
  server.close();
  for (const socket of [near, far]) socket.on('error', () => {});
  return [near, far];
}

test('a relay is over when it is broken at the moment at which it passes an end on', async () => {
  const [client, ownClientEnd] = await openPair();
  const [endpoint, ownEndpointEnd] = await openPair();
  const { promise: closed, resolve } = Promise.withResolvers<string>();
  const relay = new TcpRelay(ownClientEnd, ownEndpointEnd, { onActivity: () => {}, onReceived: () => {}, onSent: () => {}, onClose: resolve });
  relay.start(null);
  // After the relay's own listener: the end has been asked for, and has not been sent.
  ownClientEnd.on('end', () => relay.abort());
  const ownEnds = [client, endpoint].map((socket) => new Promise((resolveOne) => { socket.resume().on('close', resolveOne); }));
  client.end();
  assert.equal(await closed, 'completed');
  // Who has read the end reads no more, and hears of the reset by writing.
  for (const socket of [client, endpoint]) socket.write('x');
  await Promise.all(ownEnds);
});
