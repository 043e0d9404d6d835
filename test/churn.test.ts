import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { test, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { startBackend, type Backend } from './support/backend.ts';
import { makeLeaf, type Issued } from './support/certificates.ts';
import { startGatehouse, type Gatehouse } from './support/gatehouse.ts';
import { startLoad, type Load } from './support/load.ts';
import { ingress, nginx, service, settings, tlsSecret, type Manifest } from './support/manifests.ts';
import { send } from './support/send.ts';

const ROUNDS = 30;
/** Fresh connections that must all see a change once it is said to be applied: enough to meet both workers. */
const PROBES = 4;
const BLOCK = Buffer.alloc(64 * 1024, 'gatehouse');
const BLOCKS = 6000;

interface World {
  readonly gatehouse: Gatehouse;
  readonly a: Backend;
  readonly b: Backend;
  /** The two backends of moving.test. */
  readonly moving: readonly [MovingBackend, MovingBackend];
  readonly certificates: readonly [Issued, Issued];
  /** Rises with every change that has been applied. */
  epoch: number;
}

/** A backend that is taken out and put back. Answers /held only when told to. */
interface MovingBackend extends Backend {
  /** Requests begun at or after this epoch must not arrive; Infinity: any may. */
  forbiddenFrom: number;
  readonly strays: readonly string[];
  readonly held: ServerResponse[];
}

async function startMovingBackend(name: string): Promise<MovingBackend> {
  const strays: string[] = [];
  const held: ServerResponse[] = [];
  const state = { forbiddenFrom: Infinity, strays, held };
  const backend = await startBackend(name, (request, response) => {
    const epoch = Number(request.headers['x-epoch']);
    if (epoch >= state.forbiddenFrom) strays.push(`${request.method} at epoch ${epoch}`);
    request.resume();
    if (request.url === '/held') held.push(response);
    else request.on('end', () => response.end(name));
  });
  return Object.assign(state, backend);
}

function startNamed(name: string): Promise<Backend> {
  return startBackend(name, (request, response) => {
    if (request.url === '/download') return void Readable.from(blocks()).pipe(response);
    // A body is sent back, so that the client can tell that it arrived whole.
    if (request.method === 'POST') return void request.pipe(response);
    request.resume();
    response.end(name);
  });
}

function* blocks(): Generator<Buffer> {
  for (let block = 0; block < BLOCKS; block += 1) yield BLOCK;
}

async function startWorld(t: TestContext): Promise<World> {
  const [a, b] = await Promise.all([startNamed('a'), startNamed('b')]);
  const moving = [await startMovingBackend('m0'), await startMovingBackend('m1')] as const;
  const certificates = [makeLeaf(null, 'tls.test'), makeLeaf(null, 'tls.test')] as const;
  const echo = new WebSocketServer({ server: a.server });
  echo.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  const gatehouse = await startGatehouse({
    args: ['--drain-timeout', '5s', '--configmap', 'default/settings'],
    manifests: [
      settings({ 'keep-alive-requests': '1000000' }),
      ...service('a', [a]),
      ...service('b', [b]),
      ingress('stable', 'stable.test', [{ path: '/', service: 'a' }]),
      ingress('tls', 'tls.test', [{ path: '/', service: 'a' }], { spec: { tls: [{ hosts: ['tls.test'], secretName: 'rotated' }] } }),
      ingress('moving', 'moving.test', [{ path: '/', service: 'moving' }]),
    ],
  });
  t.after(async () => {
    await gatehouse.stop();
    await Promise.all([a, b, ...moving].map((backend) => backend.close()));
  });
  const world = { gatehouse, a, b, moving, certificates, epoch: 0 };
  await gatehouse.write('moving.yaml', service('moving', moving));
  await gatehouse.write('certificate.yaml', [secretOf(certificates[0])]);
  return world;
}

function secretOf(leaf: Issued): Manifest {
  return tlsSecret('rotated', { certificate: leaf.chainPem, key: leaf.privateKeyPem });
}

/** One manifest change and what must be true on every connection once it is applied. */
interface Change {
  readonly file: string;
  readonly objects: (round: number, world: World) => readonly Manifest[];
  readonly check: (round: number, world: World) => Promise<void>;
}

function canary(weight: string): readonly Manifest[] {
  const annotations = nginx({ canary: 'true', 'canary-weight': weight });
  return [
    ingress('weights', 'weights.test', [{ path: '/', service: 'a' }]),
    ingress('weights-canary', 'weights.test', [{ path: '/', service: 'b' }], { annotations }),
  ];
}

const CHANGES: readonly Change[] = [
  {
    file: 'hosts.yaml',
    objects: (round) => [ingress('hosts', `round-${round}.test`, [{ path: '/', service: 'a' }])],
    check: async (round, world) => {
      await served(world, `round-${round}.test`, { status: 200, body: 'a' });
      await served(world, `round-${round - 1}.test`, { status: 404 });
    },
  },
  {
    file: 'paths.yaml',
    objects: (round) => [ingress('paths', 'paths.test', [{ path: '/', service: 'a' }, { path: `/v${round}`, service: 'b' }])],
    check: (round, world) => served(world, 'paths.test', { status: 200, body: 'b' }, `/v${round}`),
  },
  {
    file: 'paths.yaml',
    objects: () => [ingress('paths', 'paths.test', [{ path: '/', service: 'a' }])],
    check: (round, world) => served(world, 'paths.test', { status: 200, body: 'a' }, `/v${round}`),
  },
  {
    file: 'weights.yaml',
    objects: () => canary('100'),
    check: (_round, world) => served(world, 'weights.test', { status: 200, body: 'b' }),
  },
  {
    file: 'weights.yaml',
    objects: () => canary('0'),
    check: (_round, world) => served(world, 'weights.test', { status: 200, body: 'a' }),
  },
  {
    file: 'certificate.yaml',
    objects: (round, world) => [secretOf(world.certificates[(round + 1) % 2 === 0 ? 0 : 1])],
    check: async (round, world) => {
      const leaf = world.certificates[(round + 1) % 2 === 0 ? 0 : 1];
      const expected = new X509Certificate(leaf.certificatePem).fingerprint256;
      for (let probe = 0; probe < PROBES; probe += 1) assert.equal(await servedFingerprint(world.gatehouse.https), expected);
    },
  },
  {
    file: 'ingress.yaml',
    objects: (round) => (round % 2 === 0 ? [ingress('comes', 'comes.test', [{ path: '/', service: 'b' }])] : []),
    check: (round, world) => served(world, 'comes.test', round % 2 === 0 ? { status: 200, body: 'b' } : { status: 404 }),
  },
];

async function served(world: World, host: string, expected: { readonly status: number; readonly body?: string }, path = '/'): Promise<void> {
  for (let probe = 0; probe < PROBES; probe += 1) {
    const received = await send({ port: world.gatehouse.http, host, path });
    assert.equal(received.status, expected.status, `${host}${path}`);
    if (expected.body !== undefined) assert.equal(received.body, expected.body, `${host}${path}`);
  }
}

async function servedFingerprint(port: number): Promise<string | undefined> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'tls.test', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const fingerprint = socket.getPeerX509Certificate()?.fingerprint256;
  socket.destroy();
  return fingerprint;
}

