import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createManualClock } from '../core/time/manualClock.ts';
import { assertNothingOpen } from './testing/nothingOpen.ts';
import { response, startRawBackend, type RawBackend } from './testing/rawBackend.ts';
import type { RawPeer } from './testing/rawPeer.ts';
import { COOKIE_AFFINITY } from './balance/testing/cookieAffinity.ts';
import { startEngine, type RunningEngine } from './testing/startEngine.ts';

after(assertNothingOpen);

const UPGRADE = 'GET /ws HTTP/1.1\r\nHost: gw.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

interface Joined {
  readonly client: RawPeer;
  readonly peer: RawPeer;
  readonly gateway: RunningEngine;
}

/** A tunnel between a client and a backend that has answered 101. */
async function tunnel(t: Parameters<typeof startEngine>[0], options: Omit<Parameters<typeof startEngine>[1], 'clusters'> = {}): Promise<Joined> {
  const backend = await startRawBackend(async (each) => {
    await each.message();
    each.send(SWITCH);
  });
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] }, ...options });
  const client = await gateway.connect();
  client.send(UPGRADE);
  assert.match((await client.message()).startLine, / 101 /);
  return { client, peer: await backend.connection(0), gateway };
}

async function backendThat(t: Parameters<typeof startEngine>[0], script: (peer: RawPeer) => Promise<void>): Promise<{ backend: RawBackend; client: RawPeer; gateway: RunningEngine }> {
  const backend = await startRawBackend(script);
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  return { backend, gateway, client: await gateway.connect() };
}

test('after 101 octets flow both ways, and the record counts them', async (t) => {
  const { client, peer, gateway } = await tunnel(t);
  assert.equal(gateway.gauge('gatehouse_tunnels'), 1);
  client.send('ping');
  await peer.until('ping');
  peer.send('pong-pong');
  await client.until('pong-pong');
  client.end();
  await peer.untilEnded();
  peer.end();
  await client.untilClosed();
  const [line] = await gateway.logged(1);
  assert.deepEqual([line?.status, line?.['body_bytes_sent'], line?.['request_length']], [101, 9, UPGRADE.length + 4]);
  assert.equal(line?.['bytes_sent'], client.received.length);
  assert.equal(line?.upstream[0]?.['response_length'], 9);
  assert.equal(gateway.gauge('gatehouse_tunnels'), 0);
});

test('nothing is tunnelled before the 101: early octets of the client wait, those of the backend come right behind the head', async (t) => {
  const { client, backend } = await backendThat(t, async (peer) => {
    await peer.message();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(peer.rest, '', 'no octet may pass before the 101');
    peer.send(`${SWITCH}early`);
  });
  client.send(`${UPGRADE}first frame`);
  await client.until('early');
  await (await backend.connection(0)).until('first frame');
});

test('a client that has ended its half before the 101 still ends the tunnel for the backend', async (t) => {
  const { client, backend } = await backendThat(t, async (peer) => {
    await peer.message();
    await new Promise((resolve) => setTimeout(resolve, 50));
    peer.send(SWITCH);
    await peer.untilEnded();
    peer.end('goodbye');
  });
  client.end(UPGRADE);
  await client.until('goodbye');
  await client.untilClosed();
  assert.ok((await backend.connection(0)).ended);
});

for (const [status, isUpgradeRequired] of [['200 OK', false], ['426 Upgrade Required', true]] as const) {
  test(`a backend that answers ${status} to an upgrade gets no tunnel, and the connection goes on in HTTP`, async (t) => {
    const { client, backend } = await backendThat(t, async (peer) => {
      for (;;) {
        const request = await peer.message();
        peer.send(response(request.startLine, status, isUpgradeRequired ? 'Upgrade: websocket\r\nConnection: upgrade\r\n' : ''));
      }
    });
    client.send(UPGRADE);
    assert.equal((await client.message()).startLine, `HTTP/1.1 ${status}`);
    client.send('GET /next HTTP/1.1\r\nHost: gw.test\r\n\r\n');
    assert.equal((await client.message()).body, 'GET /next HTTP/1.1');
    assert.equal(backend.connections.length, 1);
  });
}

