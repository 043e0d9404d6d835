import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage, type RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { startBackend, type Backend } from './support/backend.ts';
import { startGatehouse, type Gatehouse } from './support/gatehouse.ts';
import { startLoad, type Load } from './support/load.ts';
import { ingress, service, settings } from './support/manifests.ts';
import { residentBytes, watchMemory } from './support/processState.ts';
import { send } from './support/send.ts';
import { connectTls } from './support/tlsServer.ts';

const TIMEOUT = { timeout: 90_000 };
const MIB = 1024 * 1024;
const WARM_BYTES = 64 * MIB;
const HUGE_BYTES = 2048 * MIB;
/** How much the resident memory of the proxy may grow while something is slow or huge. */
const FLAT_BYTES = 64 * MIB;
const BLOCK = Buffer.alloc(64 * 1024);

/** Gatehouse with short timeouts before a backend that answers by `listener`. */
async function startWorld(t: TestContext, listener: RequestListener): Promise<{ readonly gatehouse: Gatehouse; readonly backend: Backend }> {
  const backend = await startBackend('web', (request, response) => {
    if (request.url === '/healthy') response.end('healthy');
    else if (request.url === '/warm') request.on('end', () => zeros(WARM_BYTES).pipe(response)).resume();
    else listener(request, response);
  });
  const gatehouse = await startGatehouse({
    // One, so that what is measured has gone through the same heap as what warmed it up.
    workers: 1,
    args: ['--drain-timeout', '1s', '--configmap', 'default/settings'],
    manifests: [
      settings({ 'client-header-timeout': '2s', 'client-body-timeout': '1s', 'keep-alive-requests': '1000000' }),
      ...service('web', [backend]),
      ingress('web', 'web.test', [{ path: '/', service: 'web' }]),
    ],
  });
  t.after(async () => {
    await gatehouse.stop();
    await backend.close();
  });
  return { gatehouse, backend };
}

function healthyLoad(t: TestContext, gatehouse: Gatehouse): Load {
  return startLoad(t, { lanes: 4, restMs: 5, request: () => ({ port: gatehouse.http, host: 'web.test', path: '/healthy' }) });
}

/** Watches the proxy's memory once its worker has made its first garbage, and checks it at the end. */
async function flatMemory(t: TestContext, gatehouse: Gatehouse): Promise<{ check(): Promise<void> }> {
  const pid = await gatehouse.proxyPid();
  for (let warm = 0; warm < 100; warm += 1) await send({ port: gatehouse.http, host: 'web.test', path: '/healthy' });
  for (let round = 0; round < 2; round += 1) {
    await Promise.all(Array.from({ length: 4 }, async () => {
      const request = open(gatehouse, '/warm', { method: 'POST' });
      zeros(WARM_BYTES).pipe(request);
      await countBytes(await responseTo(request));
    }));
  }
  const memory = watchMemory(pid);
  return {
    async check() {
      const { firstBytes, mostBytes } = await memory.stop();
      const grownBytes = mostBytes - firstBytes;
      t.diagnostic(`resident memory of the proxy: ${mebibytes(firstBytes)} MiB, at most ${mebibytes(grownBytes)} MiB more`);
      assert.ok(grownBytes <= FLAT_BYTES, `grew by ${mebibytes(grownBytes)} MiB`);
    },
  };
}

function mebibytes(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}

async function connected(t: TestContext, port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  socket.on('error', () => socket.destroy());
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Everything up to the end of the connection. */
async function readAll(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += (chunk as Buffer).toString('latin1');
  return text;
}

async function writeSlowly(socket: Socket, text: string, everyMs: number): Promise<void> {
  for (const octet of text) {
    if (socket.destroyed) return;
    socket.write(octet);
    await sleep(everyMs);
  }
}

/** A body of zeros, made as fast as it is taken. `onBlock` is told of each block. */
function zeros(bytes: number, onBlock: (bytes: number) => void = () => {}): Readable {
  function* blocks(): Generator<Buffer> {
    for (let made = 0; made < bytes; made += BLOCK.length) {
      onBlock(BLOCK.length);
      yield BLOCK;
    }
  }
  return Readable.from(blocks());
}

async function countBytes(stream: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) bytes += (chunk as Buffer).length;
  return bytes;
}

function open(gatehouse: Gatehouse, path: string, options: { readonly method?: string; readonly headers?: Record<string, string> } = {}): ClientRequest {
  const headers = { host: 'web.test', ...options.headers };
  return httpRequest({ host: '127.0.0.1', port: gatehouse.http, path, method: options.method ?? 'GET', headers, agent: false });
}