/** Writes a change, waits until it is applied, and answers how long that took, ms. */
async function change(world: World, file: string, objects: readonly Manifest[]): Promise<number> {
  const startedMs = performance.now();
  if (objects.length === 0) await world.gatehouse.remove(file);
  else await world.gatehouse.write(file, objects);
  world.epoch += 1;
  return performance.now() - startedMs;
}

/** Takes out the endpoint on which a request is held, lets that request finish, puts the endpoint back. Two changes. */
async function moveEndpoints(world: World): Promise<readonly number[]> {
  const { gatehouse, moving } = world;
  const holding = send({ port: gatehouse.http, host: 'moving.test', path: '/held', headers: { 'x-epoch': String(world.epoch) } });
  let leaving = moving[0];
  while (leaving.held.length === 0) {
    leaving = leaving === moving[0] ? moving[1] : moving[0];
    await sleep(1);
  }
  const staying = leaving === moving[0] ? moving[1] : moving[0];
  const removedMs = await change(world, 'moving.yaml', service('moving', [staying]));
  leaving.forbiddenFrom = world.epoch;
  await served(world, 'moving.test', { status: 200, body: staying.name });
  leaving.held.pop()?.end('finished');
  assert.deepEqual(await holding.then(({ status, body }) => ({ status, body })), { status: 200, body: 'finished' });
  leaving.forbiddenFrom = Infinity;
  return [removedMs, await change(world, 'moving.yaml', service('moving', moving))];
}

