import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { ClusterKey } from '../../core/ir/cluster.ts';
import { l4Key } from '../../core/ir/l4.ts';
import { LISTEN_BACKLOG, openListeningSockets } from '../../core/os/listeningSockets.ts';
import { systemClock } from '../../core/time/clock.ts';
import { TurnClock } from '../../core/time/turnClock.ts';
import { ClusterTable } from '../../proxy/balance/clusterTable.ts';
import { L4Engine } from '../../proxy/l4/l4Engine.ts';
import { Deadlines } from '../../proxy/limits/deadlines.ts';

/**
 * The TCP relay beside a plain Node relay (`socket.pipe` both ways): bulk in one connection, small messages back and forth in
 * many, new connections. Each relay has a thread of its own, so has the endpoint. Medians of alternating rounds; the share of
 * the plain relay is what counts. Run: `npm exec -- node bench/micro/tcpRelay.ts`.
 */
const ROUNDS = 5;
const BULK_BYTES = 1024 * 1024 * 1024;
const CHUNK = Buffer.alloc(256 * 1024, 'x');
const CONNECTIONS = 64;
const MESSAGE = Buffer.alloc(128, 'm');
const MESSAGES_EACH = 1_500;
const NEW_CONNECTIONS = 3_000;
const DIALERS = 32;

type Role = 'endpoint' | 'plain' | 'gatehouse';

async function serve(role: Role, endpointPort: number): Promise<number> {
  if (role === 'gatehouse') return serveGatehouse(endpointPort);
  const server = createServer({ allowHalfOpen: true, noDelay: true }, role === 'endpoint' ? answer : (socket) => pipe(socket, endpointPort));
  server.listen({ port: 0, host: '127.0.0.1', backlog: LISTEN_BACKLOG });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** First octet `b`: swallow all and answer with one octet at the end; else echo. */
function answer(socket: Socket): void {
  socket.on('error', () => {});
  socket.once('data', (first: Buffer) => {
    if (first[0] === 0x62) return void socket.on('data', () => {}).on('end', () => socket.end('.'));
    socket.write(first);
    socket.pipe(socket);
  });
}

function pipe(client: Socket, port: number): void {
  const endpoint = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  client.on('error', () => endpoint.destroy());
  endpoint.on('error', () => client.destroy());
  client.pipe(endpoint).pipe(client);
}

async function serveGatehouse(endpointPort: number): Promise<number> {
  const clock = new TurnClock(systemClock);
  const deadlines = new Deadlines(clock);
  deadlines.start(200);
  const clusters = new ClusterTable({ clock, random: Math.random });
  const key = 'default/main:80' as ClusterKey;
  const endpoints = [{ host: '127.0.0.1', port: endpointPort, weight: 1, state: 'ready' as const }];
  const names = { name: 'default-main-80', namespace: 'default', service: 'main', port: '80' };
  clusters.apply({ upsert: [[key, { key, ...names, endpoints, unavailable: null, balance: { type: 'roundRobin' }, affinity: null }]], remove: [] });
  const observer = { opened() {}, finished() {}, refused() {}, datagramDropped() {}, endpointEjected() {} };
  const onFault = (fault: unknown): void => console.error(fault);
  const engine = new L4Engine({ clock, deadlines, clusters, random: Math.random, observer, onFault });
  const { port, descriptors } = openListeningSockets({ address: '127.0.0.1', port: 0, count: 1, backlog: LISTEN_BACKLOG });
  const listener = l4Key('tcp', '127.0.0.1', port);
  const route = {
    owner: { kind: 'Service', namespace: 'default', name: 'main' },
    field: 'spec.ports[0]',
    targets: [{ cluster: key, weight: 1 }],
    sourceRanges: null,
    affinityTimeoutMs: null,
    acceptProxyProtocol: null,
    sendProxyProtocol: null,
    connectTimeoutMs: 5_000,
    idleTimeoutMs: 600_000,
    maxConnections: 100_000,
  };
  const entry = { key: listener, protocol: 'tcp', address: '127.0.0.1', port, route } as const;
  engine.apply({ upsert: [[listener, entry]], remove: [] }, { upsert: [], remove: [] });
  await engine.listen({ protocol: 'tcp', address: '127.0.0.1', port, descriptor: descriptors[0] ?? -1 });
  return port;
}

/** MiB per second through one connection. */
async function bulk(port: number): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  const start = performance.now();
  socket.write('b');
  for (let sent = 0; sent < BULK_BYTES; sent += CHUNK.length) if (!socket.write(CHUNK)) await once(socket, 'drain');
  socket.end();
  socket.resume();
  await once(socket, 'close');
  return BULK_BYTES / 1_048_576 / ((performance.now() - start) / 1000);
}

/** Messages back and forth per second over several connections. */
async function small(port: number): Promise<number> {
  const start = performance.now();
  await Promise.all(Array.from({ length: CONNECTIONS }, () => converse(port)));
  return (CONNECTIONS * MESSAGES_EACH) / ((performance.now() - start) / 1000);
}

async function converse(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let bytes = 0;
  socket.on('connect', () => socket.write(MESSAGE));
  socket.on('data', (data: Buffer) => {
    bytes += data.length;
    if (bytes === MESSAGES_EACH * MESSAGE.length) socket.end();
    else if (bytes % MESSAGE.length === 0) socket.write(MESSAGE);
  });
  await once(socket, 'close');
}

/** Connections per second, each with one message back and forth. */
async function fresh(port: number): Promise<number> {
  const start = performance.now();
  let left = NEW_CONNECTIONS;
  const dialer = async (): Promise<void> => {
    while (left-- > 0) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.on('connect', () => socket.write(MESSAGE)).on('data', () => socket.end());
      await once(socket, 'close');
    }
  };
  await Promise.all(Array.from({ length: DIALERS }, dialer));
  return NEW_CONNECTIONS / ((performance.now() - start) / 1000);
}

async function startThread(role: Role, endpointPort: number): Promise<number> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { role, endpointPort } });
  worker.unref();
  const [port] = (await once(worker, 'message')) as [number];
  return port;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function main(): Promise<void> {
  const endpoint = await startThread('endpoint', 0);
  const relays = { plain: await startThread('plain', endpoint), gatehouse: await startThread('gatehouse', endpoint) };
  for (const [name, unit, measure] of [['bulk', 'MiB/s', bulk], ['small messages', 'per second', small], ['new connections', 'per second', fresh]] as const) {
    const plain: number[] = [];
    const gatehouse: number[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      const results = [await measure(relays.plain), await measure(relays.gatehouse)] as const;
      // The first round warms up.
      if (round === 0) continue;
      plain.push(results[0]);
      gatehouse.push(results[1]);
    }
    const [a, b] = [median(plain), median(gatehouse)];
    console.log(`${name.padEnd(16)} plain pipe ${a.toFixed(0)} ${unit}, gatehouse ${b.toFixed(0)} ${unit}, ${(b / a).toFixed(2)}x`);
  }
  process.exit();
}

if (isMainThread) await main();
else {
  const { role, endpointPort } = workerData as { role: Role; endpointPort: number };
  parentPort?.postMessage(await serve(role, endpointPort));
}
