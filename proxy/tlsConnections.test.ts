import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { connect } from 'node:tls';
import { certificateFrom, makeLeaf } from '../test/support/certificates.ts';
import { assertNothingOpen } from './testing/nothingOpen.ts';
import { answering, response, startRawBackend } from './testing/rawBackend.ts';
import { connectRaw, RawPeer, type RawMessage } from './testing/rawPeer.ts';
import { startEngine } from './testing/startEngine.ts';

after(assertNothingOpen);

const certificate = certificateFrom(makeLeaf(null, 'gw.test'), 'default');

async function connectTls(port: number): Promise<RawPeer> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'gw.test', rejectUnauthorized: false });
  socket.allowHalfOpen = true;
  await once(socket, 'secureConnect');
  return new RawPeer(socket);
}

test('requests over TLS are forwarded as HTTPS, pipelined and kept alive like others', async (t) => {
  const seen: RawMessage[] = [];
  const backend = await startRawBackend(answering((request) => response(request.startLine), seen));
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] }, certificate });
  const client = await connectTls(gateway.tlsPort);
  client.send('GET /1 HTTP/1.1\r\nHost: gw.test\r\n\r\nGET /2 HTTP/1.1\r\nHost: gw.test\r\n\r\n');
  assert.equal((await client.message()).body, 'GET /1 HTTP/1.1');
  assert.equal((await client.message()).body, 'GET /2 HTTP/1.1');
  assert.deepEqual(seen.map((request) => [request.get('x-forwarded-proto'), request.get('x-forwarded-port')]), [['https', '443'], ['https', '443']]);
  const [line] = await gateway.logged(2);
  assert.equal(line?.['ssl_protocol'], 'TLSv1.3');
  client.end();
  await client.untilClosed();
});

test('a large response over TLS is held back for a client that reads nothing, and arrives whole', async (t) => {
  const bytes = 64 * 1024 * 1024;
  const backend = await startRawBackend(async (peer) => {
    await peer.message();
    peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`);
    peer.send(Buffer.alloc(bytes, 'x'));
  });
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] }, certificate });
  const client = await connectTls(gateway.tlsPort);
  client.socket.pause();
  client.send('GET / HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n');
  const peer = await backend.connection(0);
  let before = -1;
  while (before !== peer.socket.writableLength) {
    before = peer.socket.writableLength;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  assert.equal(gateway.log.length, 0);
  let received = 0;
  client.socket.removeAllListeners('data');
  client.socket.on('data', (octets: Buffer) => (received += octets.length));
  client.socket.resume();
  await client.untilEnded();
  assert.ok(received > bytes, String(received));
  client.end();
});

test('a tunnel over TLS carries both ways and closes its halves alone', async (t) => {
  const backend = await startRawBackend(async (peer) => {
    await peer.message();
    peer.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
    await peer.untilEnded();
    peer.end('goodbye');
  });
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] }, certificate });
  const client = await connectTls(gateway.tlsPort);
  client.send('GET / HTTP/1.1\r\nHost: gw.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
  await client.message();
  client.end('hello');
  await client.until('goodbye');
  assert.equal((await backend.connection(0)).rest, 'hello');
  await client.untilClosed();
  const [line] = await gateway.logged(1);
  assert.deepEqual([line?.status, line?.['body_bytes_sent']], [101, 7]);
});

test('a client that closes its side during the handshake is let go at once', async (t) => {
  const gateway = await startEngine(t, { certificate });
  const client = await connectRaw(gateway.tlsPort);
  client.end('\x16\x03\x01');
  await client.untilEnded();
  assert.equal(gateway.counter('gatehouse_tls_handshake_failures_total'), 1);
  assert.equal(gateway.gauge('gatehouse_client_connections'), 0);
  client.socket.destroy();
});

test('a connection over TLS beyond the limit is refused and counted', async (t) => {
  const gateway = await startEngine(t, { certificate, limits: { connectionsPerWorker: 1 } });
  const first = await connectTls(gateway.tlsPort);
  await assert.rejects(connectTls(gateway.tlsPort));
  assert.equal(gateway.counter('gatehouse_client_connections_refused_total'), 1);
  assert.equal(gateway.counter('gatehouse_tls_handshake_failures_total'), 0);
  first.end();
});