/** Load on hosts that no change takes away, each a reason to fail the test when it does. */
function startLoads(t: TestContext, world: World): readonly Load[] {
  const { http, https } = world.gatehouse;
  const body = 'x'.repeat(20_000);
  const tls = { rejectUnauthorized: false };
  const epoch = (): { 'x-epoch': string } => ({ 'x-epoch': String(world.epoch) });
  const judgeEcho = ({ body: echoed }: { readonly body: string }): string | null => (echoed === body ? null : 'not the body that was sent');
  return [
    startLoad(t, { lanes: 3, restMs: 5, request: () => ({ port: http, host: 'stable.test' }) }),
    startLoad(t, { lanes: 2, restMs: 5, request: () => ({ port: http, host: 'stable.test', method: 'POST', body }), judge: judgeEcho }),
    startLoad(t, { lanes: 2, restMs: 5, request: () => ({ port: https, host: 'tls.test', tls }) }),
    startLoad(t, { lanes: 1, restMs: 5, request: () => ({ port: https, host: 'tls.test', method: 'POST', body, tls }), judge: judgeEcho }),
    startLoad(t, { lanes: 2, restMs: 5, request: () => ({ port: http, host: 'moving.test', headers: epoch() }) }),
    startLoad(t, { lanes: 1, restMs: 5, request: () => ({ port: http, host: 'moving.test', method: 'POST', body, headers: epoch() }) }),
  ];
}

/** A WebSocket on which each message waits for the echo of the one before. */
async function startChat(port: number): Promise<{ stop(): Promise<{ readonly echoed: number; readonly closes: number }> }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { host: 'stable.test' } });
  let [echoed, closes, stopped] = [0, 0, false];
  await once(socket, 'open');
  socket.on('close', () => (closes += stopped ? 0 : 1));
  socket.on('message', (data: Buffer) => {
    assert.equal(data.toString(), `message ${echoed}`);
    echoed += 1;
    if (!stopped) setTimeout(() => socket.send(`message ${echoed}`), 20);
  });
  socket.send('message 0');
  return {
    async stop() {
      stopped = true;
      socket.close();
      await once(socket, 'close');
      return { echoed, closes };
    },
  };
}

/** A download read at about 1.5 MB/s until told to hurry. */
async function startDownload(port: number): Promise<{ readonly bytes: () => number; finish(): Promise<string> }> {
  const request = httpRequest({ host: '127.0.0.1', port, path: '/download', headers: { host: 'stable.test' }, agent: false });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const hash = createHash('sha256');
  let [bytes, hurry] = [0, false];
  const read = async (): Promise<string> => {
    for await (const chunk of response) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (!hurry) await sleep(40);
    }
    return hash.digest('hex');
  };
  const whole = read();
  return {
    bytes: () => bytes,
    finish() {
      hurry = true;
      return whole;
    },
  };
}

function expectedHash(): string {
  const hash = createHash('sha256');
  for (const block of blocks()) hash.update(block);
  return hash.digest('hex');
}

test('300 manifest changes under load cost no request and no connection', { timeout: 180_000 }, async (t) => {
  const world = await startWorld(t);
  const { gatehouse } = world;
  const loads = startLoads(t, world);
  const chat = await startChat(gatehouse.http);
  const slow = await startDownload(gatehouse.http);
  await Promise.all(loads.map((load) => load.answers(10)));
  const before = (await gatehouse.api('/api/v1/status')) as { readonly generation: number };

  const startedMs = performance.now();
  const times: number[] = [];
  let changes = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { file, objects, check } of CHANGES) {
      times.push(await change(world, file, objects(round, world)));
      await check(round, world);
    }
    times.push(...(await moveEndpoints(world)));
    await gatehouse.writeText('unrelated.yaml', JSON.stringify(tlsSecret('unrelated', { certificate: `${round}`, key: `${round}` })));
    changes += CHANGES.length + 3;
  }
  const seconds = (performance.now() - startedMs) / 1000;

  const after = (await gatehouse.api('/api/v1/status')) as { readonly generation: number };
  const downloaded = slow.bytes();
  const outcomes = await Promise.all(loads.map((load) => load.stop()));
  const { echoed, closes } = await chat.stop();
  const requests = outcomes.reduce((sum, { answered }) => sum + answered, 0);
  times.sort((x, y) => x - y);
  t.diagnostic(
    `${changes} changes in ${seconds.toFixed(1)} s, applied by both workers after ${times[times.length >> 1]?.toFixed(0)} ms ` +
      `(median) and ${times.at(-1)?.toFixed(0)} ms (most); ${requests} requests, ${echoed} WebSocket echoes`,
  );

  assert.equal(changes, 300);
  assert.equal(after.generation - before.generation, changes - ROUNDS, 'unrelated Secrets change nothing, everything else does');
  assert.deepEqual(outcomes.flatMap(({ failures }) => failures), []);
  assert.equal(outcomes.reduce((sum, { closed }) => sum + closed, 0), 0, 'kept connections closed');
  assert.equal(closes, 0, 'WebSockets closed');
  assert.ok(echoed > ROUNDS);
  assert.ok(downloaded < BLOCKS * BLOCK.length, 'the download ran throughout');
  assert.equal(await slow.finish(), expectedHash());
  assert.deepEqual(world.moving.flatMap(({ strays }) => strays), [], 'requests to an endpoint that had been removed');
});
