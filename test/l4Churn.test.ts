import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { freePort } from '../bench/child.ts';
import { makeAuthority, makeLeaf, type Issued } from './support/certificates.ts';
import { askTcp, startTcpEcho, startUdpEcho } from './support/echo.ts';
import type { Gatehouse } from './support/gatehouse.ts';
import { echoClient, startEchoServer } from './support/grpc.ts';
import { codeOf } from './support/load.ts';
import { loadBalancer, testRange } from './support/loadBalancer.ts';
import { ingress, nginx, service, settings, tlsSecret, type BackendAddress, type Manifest } from './support/manifests.ts';
import {
  startGrpcCalls, startGrpcStream, startHttp2Requests, startPassthrough, startTransfer, startUdpSession, type Traffic,
} from './support/openTraffic.ts';
import { send } from './support/send.ts';
import { backendFor, serve } from './support/serve.ts';

const ROUNDS = 15;
/** Fresh connections that must all see a change once it is said to be applied: enough to meet both workers. */
const PROBES = 4;
const HOST = 'tls.test';
const authority = makeAuthority();
const leaves = [makeLeaf(authority, HOST), makeLeaf(authority, HOST)] as const;
const PASSED_HOST = 'passed.test';
const passedLeaf = makeLeaf(authority, PASSED_HOST);
const { prefix, pool } = testRange();
/** Of the Services `stable`, `split` (with a canary), `comes` and `moves`, which asks for one of two addresses in turn. */
const [STABLE, SPLIT, COMES, ...MOVES] = [`${prefix}.1`, `${prefix}.2`, `${prefix}.3`, `${prefix}.4`, `${prefix}.5`] as const;

type Pair = readonly [BackendAddress, BackendAddress];

/** Two backends of each kind, of which one is taken out at a time: those named `zero` and `one.`, where they have names. */
interface Backends {
  readonly web: Pair;
  readonly grpc: Pair;
  readonly tls: Pair;
  readonly tcp: Pair;
  readonly udp: Pair;
}

interface World extends Backends {
  readonly gatehouse: Gatehouse;
  /** Of every Service on its address. */
  readonly port: number;
  /** Comes and goes at the address of `stable`. */
  readonly extraPort: number;
}

const NAMES = ['zero', 'one.'] as const;

async function pairOf(start: (name: string) => Promise<{ readonly port: number }>): Promise<Pair> {
  const [zero, one] = await Promise.all([start(NAMES[0]), start(NAMES[1])]);
  return [{ address: '127.0.0.1', port: zero.port }, { address: '127.0.0.1', port: one.port }];
}

async function startTlsEcho(t: TestContext): Promise<{ readonly port: number }> {
  const server = createTlsServer({ cert: passedLeaf.chainPem, key: passedLeaf.privateKeyPem }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port };
}

async function startWorld(t: TestContext): Promise<World> {
  const world = {
    web: await pairOf((name) => backendFor(t, name, (request, response) => void request.pipe(response))),
    grpc: await pairOf(() => startEchoServer(t)),
    tls: await pairOf(() => startTlsEcho(t)),
    tcp: await pairOf((name) => startTcpEcho(t, name)),
    udp: await pairOf((name) => startUdpEcho(t, name)),
    port: await freePort(),
    extraPort: await freePort(),
  };
  const tls = [{ hosts: [HOST], secretName: 'rotated' }];
  const gatehouse = await serve(t, [
    pool,
    settings({ 'keep-alive-requests': '1000000' }),
    ingress('web', HOST, [{ path: '/', service: 'web' }], { spec: { tls } }),
    ingress('grpc', HOST, [{ path: '/test.Echo', service: 'grpc' }], { annotations: nginx({ 'backend-protocol': 'GRPC', 'proxy-body-size': '0' }), spec: { tls } }),
    ingress('passed', PASSED_HOST, [{ path: '/', service: 'passed' }], { annotations: nginx({ 'ssl-passthrough': 'true' }) }),
  ], { args: ['--drain-timeout', '5s', '--configmap', 'default/settings'] });
  for (const kind of ['web', 'grpc', 'passed'] as const) await gatehouse.write(`${kind}.yaml`, service(kind, world[kind === 'passed' ? 'tls' : kind]));
  await gatehouse.write('certificate.yaml', [rotated(leaves[1])]);
  await gatehouse.write('stable.yaml', stable(world, [0, 1]));
  await gatehouse.write('split.yaml', split(world, 0));
  return { ...world, gatehouse };
}

function rotated(leaf: Issued): Manifest {
  return tlsSecret('rotated', { certificate: leaf.chainPem, key: leaf.privateKeyPem });
}