for (const request of ['GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n', UPGRADE.replace('websocket', 'other')]) {
  test(`a 101 nobody asked for is answered 502: ${JSON.stringify(request.slice(0, 60))}`, async (t) => {
    const { client, backend, gateway } = await backendThat(t, async (peer) => {
      await peer.message();
      peer.send(`${SWITCH}raw`);
    });
    client.send(request);
    assert.match((await client.message()).startLine, / 502 /);
    await (await backend.connection(0)).untilEnded();
    const [line] = await gateway.logged(1);
    assert.equal(line?.upstream[0]?.['error'], 'invalidResponse');
  });
}

test('h2c is never passed on, other tokens are', async (t) => {
  const seen: (string | undefined)[] = [];
  const { client } = await backendThat(t, async (peer) => {
    for (;;) {
      const request = await peer.message();
      seen.push(request.get('upgrade'), request.get('connection'), request.get('http2-settings'));
      peer.send(response('ok'));
    }
  });
  client.send(
    UPGRADE.replace('websocket', 'h2c').replace('Connection: Upgrade', 'Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk'),
  );
  await client.message();
  client.send(UPGRADE.replace('websocket', 'irc/6.9'));
  await client.message();
  assert.deepEqual(seen, [undefined, undefined, undefined, 'irc/6.9', 'upgrade', undefined]);
});

test('an upgrade with a body is refused', async (t) => {
  const { client, backend } = await backendThat(t, async () => {});
  client.send(UPGRADE.replace('\r\n\r\n', '\r\nContent-Length: 3\r\n\r\nabc'));
  assert.match((await client.message()).startLine, / 400 /);
  assert.equal(backend.connections.length, 0);
});

test('each half of a tunnel closes alone', async (t) => {
  const { client, peer } = await tunnel(t);
  client.end('last words');
  await peer.untilEnded();
  assert.equal(peer.rest, 'last words');
  peer.send('still ');
  await client.until('still ');
  peer.end('talking');
  await client.until('talking');
  await Promise.all([client.untilClosed(), peer.untilClosed()]);
});

test('a client that is reset ends the backend, even one that would talk on for ever', async (t) => {
  const { client, peer, gateway } = await tunnel(t);
  const talking = setInterval(() => peer.socket.write('tick'), 5);
  t.after(() => clearInterval(talking));
  await client.until('tick');
  client.reset();
  await peer.untilClosed();
  clearInterval(talking);
  await gateway.logged(1);
  assert.equal(gateway.gauge('gatehouse_tunnels'), 0);
});

test('a backend that is reset ends the client', async (t) => {
  const { client, peer } = await tunnel(t);
  peer.send('bye');
  await client.until('bye');
  peer.reset();
  await client.untilEnded();
});

test('a tunnel in which both directions are silent for the read timeout is cut', async (t) => {
  const clock = createManualClock();
  const { client, peer, gateway } = await tunnel(t, { clock, policy: { readTimeoutMs: 3_000 } });
  clock.advance(2_900);
  client.send('ping');
  await peer.until('ping');
  clock.advance(2_900);
  peer.send('pong');
  await client.until('pong');
  clock.advance(3_001);
  await Promise.all([client.untilEnded(), peer.untilEnded()]);
  await gateway.logged(1);
});

test('a tunnel whose one side does not read holds the other back, and all arrives once it does', async (t) => {
  const { client, peer } = await tunnel(t);
  client.socket.pause();
  const total = 48 * 1024 * 1024;
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let sent = 0;
  const push = (): void => {
    while (sent < total) {
      sent += chunk.length;
      if (!peer.socket.write(chunk)) return;
    }
    peer.socket.end();
  };
  peer.socket.on('drain', push);
  push();
  for (let before = -1; before !== sent; ) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(sent < total / 2, `${sent} octets were taken for a client that reads none`);
  let received = 0;
  client.socket.removeAllListeners('data');
  client.socket.on('data', (data: Buffer) => (received += data.length));
  client.socket.resume();
  await client.untilEnded();
  assert.equal(received, total);
});

test('the cookie that pins a client comes with the 101 too', async (t) => {
  const backend = await startRawBackend(async (each) => {
    await each.message();
    each.send(SWITCH);
  });
  t.after(() => backend.close());
  const affinity = { ...COOKIE_AFFINITY, name: 'route' };
  const gateway = await startEngine(t, { clusters: { web: { ports: [backend.port], affinity } } });
  const client = await gateway.connect();
  client.send(UPGRADE);
  const answer = await client.message();
  assert.match(answer.startLine, / 101 /);
  assert.match(answer.get('set-cookie') ?? '', /^route=/);
  assert.deepEqual([answer.get('connection'), answer.get('upgrade')], ['upgrade', 'websocket']);
});
