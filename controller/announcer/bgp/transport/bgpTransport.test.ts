import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { PeerAuthentication } from '../bgpWanted.ts';
import { CONNECT_BURST } from './connectPace.ts';
import { counterRises, readKernelCounter } from './testing/kernelCounter.ts';
import { peerAt, startTransportEnd, type TransportEnd } from './testing/transportEnd.ts';
import type { TransportPeer } from './transport.ts';

const SERVER = '127.0.0.11';
const CLIENT = '127.0.0.12';
const PASSWORD: PeerAuthentication = { type: 'md5', password: 'correct horse' };

/** A server that takes CLIENT, and its port. */
function listen(t: TestContext, rest: Partial<TransportPeer> = {}): { readonly server: TransportEnd; readonly port: number } {
  const server = startTransportEnd(t);
  assert.deepEqual(server.transport.accept([peerAt(CLIENT, { connect: 'passive', sourceAddress: SERVER, ...rest })]), []);
  return { server, port: server.transport.listeningPorts()[0] ?? 0 };
}

function dial(t: TestContext, port: number, rest: Partial<TransportPeer> = {}) {
  return startTransportEnd(t).connect(peerAt(SERVER, { port, sourceAddress: CLIENT, connect: 'active', ...rest }));
}

/** What was let in before a key counts is not trusted: a peer that connects at once is asked to come again. */
async function untilTrusted(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('two transports connect from their source addresses, exchange octets in both directions and end together', async (t) => {
  const { server, port } = listen(t);
  const accepting = server.accepts();
  const near = dial(t, port);
  const far = await accepting;
  assert.equal(far.peer, 'test/peer');
  assert.deepEqual(await near.connected, { localAddress: CLIENT, remoteAddress: SERVER });
  assert.deepEqual(await far.connected, { localAddress: SERVER, remoteAddress: CLIENT });
  assert.equal(near.connection.send(Buffer.from('to server')), true);
  far.connection.send(Buffer.from('to client'));
  await Promise.all([far.hears('to server'), near.hears('to client')]);
  near.connection.send(Buffer.from(' and the last words'));
  near.connection.close(1_000);
  await far.hears('the last words');
  assert.equal(await far.closed, 'the peer has closed the connection');
  assert.equal(await near.closed, 'this side has closed the connection');
});

test('IPv6 is listened on by itself', async (t) => {
  const server = startTransportEnd(t);
  assert.deepEqual(server.transport.accept([peerAt('::1', { connect: 'passive' })]), []);
  const near = startTransportEnd(t).connect(peerAt('::1', { port: server.transport.listeningPorts()[0] ?? 0 }));
  assert.deepEqual(await near.connected, { localAddress: '::1', remoteAddress: '::1' });
});

test('connections of others, of peers that are only connected to, and of former peers are refused and counted', async (t) => {
  const { server, port } = listen(t);
  const stranger = dial(t, port, { sourceAddress: '127.0.0.13' });
  assert.match(await stranger.closed, /has reset the connection/);
  assert.equal(server.transport.refused(), 1);
  server.transport.accept([peerAt(CLIENT, { connect: 'passive' }), peerAt('127.0.0.13', { connect: 'active', name: 'test/active' })]);
  assert.match(await dial(t, port, { sourceAddress: '127.0.0.13' }).closed, /has reset/);
  assert.equal(server.transport.refused(), 2);
  server.transport.accept([]);
  assert.deepEqual(server.transport.listeningPorts(), []);
  assert.match(await dial(t, port).closed, /127\.0\.0\.11 port \d+ refuses the connection/);
});

test('a connection whose owner does not want it is refused', async (t) => {
  const { port } = listen(t, { sourceAddress: '127.0.0.99' });
  assert.match(await dial(t, port).closed, /has reset/);
});

test('a peer that connects again and again is refused, until some of its connections have ended', async (t) => {
  const { server, port } = listen(t);
  const kept = Array.from({ length: 8 }, () => dial(t, port));
  await Promise.all(kept.map(({ connected }) => connected));
  assert.match(await dial(t, port).closed, /has reset/);
  assert.equal(server.transport.refused(), 1);
  for (const { connection } of kept) connection.destroy();
  await Promise.all(kept.map(({ closed }) => closed));
  let accepted = dial(t, port);
  const heard = async (): Promise<boolean> => await Promise.race([accepted.closed.then(() => false), server.accepts().then(() => true)]);
  while (!await heard()) accepted = dial(t, port);
});

test('the right MD5 key connects, also when it is changed while listening', async (t) => {
  const { server, port } = listen(t, { authentication: PASSWORD });
  await untilTrusted();
  const first = dial(t, port, { authentication: PASSWORD });
  await first.connected;
  first.connection.send(Buffer.from('x'));
  const other: PeerAuthentication = { type: 'md5', password: 'battery staple' };
  server.transport.accept([peerAt(CLIENT, { connect: 'passive', authentication: other })]);
  await untilTrusted();
  const accepting = server.accepts();
  const second = dial(t, port, { authentication: other });
  const far = await accepting;
  second.connection.send(Buffer.from('signed'));
  await far.hears('signed');
});

test('a wrong MD5 key and none get no answer, whether or not the other side has one', async (t) => {
  const { server, port } = listen(t, { authentication: PASSWORD });
  const before = { wrong: readKernelCounter('TCPMD5Failure'), none: readKernelCounter('TCPMD5NotFound'), needless: readKernelCounter('TCPMD5Unexpected') };
  dial(t, port, { authentication: { type: 'md5', password: 'wrong' } });
  await counterRises('TCPMD5Failure', before.wrong);
  dial(t, port);
  await counterRises('TCPMD5NotFound', before.none);
  server.transport.accept([peerAt(CLIENT, { connect: 'passive' })]);
  dial(t, port, { authentication: PASSWORD });
  await counterRises('TCPMD5Unexpected', before.needless);
  assert.equal(server.transport.refused(), 0);
});

test('TCP-AO connects, or it is said that this kernel has none, and then nobody is let in without it', async (t) => {
  const ao: PeerAuthentication = { type: 'ao', keyId: 7, receiveKeyId: 9, algorithm: 'hmac-sha256', key: 'correct horse' };
  const server = startTransportEnd(t);
  const problems = server.transport.accept([peerAt(CLIENT, { connect: 'passive', authentication: { ...ao, keyId: 9, receiveKeyId: 7 } })]);
  const port = server.transport.listeningPorts()[0] ?? 0;
  await untilTrusted();
  const near = dial(t, port, { authentication: ao });
  if (problems.length === 0) {
    await near.connected;
    return;
  }
  assert.match(problems.join(), /^connections of test\/peer cannot be taken: this kernel has no TCP-AO \(RFC 5925\)/);
  assert.match(await near.closed, /this kernel has no TCP-AO/);
  assert.match(await dial(t, port).closed, /has reset/);
});

for (const [server, client] of [[SERVER, CLIENT], ['::1', '::1']] as const) {
  test(`a connection to ${server} from further away than its peer may be gets no answer at all, and one from near does`, async (t) => {
    const end = startTransportEnd(t);
    const other = peerAt(server === SERVER ? '127.0.0.13' : '::2', { name: 'test/other', connect: 'passive' });
    assert.deepEqual(end.transport.accept([peerAt(client, { connect: 'passive', ttl: 255, minimumTtl: 255 }), other]), []);
    const accepting = end.accepts();
    const from = (ttl: number) => startTransportEnd(t).connect(peerAt(server, { port: end.transport.listeningPorts()[0] ?? 0, sourceAddress: client, ttl }));
    const far = from(254);
    let isFarConnected = false;
    far.connected.then(() => { isFarConnected = true; }, () => {});
    // Packets of the loopback are there when the call returns, so that the first one was looked at when the second is taken.
    const near = from(255);
    const accepted = await accepting;
    near.connection.send(Buffer.from('from the link'));
    await accepted.hears('from the link');
    assert.equal(isFarConnected, false);
    assert.equal(end.transport.refused(), 0);
  });
}

test('of two peers with one address, what one of them may is not kept from it', async (t) => {
  const { server, port } = listen(t);
  server.transport.accept([peerAt(CLIENT, { connect: 'passive', minimumTtl: 255, sourceAddress: '127.0.0.99' }), peerAt(CLIENT, { connect: 'passive', name: 'test/far' })]);
  const accepting = server.accepts();
  dial(t, port, { ttl: 1 });
  assert.equal((await accepting).peer, 'test/far');
});

test('strangers and peers that connect without end get no answer for a while, and other peers are heard meanwhile', async (t) => {
  const { server, port } = listen(t);
  const neighbor = '127.0.0.14';
  server.transport.accept([peerAt(CLIENT, { connect: 'passive' }), peerAt(neighbor, { connect: 'passive', name: 'test/neighbor' })]);
  for (const caller of ['127.0.0.13', CLIENT]) {
    /** Resolves with the number of those that were answered once one is not. */
    const call = async (count: number): Promise<number> => {
      const socket = connect({ host: SERVER, port, localAddress: caller });
      t.after(() => socket.destroy());
      const answered = new Promise<boolean>((resolve) => {
        socket.on('error', () => resolve(true)).on('close', () => resolve(true)).on('connect', () => socket.destroy());
      });
      const isAnswered = await Promise.race([answered, new Promise<boolean>((resolve) => { setTimeout(() => resolve(false), 200); })]);
      return isAnswered ? call(count + 1) : count;
    };
    const answered = await call(0);
    assert.ok(answered >= CONNECT_BURST - 1 && answered < 2 * CONNECT_BURST, `${answered} connections of ${caller} were answered`);
    const accepting = server.accepts();
    dial(t, port, { sourceAddress: neighbor });
    assert.equal((await accepting).peer, 'test/neighbor');
  }
  const again = server.accepts();
  dial(t, port);
  assert.equal((await again).peer, 'test/peer');
});

test('what cannot be is told in words: address, interface, nobody there, no router', async (t) => {
  const end = startTransportEnd(t);
  const reasonOf = (peer: TransportPeer) => end.connect(peer).closed;
  assert.match(await reasonOf(peerAt(SERVER, { sourceAddress: '192.0.2.77' })), /bind source address 192\.0\.2\.77: EADDRNOTAVAIL; no interface of this machine has/);
  assert.match(await reasonOf(peerAt(SERVER, { vrf: 'no-such-vrf' })), /interface "no-such-vrf": ENODEV/);
  assert.match(await reasonOf(peerAt(SERVER, { vrf: 'a-name-that-is-too-long' })), /ENODEV/);
  assert.match(await reasonOf(peerAt(SERVER, { remote: { type: 'interface', interface: 'eth77' } })), /no router advertises itself on interface eth77/);
  assert.match(await reasonOf(peerAt(SERVER, { authentication: { type: 'md5', password: 'x'.repeat(81) } })), /1 to 80 octets/);
  assert.match(await reasonOf(peerAt('::1', { sourceAddress: '192.0.2.1' })), /source address/);
});

test('a router that resets each connection at once is what is told of, not this side', async (t) => {
  const router = createServer((socket) => { socket.resetAndDestroy(); }).listen(0, SERVER);
  t.after(() => router.close());
  await once(router, 'listening');
  const { port } = router.address() as AddressInfo;
  const reasons = await Promise.all(Array.from({ length: 50 }, () => dial(t, port).closed));
  for (const reason of reasons) assert.match(reason, /127\.0\.0\.11 port \d+ has (reset the connection|closed the connection at once)/);
});

test('a port that is taken is a problem in words, and what is there goes on', async (t) => {
  const { port } = listen(t);
  const other = startTransportEnd(t, port);
  const [problem] = other.transport.accept([peerAt(CLIENT)]);
  assert.match(problem ?? '', new RegExp(`connections of peers cannot be taken: cannot bind port ${port} for BGP \\(ipv4\\): EADDRINUSE`));
});

test('a connection through an interface by which the peer is not reached fails, and by lo it works', async (t) => {
  const { port } = listen(t);
  await dial(t, port, { vrf: 'lo' }).connected;
});

test('a peer that reads nothing makes `send` answer false until it reads again', async (t) => {
  const { server, port } = listen(t);
  const accepting = server.accepts();
  const reader = connect({ host: SERVER, port, localAddress: CLIENT });
  t.after(() => reader.destroy());
  const far = await accepting;
  reader.pause();
  let sent = 0;
  while (far.connection.send(Buffer.alloc(65_536))) {
    sent += 65_536;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const writing = far.writableAgain();
  reader.resume();
  await writing;
  assert.ok(sent > 0);
});