/** A Service at a stated address whose port is TCP and UDP, with the named endpoints. */
function stable(world: Omit<World, 'gatehouse'>, endpoints: readonly (0 | 1)[], hasExtraPort = false): Manifest[] {
  const { port, extraPort, tcp, udp } = world;
  const behind = (pair: Pair): BackendAddress[] => endpoints.map((index) => pair[index]);
  return loadBalancer('stable', [
    { port, backends: behind(tcp) },
    { port, protocol: 'UDP', backends: behind(udp) },
    ...(hasExtraPort ? [{ port: extraPort, backends: behind(tcp) }, { port: extraPort, protocol: 'UDP' as const, backends: behind(udp) }] : []),
  ], { spec: { loadBalancerIP: STABLE } });
}

/** `zero`, with `one.` as its canary. */
function split({ port, tcp }: Omit<World, 'gatehouse'>, weight: number): Manifest[] {
  const annotations = { 'gatehouse.dev/canary-of': 'split', 'gatehouse.dev/canary-weight': String(weight) };
  return [
    ...loadBalancer('split', [{ port, backends: [tcp[0]] }], { spec: { loadBalancerIP: SPLIT } }),
    ...loadBalancer('split-next', [{ port, backends: [tcp[1]] }], { annotations, spec: { type: 'ClusterIP' } }),
  ];
}

/** One manifest change and what must be true on every new connection once it is applied. */
interface Change {
  readonly file: string;
  readonly objects: (round: number, world: World) => readonly Manifest[];
  /** How many generations it makes; default 1. */
  readonly generations?: (round: number) => number;
  readonly check: (round: number, world: World) => Promise<void>;
}

/** The endpoint that stays in a round; a later change of the same round brings the other one back. */
const staying = (round: number): 0 | 1 => (round % 2 === 0 ? 0 : 1);

const CHANGES: readonly Change[] = [
  {
    file: 'hosts.yaml',
    objects: (round) => [ingress('hosts', `round-${round}.test`, [{ path: '/', service: 'web' }])],
    check: (round, world) => answersHttp(world, `round-${round}.test`, '/', 200),
  },
  {
    file: 'paths.yaml',
    objects: (round) => [ingress('paths', 'paths.test', [{ path: `/v${round}`, service: 'web' }])],
    check: (round, world) => answersHttp(world, 'paths.test', `/v${round - 1}`, 404),
  },
  {
    file: 'certificate.yaml',
    objects: (round) => [rotated(leaves[staying(round)])],
    check: async (round, { gatehouse }) => {
      const expected = new X509Certificate(leaves[staying(round)].certificatePem).fingerprint256;
      for (let probe = 0; probe < PROBES; probe += 1) assert.equal(await servedFingerprint(gatehouse.https), expected);
    },
  },
  ...(['web', 'grpc', 'passed'] as const).flatMap((kind): Change[] => {
    const pair = (world: World): Pair => world[kind === 'passed' ? 'tls' : kind];
    return [
      { file: `${kind}.yaml`, objects: (round, world) => service(kind, [pair(world)[staying(round)]]), check: async () => {} },
      { file: `${kind}.yaml`, objects: (_round, world) => service(kind, pair(world)), check: async () => {} },
    ];
  }),
  {
    file: 'stable.yaml',
    objects: (round, world) => stable(world, [staying(round)]),
    check: async (round, world) => {
      for (let probe = 0; probe < PROBES; probe += 1) assert.equal(await reaches(STABLE, world.port), NAMES[staying(round)]);
    },
  },
  {
    file: 'stable.yaml',
    objects: (_round, world) => stable(world, [0, 1], true),
    check: (_round, world) => reaches(STABLE, world.extraPort).then(() => {}),
  },
  { file: 'stable.yaml', objects: (_round, world) => stable(world, [0, 1]), check: (_round, world) => refuses(STABLE, world.extraPort) },
  {
    file: 'split.yaml',
    objects: (_round, world) => split(world, 100),
    check: async (_round, { port }) => {
      for (let probe = 0; probe < PROBES; probe += 1) assert.equal(await reaches(SPLIT, port), NAMES[1]);
    },
  },
  {
    file: 'split.yaml',
    objects: (_round, world) => split(world, 0),
    check: async (_round, { port }) => {
      for (let probe = 0; probe < PROBES; probe += 1) assert.equal(await reaches(SPLIT, port), NAMES[0]);
    },
  },
  {
    file: 'moves.yaml',
    objects: (round, { port, tcp }) => loadBalancer('moves', [{ port, backends: tcp }], { spec: { loadBalancerIP: MOVES[staying(round)] ?? '' } }),
    // One with both addresses, until nobody listens at the old one, and one without.
    generations: (round) => (round === 0 ? 1 : 2),
    check: async (round, { port }) => {
      await reaches(MOVES[staying(round)] ?? '', port);
      await refuses(MOVES[staying(round + 1)] ?? '', port);
    },
  },
];

async function answersHttp({ gatehouse }: World, host: string, path: string, status: number): Promise<void> {
  for (let probe = 0; probe < PROBES; probe += 1) assert.equal((await send({ port: gatehouse.http, host, path })).status, status, `${host}${path}`);
}

