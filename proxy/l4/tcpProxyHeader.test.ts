import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { createManualClock } from '../../core/time/manualClock.ts';
import { assertNothingOpen } from '../testing/nothingOpen.ts';
import { startRawBackend } from '../testing/rawBackend.ts';
import { connectRaw } from '../testing/rawPeer.ts';
import { decodeProxyHeader, encodeProxyHeader } from './proxyProtocol.ts';
import { startL4 } from './testing/startL4.ts';

after(assertNothingOpen);

const LOOPBACK = ['127.0.0.0/8'];

test('a PROXY header to the endpoint names client and listener, and comes first even if the endpoint speaks first', async (context) => {
  for (const version of [1, 2] as const) {
    const backend = await startRawBackend();
    const l4 = await startL4(context, { clusters: { main: [backend.port] }, route: { sendProxyProtocol: `v${version}` } });
    const client = await connectRaw(l4.port);
    const { localPort = 0 } = client.socket;
    const header = encodeProxyHeader(version, { address: '127.0.0.1', port: localPort }, { address: '127.0.0.1', port: l4.port });
    const peer = await backend.connection(0);
    await peer.until(header.toString('latin1'));
    peer.send('220 ready');
    await client.until('220 ready');
    client.end('EHLO');
    await peer.untilEnded();
    peer.end();
    await client.untilClosed();
    assert.equal(peer.received, `${header.toString('latin1')}EHLO`);
    assert.equal((await l4.finished(1))[0]?.receivedBytes, 4);
    await backend.close();
  }
});

test('an IPv6 client reaches an IPv4 endpoint, which is told so', async (context) => {
  const backend = await startRawBackend();
  const l4 = await startL4(context, { address: '::1', clusters: { main: [backend.port] }, route: { sendProxyProtocol: 'v2', sourceRanges: ['::/64'] } });
  const socket = connect({ port: l4.port, host: '::1' });
  await once(socket, 'connect');
  const peer = await backend.connection(0);
  await peer.until('\x21\x21\0\x24');
  const decoded = decodeProxyHeader(Buffer.from(peer.received, 'latin1'));
  assert.ok(decoded.type === 'header');
  assert.deepEqual(decoded.header.source, { address: '::1', port: socket.localPort });
  assert.deepEqual(decoded.header.destination, { address: '::1', port: l4.port });
  socket.resetAndDestroy();
  await peer.untilClosed();
  await l4.finished(1);
  await backend.close();
});

test('random openings from a trusted peer are refused or carried, and nothing is left behind', async (context) => {
  const seed = Number(process.env['GATEHOUSE_SEED'] ?? Date.now() % 2 ** 31);
  context.diagnostic(`GATEHOUSE_SEED=${seed}`);
  let state = seed || 1;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const backend = await startRawBackend((peer) => peer.end());
  const l4 = await startL4(context, { clusters: { main: [backend.port] }, route: { acceptProxyProtocol: { trustedCidrs: LOOPBACK } } });
  const ends = [{ address: '192.0.2.7', port: 1 }, { address: '192.0.2.8', port: 2 }] as const;
  for (let round = 0; round < 300; round += 1) {
    const header = encodeProxyHeader(draw(2) === 0 ? 1 : 2, ...ends);
    for (let changes = draw(3); changes > 0; changes -= 1) header[draw(header.length)] = draw(256);
    const cut = draw(header.length + 1);
    const client = await connectRaw(l4.port);
    client.send(header.subarray(0, cut));
    await new Promise(setImmediate);
    client.end(header.subarray(cut).toString('latin1'));
    await client.untilClosed();
  }
  const records = await l4.finished(300);
  const outcomes = new Set(records.map(({ outcome }) => outcome));
  assert.ok(outcomes.isSubsetOf(new Set(['completed', 'badProxyHeader', 'clientReset'])), [...outcomes].join());
  await backend.close();
});

