import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { after, test } from 'node:test';
import { assertNothingOpen } from './testing/nothingOpen.ts';
import { startRawBackend } from './testing/rawBackend.ts';
import { startEngine } from './testing/startEngine.ts';

after(assertNothingOpen);

const CHUNK_BYTES = 256 * 1024;
const TOTAL_BYTES = 800 * CHUNK_BYTES;
/** What the kernel's buffers of two loopback connections may take beside the proxy's own: far less than the whole. */
const MOST_TAKEN_BYTES = TOTAL_BYTES / 4;

/** Writes TOTAL_BYTES as the socket takes them. */
function pour(socket: Socket): { readonly sent: () => number; readonly digest: () => string } {
  const hash = createHash('sha1');
  let sent = 0;
  const push = (): void => {
    while (sent < TOTAL_BYTES && !socket.destroyed) {
      const chunk = Buffer.alloc(CHUNK_BYTES, String(sent / CHUNK_BYTES));
      hash.update(chunk);
      sent += chunk.length;
      if (!socket.write(chunk)) return;
    }
  };
  socket.on('drain', push);
  push();
  return { sent: () => sent, digest: () => hash.copy().digest('hex') };
}

/** Resolves once `sent` stands still. */
async function untilStalled(sent: () => number): Promise<void> {
  for (let before = -1; before !== sent(); ) {
    before = sent();
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

/** Hashes what follows the head on a socket nobody has read from; resolves after TOTAL_BYTES. */
function drain(socket: Socket, received = ''): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const hash = createHash('sha1');
  let head = received;
  let bytes = -1;
  const take = (octets: Buffer): void => {
    hash.update(octets);
    bytes += octets.length;
    if (bytes === TOTAL_BYTES) resolve(hash.digest('hex'));
  };
  socket.removeAllListeners('data');
  socket.on('data', (octets: Buffer) => {
    if (bytes >= 0) return take(octets);
    head += octets.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    bytes = 0;
    take(Buffer.from(head.slice(end + 4), 'latin1'));
  });
  socket.resume();
  return promise;
}

for (const version of ['1.1', '1.0']) {
  test(`a large response to an HTTP/${version} client that reads nothing is held back at the backend, and arrives intact`, async (t) => {
    const poured = Promise.withResolvers<ReturnType<typeof pour>>();
    const backend = await startRawBackend(async (peer) => {
      await peer.message();
      peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${TOTAL_BYTES}\r\n\r\n`);
      poured.resolve(pour(peer.socket));
    });
    t.after(() => backend.close());
    const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
    const client = await gateway.connect();
    client.socket.pause();
    client.send(`GET / HTTP/${version}\r\nHost: gw.test\r\n\r\n`);
    const source = await poured.promise;
    await untilStalled(source.sent);
    assert.ok(source.sent() < MOST_TAKEN_BYTES, `${source.sent()} octets were taken for a client that reads none`);
    assert.equal(await drain(client.socket), source.digest());
    const [line] = await gateway.logged(1);
    assert.equal(line?.['body_bytes_sent'], TOTAL_BYTES);
  });
}

test('a large request to a backend that reads nothing is held back at the client, and arrives intact', async (t) => {
  const backend = await startRawBackend((peer) => void peer.socket.pause());
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const client = await gateway.connect();
  client.send(`PUT / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: ${TOTAL_BYTES}\r\n\r\n`);
  const source = pour(client.socket);
  const peer = await backend.connection(0);
  await untilStalled(source.sent);
  assert.ok(source.sent() < MOST_TAKEN_BYTES, `${source.sent()} octets were taken for a backend that reads none`);
  assert.equal(await drain(peer.socket, peer.received), source.digest());
  peer.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  assert.equal((await client.message()).body, 'ok');
  const [line] = await gateway.logged(1);
  assert.ok(Number(line?.['request_length']) > TOTAL_BYTES);
});
