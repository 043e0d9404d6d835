import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { suite, test, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer, type RawData } from 'ws';
import { makeAuthority, makeLeaf } from '../support/certificates.ts';
import type { Gatehouse } from '../support/gatehouse.ts';
import { ingress, service, tlsSecret } from '../support/manifests.ts';
import { send } from '../support/send.ts';
import { backendFor, serve } from '../support/serve.ts';

const authority = makeAuthority();
const MEGABYTE = 1024 * 1024;
const CLIENTS = 50;

/** A backend that echoes WebSocket messages, closes when told to, and refuses upgrades of /refused. */
async function echoServer(t: TestContext): Promise<Gatehouse> {
  const backend = await backendFor(t, 'echo');
  const server = new WebSocketServer({ server: backend.server, verifyClient: ({ req }: { req: IncomingMessage }) => req.url !== '/refused' });
  server.on('connection', (socket) => {
    socket.on('error', () => socket.terminate());
    socket.on('message', (data: RawData, isBinary) => {
      const message = bytesOf(data);
      const [, code, reason] = /^close (\d+) (.*)$/.exec(message.subarray(0, 50).toString()) ?? [];
      if (code !== undefined) socket.close(Number(code), reason);
      else socket.send(message, { binary: isBinary });
    });
  });
  t.after(() => {
    for (const socket of server.clients) socket.terminate();
  });
  const leaf = makeLeaf(authority, 'ws.test');
  return serve(t, [
    ingress('echo', 'ws.test', [{ path: '/', service: 'echo' }], { spec: { tls: [{ hosts: ['ws.test'], secretName: 'ws' }] } }),
    tlsSecret('ws', { certificate: leaf.chainPem, key: leaf.privateKeyPem }),
    ...service('echo', [backend]),
  ]);
}

async function open(t: TestContext, gatehouse: Gatehouse, scheme: 'ws' | 'wss'): Promise<WebSocket> {
  const port = scheme === 'ws' ? gatehouse.http : gatehouse.https;
  // TLS options pass through to node:tls, which the types of ws do not say.
  const options = { headers: { host: 'ws.test' }, servername: 'ws.test', ca: authority.certificatePem };
  const socket = new WebSocket(`${scheme}://127.0.0.1:${port}/`, options);
  t.after(() => socket.terminate());
  await once(socket, 'open');
  return socket;
}

async function echoed(socket: WebSocket, message: string | Buffer): Promise<{ readonly data: Buffer; readonly isBinary: boolean }> {
  socket.send(message);
  const [data, isBinary] = (await once(socket, 'message')) as [RawData, boolean];
  return { data: bytesOf(data), isBinary };
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

suite('WebSocket clients', () => {
  test('through a whole Gatehouse', async (t: TestContext) => {
    const gatehouse = await echoServer(t);

    for (const scheme of ['ws', 'wss'] as const) {
      await t.test(`${scheme}: text, binary and a message of 1 MiB come back as they were sent`, async () => {
        const socket = await open(t, gatehouse, scheme);
        const text = await echoed(socket, 'grüß dich');
        assert.equal(text.data.toString(), 'grüß dich');
        assert.equal(text.isBinary, false);
        for (const bytes of [randomBytes(1), randomBytes(70_000), randomBytes(MEGABYTE)]) {
          const binary = await echoed(socket, bytes);
          assert.ok(binary.data.equals(bytes));
          assert.equal(binary.isBinary, true);
        }
      });
      await t.test(`${scheme}: a ping is answered by the backend's pong`, async () => {
        const socket = await open(t, gatehouse, scheme);
        socket.ping('are you there');
        const [data] = (await once(socket, 'pong')) as [Buffer];
        assert.equal(data.toString(), 'are you there');
      });
      await t.test(`${scheme}: close codes and reasons travel both ways`, async () => {
        for (const code of [1000, 1001, 3000, 4999]) {
          const socket = await open(t, gatehouse, scheme);
          socket.send(`close ${code} because ${code}`);
          const [received, reason] = (await once(socket, 'close')) as [number, Buffer];
          assert.equal(received, code);
          assert.equal(reason.toString(), `because ${code}`);
        }
        const socket = await open(t, gatehouse, scheme);
        socket.close(4000, 'bye');
        const [received] = (await once(socket, 'close')) as [number];
        assert.equal(received, 4000);
      });
    }
    await t.test(`${CLIENTS} clients at a time each get their own messages back`, async () => {
      await Promise.all(
        Array.from({ length: CLIENTS }, async (_, index) => {
          const socket = await open(t, gatehouse, index % 2 === 0 ? 'ws' : 'wss');
          for (let turn = 0; turn < 10; turn += 1) {
            const message = `${index} ${turn} ${'x'.repeat(index * 100)}`;
            assert.equal((await echoed(socket, message)).data.toString(), message);
          }
          socket.close(1000);
          await once(socket, 'close');
        }),
      );
    });
    await t.test('an upgrade that the backend refuses is answered by its refusal', async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${gatehouse.http}/refused`, { headers: { host: 'ws.test' } });
      const [error] = (await once(socket, 'error')) as [Error];
      assert.match(error.message, /Unexpected server response: 401/);
    });
    await t.test('ordinary requests of the same host go on beside the tunnels', async () => {
      const socket = await open(t, gatehouse, 'ws');
      assert.equal((await send({ port: gatehouse.http, host: 'ws.test' })).status, 200);
      assert.equal((await echoed(socket, 'still here')).data.toString(), 'still here');
    });
  });
});