async function responseTo(request: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

test('a client that sends octet by octet is served as long as it keeps to the timeouts', TIMEOUT, async (t) => {
  const { gatehouse } = await startWorld(t, (request, response) => void request.pipe(response));
  const socket = await connected(t, gatehouse.http);
  const answer = readAll(socket);
  await writeSlowly(socket, 'POST / HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\nContent-Length: 20\r\n\r\n', 10);
  // Longer than the header timeout and the body timeout: what counts for a body is the time between two reads.
  await writeSlowly(socket, 'x'.repeat(20), 150);
  const [head = '', body = ''] = (await answer).split(/\r\n\r\n([^]*)/);
  assert.match(head, /^HTTP\/1\.1 200 /);
  // In as many chunks as the backend has made of it.
  assert.equal(body.match(/x/g)?.length, 20);
});

test('a head or a body that does not arrive in time is answered with 408', TIMEOUT, async (t) => {
  const { gatehouse } = await startWorld(t, (request, response) => void request.pipe(response));
  const head = await connected(t, gatehouse.http);
  const headAnswer = readAll(head);
  const headStartedMs = performance.now();
  // Octets keep coming, but the whole head has the time of one.
  void writeSlowly(head, `GET / HTTP/1.1\r\nHost: web.test\r\nX-Slow: ${'x'.repeat(1000)}`, 100);
  const body = await connected(t, gatehouse.http);
  const bodyAnswer = readAll(body);
  body.write('POST /never HTTP/1.1\r\nHost: web.test\r\nContent-Length: 20\r\n\r\n');
  assert.match(await bodyAnswer, /^HTTP\/1\.1 408 [^]*Connection: close/i);
  assert.match(await headAnswer, /^HTTP\/1\.1 408 [^]*Connection: close/i);
  t.diagnostic(`408 to a head after ${((performance.now() - headStartedMs) / 1000).toFixed(1)} s with a header timeout of 2 s`);
});

test('a client that reads octet by octet costs no memory, disturbs nobody and gets everything', TIMEOUT, async (t) => {
  const size = 256 * MIB;
  const { gatehouse } = await startWorld(t, (_request, response) => {
    response.writeHead(200, { 'content-length': size });
    zeros(size).pipe(response);
  });
  const memory = await flatMemory(t, gatehouse);
  const load = healthyLoad(t, gatehouse);
  const request = open(gatehouse, '/large');
  request.end();
  const response = await responseTo(request);
  let bytes = 0;
  for (; bytes < 200; bytes += 1) {
    if (response.read(1) === null) await once(response, 'readable');
    await sleep(10);
  }
  await memory.check();
  bytes = 0;
  response.on('readable', () => {
    for (let chunk = response.read() as Buffer | null; chunk !== null; chunk = response.read() as Buffer | null) bytes += chunk.length;
  });
  await once(response, 'end');
  assert.ok(bytes > size - 1000 && bytes <= size);
  assert.deepEqual((await load.stop()).failures, []);
});

test('a client that never reads holds the backend back instead of filling memory', TIMEOUT, async (t) => {
  let produced = 0;
  const { gatehouse } = await startWorld(t, (_request, response) => {
    zeros(Infinity, (bytes) => (produced += bytes)).pipe(response);
  });
  const memory = await flatMemory(t, gatehouse);
  const load = healthyLoad(t, gatehouse);
  const plain = await Promise.all(Array.from({ length: 10 }, () => connected(t, gatehouse.http)));
  const encrypted = await Promise.all(Array.from({ length: 10 }, () => connectTls(t, gatehouse.https)));
  const stuck = [...plain, ...encrypted];
  for (const socket of stuck) {
    socket.pause();
    socket.write('GET /endless HTTP/1.1\r\nHost: web.test\r\n\r\n');
  }
  await load.answers(1000);
  await memory.check();
  // What the kernel's buffers of two connections hold, and what may wait in user space.
  t.diagnostic(`backend produced ${mebibytes(produced / stuck.length)} MiB for each of ${stuck.length} clients that do not read`);
  assert.ok(produced / stuck.length < 32 * MIB);
  for (const socket of stuck) socket.destroy();
  assert.deepEqual((await load.stop()).failures, []);
});

test('a backend that sends its answer octet by octet is relayed as it comes', TIMEOUT, async (t) => {
  const { gatehouse } = await startWorld(t, (request, response) => {
    // As raw octets: node would send the head in one piece.
    const socket = request.socket;
    response.detachSocket(socket);
    void writeSlowly(socket, 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\n' + 'y'.repeat(50), 10);
  });
  const { status, body } = await send({ port: gatehouse.http, host: 'web.test' });
  assert.deepEqual({ status, body }, { status: 200, body: 'y'.repeat(50) });
});

test('a backend that reads slowly holds the client back instead of filling memory', TIMEOUT, async (t) => {
  let [received, hurry] = [0, false];
  const { gatehouse } = await startWorld(t, (request, response) => {
    void (async () => {
      for await (const chunk of request) {
        received += (chunk as Buffer).length;
        if (!hurry) await sleep(20);
      }
      response.end(String(received));
    })();
  });
  const memory = await flatMemory(t, gatehouse);
  const load = healthyLoad(t, gatehouse);
  const size = 256 * MIB;
  const request = open(gatehouse, '/slow', { method: 'PUT', headers: { 'content-length': String(size) } });
  zeros(size).pipe(request);
  await load.answers(1000);
  await memory.check();
  assert.ok(received < size, 'still uploading');
  hurry = true;
  const response = await responseTo(request);
  assert.equal(String((await response.toArray()).join('')), String(size));
  assert.deepEqual((await load.stop()).failures, []);
});

test('2 GiB go up and 2 GiB come down with flat memory', TIMEOUT, async (t) => {
  const { gatehouse } = await startWorld(t, (request, response) => {
    if (request.method === 'GET') return void zeros(HUGE_BYTES).pipe(response);
    return void countBytes(request).then((bytes) => response.end(String(bytes)));
  });
  const memory = await flatMemory(t, gatehouse);
  const load = healthyLoad(t, gatehouse);
  const startedMs = performance.now();
  const upload = open(gatehouse, '/huge', { method: 'POST', headers: { 'transfer-encoding': 'chunked' } });
  zeros(HUGE_BYTES).pipe(upload);
  assert.equal((await (await responseTo(upload)).toArray()).join(''), String(HUGE_BYTES));
  const uploadedMs = performance.now();
  const download = open(gatehouse, '/huge');
  download.end();
  assert.equal(await countBytes(await responseTo(download)), HUGE_BYTES);
  const downloadedMs = performance.now();
  t.diagnostic(
    `2 GiB up in ${((uploadedMs - startedMs) / 1000).toFixed(1)} s, down in ${((downloadedMs - uploadedMs) / 1000).toFixed(1)} s`,
  );
  await memory.check();
  assert.deepEqual((await load.stop()).failures, []);
});

test('2,000 connections with half a head each are answered with 408 while others are served', TIMEOUT, async (t) => {
  const { gatehouse } = await startWorld(t, (_request, response) => void response.end());
  const memory = await flatMemory(t, gatehouse);
  const load = healthyLoad(t, gatehouse);
  const attackers = await Promise.all(Array.from({ length: 2000 }, () => connected(t, gatehouse.http)));
  const answers = Promise.all(attackers.map(readAll));
  for (const socket of attackers) socket.write('GET / HTTP/1.1\r\nHost: web.test\r\nX-Half');
  await load.answers(100);
  const received = await answers;
  assert.equal(received.filter((text) => text.startsWith('HTTP/1.1 408 ')).length, 2000);
  await memory.check();
  const { answered, failures } = await load.stop();
  t.diagnostic(`${answered} healthy requests meanwhile`);
  assert.deepEqual(failures, []);
});

test('1,000 idle kept connections', TIMEOUT, async (t) => {
  const { gatehouse } = await startWorld(t, (_request, response) => void response.end('x'));
  for (let warm = 0; warm < 500; warm += 1) await send({ port: gatehouse.http, host: 'web.test' });
  const pid = await gatehouse.proxyPid();
  const before = await residentBytes(pid);
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 1000 });
  t.after(() => agent.destroy());
  const answers = await Promise.all(Array.from({ length: 1000 }, () => send({ port: gatehouse.http, host: 'web.test', agent })));
  assert.ok(answers.every(({ status }) => status === 200));
  const grownBytes = (await residentBytes(pid)) - before;
  t.diagnostic(`1,000 idle connections: ${mebibytes(grownBytes)} MiB, ${(grownBytes / 1000 / 1024).toFixed(1)} KiB each`);
  assert.ok(grownBytes <= FLAT_BYTES, `grew by ${mebibytes(grownBytes)} MiB`);
});