async function servedFingerprint(port: number): Promise<string | undefined> {
  const socket = connectTls({ host: '127.0.0.1', port, servername: HOST, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const fingerprint = socket.getPeerX509Certificate()?.fingerprint256;
  socket.destroy();
  return fingerprint;
}

/** The name of the backend that a new connection reaches. */
async function reaches(address: string, port: number): Promise<string> {
  return (await askTcp(address, port, 'x')).toString().split(':', 1)[0] ?? '';
}

/** Resolves once nobody listens there: what a port is for stays until it is closed, and a connection that comes in between is reset. */
async function refuses(address: string, port: number): Promise<void> {
  for (;;) {
    const code = await reaches(address, port).then(() => 'served', codeOf);
    if (code === 'ECONNREFUSED') return;
    assert.ok(code === 'ECONNRESET' || code === 'served', `${address}:${port}: ${code}`);
    await sleep(5);
  }
}

/** Waits until so many generations, or more, are served; a later change must not take a late one for its own. */
async function settled({ gatehouse }: World, least: number): Promise<number> {
  for (;;) {
    const { generation, appliedGeneration } = (await gatehouse.api('/api/v1/status')) as Generations;
    if (generation >= least && appliedGeneration >= generation) return generation;
    await sleep(5);
  }
}

interface Generations {
  readonly generation: number;
  readonly appliedGeneration: number;
}

/** A Service comes, gets a connection, and goes: the connection does not. Two changes. */
async function comeAndGo({ gatehouse, port, tcp, udp }: World): Promise<Socket> {
  const ports = [{ port, backends: tcp }, { port, protocol: 'UDP' as const, backends: udp }];
  await gatehouse.write('comes.yaml', loadBalancer('comes', ports, { spec: { loadBalancerIP: COMES } }));
  const socket = connect(port, COMES);
  await once(socket, 'data');
  await gatehouse.remove('comes.yaml');
  await refuses(COMES, port);
  return socket;
}

async function startTraffic(t: TestContext, world: World): Promise<readonly Traffic[]> {
  const { gatehouse, port } = world;
  const clients = Array.from({ length: 2 }, () => echoClient(t, gatehouse.https, { host: HOST, authorityPem: authority.certificatePem }));
  const passed = { port: gatehouse.https, host: PASSED_HOST, authorityPem: authority.certificatePem };
  const opened = await Promise.all([
    ...Array.from({ length: 2 }, () => startHttp2Requests(t, { port: gatehouse.https, host: HOST })),
    ...[STABLE, STABLE, SPLIT, SPLIT].map((address) => startTransfer(t, address, port)),
    ...Array.from({ length: 2 }, () => startPassthrough(t, passed)),
    ...Array.from({ length: 16 }, (_, client) => startUdpSession(t, STABLE, port, `127.1.0.${client + 1}`)),
  ]);
  return [...opened, ...clients.flatMap((client) => [startGrpcStream(t, client), startGrpcStream(t, client), startGrpcCalls(t, client)])];
}

/** How much of each kind went through, and what it sums up to. */
function describe(traffic: readonly Traffic[]): string {
  const kinds = Map.groupBy(traffic, ({ kind }) => kind);
  return [...kinds].map(([kind, all]) => `${all.reduce((sum, { turns }) => sum + turns(), 0)} ${kind}`).join(', ');
}

test('manifest changes cost no octet and no connection of gRPC, HTTP/2, TCP, TLS passthrough and UDP', { timeout: 180_000 }, async (t) => {
  const world = await startWorld(t);
  const traffic = await startTraffic(t, world);
  const left: Socket[] = [];
  t.after(() => { for (const socket of left) socket.destroy(); });
  const before = await settled(world, 0);
  const startedMs = performance.now();
  let [changes, generation] = [0, before];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { file, objects, check, generations } of CHANGES) {
      await world.gatehouse.write(file, objects(round, world));
      await check(round, world);
      generation = await settled(world, generation + (generations?.(round) ?? 1));
    }
    left.push(await comeAndGo(world));
    generation = await settled(world, generation + 2);
    changes += CHANGES.length + 2;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const said = describe(traffic);
  const failures = (await Promise.all(traffic.map((each) => each.finish()))).flat();
  const echoedBytes = traffic.reduce((sum, each) => sum + each.echoedBytes(), 0);
  t.diagnostic(`${changes} changes, ${generation - before} generations, in ${seconds.toFixed(1)} s; ${said}; ${(echoedBytes / 1e6).toFixed(0)} MB came back`);
  assert.deepEqual(failures, []);
  assert.ok(traffic.every(({ turns }) => turns() > ROUNDS), 'everything ran throughout');
  for (const socket of left) {
    const answer = once(socket, 'data');
    socket.write('still here');
    assert.equal(String((await answer)[0]), 'still here');
  }
});