test('a trusted peer names the client: checked, balanced and passed on as such', async (context) => {
  const backend = await startRawBackend();
  const l4 = await startL4(context, {
    clusters: { main: [backend.port] },
    route: { acceptProxyProtocol: { trustedCidrs: LOOPBACK }, sendProxyProtocol: 'v2', sourceRanges: ['192.0.2.0/24', '2001:db8::/32'] },
  });
  let index = 0;
  for (const version of [1, 2] as const) {
    for (const address of ['192.0.2.7', '2001:db8::7']) {
      const source = { address, port: 1234 };
      const destination = { address: address.includes(':') ? '2001:db8::9' : '203.0.113.9', port: 443 };
      const header = encodeProxyHeader(version, source, destination);
      for (const cut of [0, 1, 13, header.length - 1, header.length]) {
        const client = await connectRaw(l4.port);
        client.send(header.subarray(0, cut));
        if (cut > 0) await new Promise(setImmediate);
        client.end(`${header.subarray(cut).toString('latin1')}payload`);
        const peer = await backend.connection(index);
        await peer.untilEnded();
        const got = Buffer.from(peer.received, 'latin1');
        const decoded = decodeProxyHeader(got);
        assert.ok(decoded.type === 'header');
        assert.deepEqual([decoded.header.source, decoded.header.destination], [source, destination]);
        assert.equal(got.subarray(decoded.length).toString(), 'payload');
        peer.end();
        await client.untilClosed();
        const record = (await l4.finished(index + 1))[index];
        assert.equal(record?.client.remoteAddress, address);
        assert.equal(record.receivedBytes, 7);
        index += 1;
      }
    }
  }
  const foreign = await connectRaw(l4.port);
  foreign.send(encodeProxyHeader(1, { address: '198.51.100.1', port: 1 }, { address: '198.51.100.2', port: 2 }));
  await foreign.untilClosed();
  assert.equal((await l4.finished(index + 1))[index]?.outcome, 'sourceRefused');
  const check = await connectRaw(l4.port);
  check.send(encodeProxyHeader(2, null, null));
  const peer = await backend.connection(index);
  await peer.until('\r\n');
  assert.deepEqual(decodeProxyHeader(Buffer.from(peer.received, 'latin1')).type, 'header');
  check.reset();
  await peer.untilClosed();
  await backend.close();
});

test('a trusted peer that sends no header, a bad one, half of one or none in time is reset', async (context) => {
  const clock = createManualClock();
  const backend = await startRawBackend();
  const l4 = await startL4(context, {
    clusters: { main: [backend.port] },
    clock,
    route: { acceptProxyProtocol: { trustedCidrs: LOOPBACK } },
  });
  const openings = ['GET / HTTP/1.1\r\n', 'PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n', '\r\n\r\n\0\r\nQUIT\n\x21\x41\0\0'];
  for (const opening of openings) {
    const client = await connectRaw(l4.port);
    client.send(opening);
    await client.untilClosed();
  }
  const half = await connectRaw(l4.port);
  half.end('PROXY TCP4 1.2');
  await half.untilClosed();
  const mute = await connectRaw(l4.port);
  mute.send('PROXY ');
  await l4.until(() => l4.engine.size === 1, 'the connection');
  clock.advance(3_000);
  l4.deadlines.sweep();
  await mute.untilClosed();
  const records = await l4.finished(5);
  assert.deepEqual(new Set(records.map(({ outcome }) => outcome)), new Set(['badProxyHeader']));
  assert.equal(backend.connections.length, 0);
  await backend.close();
});

test('what looks like a PROXY header of an untrusted peer is its payload', async (context) => {
  const backend = await startRawBackend();
  const l4 = await startL4(context, {
    clusters: { main: [backend.port] },
    route: { acceptProxyProtocol: { trustedCidrs: ['192.0.2.0/24'] }, sourceRanges: LOOPBACK },
  });
  const client = await connectRaw(l4.port);
  const forged = 'PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n';
  client.end(forged);
  const peer = await backend.connection(0);
  await peer.untilEnded();
  assert.equal(peer.received, forged);
  peer.end();
  await client.untilClosed();
  assert.equal((await l4.finished(1))[0]?.client.remoteAddress, '127.0.0.1');
  await backend.close();
});
