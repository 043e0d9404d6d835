import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { NO_BGP_REPORT } from '../../announcer/bgp/bgpReport.ts';
import { NO_BGP } from '../../announcer/bgp/bgpWanted.ts';
import { l4Key } from '../../../core/ir/l4.ts';
import { silentLogger, type Logger } from '../../../core/log/logger.ts';
import type { ForwardedPort } from '../../announcer/wanted.ts';
import { decodeObject } from '../../decode/decodeObject.ts';
import { ObjectStore } from '../../model/store.ts';
import type { Companion, SeenState } from '../gatehouse.ts';
import { healthCheckCompanion } from './healthCheckPorts.ts';
import { answerHealthCheck, openHealthCheckServer } from './healthCheckServer.ts';

const KEY = l4Key('tcp', '192.0.2.1', 80);
const FORWARDED: ForwardedPort = { key: KEY, protocol: 'tcp', address: '192.0.2.1', port: 80, to: { type: 'proxy' }, sourceRanges: null };

/** A state with one Service whose endpoints on node-a are `local`, at this health check node port; null: none. */
function seen(port: number | null, local: number, more: Partial<SeenState> = {}): SeenState {
  const store = new ObjectStore();
  const endpoints = Array.from({ length: local }, (_, index) => ({ addresses: [`10.0.0.${index + 1}`], nodeName: 'node-a' }));
  const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ port: 80 }], ...(port === null ? {} : { healthCheckNodePort: port }) };
  const slice = { addressType: 'IPv4', ports: [{ name: '', port: 8080, protocol: 'TCP' }], endpoints };
  for (const raw of [
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'shop' }, spec },
    { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } }, ...slice },
  ]) {
    const { object } = decodeObject(raw, null);
    assert.ok(object !== null);
    store.apply({ upserts: [object], deletes: [] });
  }
  const ports = [{ port: 80, protocol: 'TCP' as const, name: '', endpoints: local }];
  const service = { ref: { kind: 'Service', namespace: 'shop', name: 'web' }, ours: true, addresses: ['192.0.2.1'], pool: 'lan', forwarding: 'proxy' as const, reason: '', ports };
  const announced = { generation: 1, vips: [], members: [], kernel: { programmed: true, ports: 1, problems: [] }, interfaces: [] };
  const state = { generation: 1, snapshot: null, ingresses: [], pools: [], refusals: [], assignmentChanges: [], hosts: null, problems: [] };
  const announcer = { ports: new Map([[KEY, FORWARDED]]), vips: new Map(), nodes: new Map(), bgp: NO_BGP };
  return { ...state, objects: store, services: [service], announcer, announced, bgp: NO_BGP_REPORT, listeners: [], options: null, proxyServes: () => true, ...more };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Somebody else at a port. */
async function occupy(port: number): Promise<Server> {
  const server = createServer((socket) => socket.destroy()).listen(port);
  await once(server, 'listening');
  return server;
}

interface Lines {
  readonly logger: Logger;
  /** The first line that fits, as soon as there is one. */
  line(level: string): Promise<string>;
  readonly all: readonly string[];
}

function lines(): Lines {
  const all: string[] = [];
  const waiting = new Map<string, PromiseWithResolvers<string>>();
  const slot = (level: string): PromiseWithResolvers<string> => waiting.get(level) ?? waiting.set(level, Promise.withResolvers<string>()).get(level) ?? assert.fail();
  const write = (level: string) => (message: string): void => {
    all.push(`${level} ${message}`);
    slot(level).resolve(message);
  };
  return { logger: { ...silentLogger, debug: write('debug'), warn: write('warn'), error: write('error') }, line: (level) => slot(level).promise, all };
}

function start(t: TestContext, state: SeenState, logger: Logger = silentLogger): Companion {
  const companion = healthCheckCompanion({ nodeName: 'node-a', logger, settleMs: 5, lookMs: 5 });
  t.after(() => companion.stop());
  companion.update(state);
  void companion.start();
  return companion;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** Null: nobody answers. */
async function ask(port: number, { path = '/', method = 'GET', host = '127.0.0.1' } = {}): Promise<Answer | null> {
  const sent = request({ host, port, path, method, agent: false }).end();
  try {
    const [response] = await once(sent, 'response');
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() };
  } catch {
    return null;
  }
}

/** Asks until the answer is as wanted: ports open and close a little later. */
async function askUntil(port: number, isWanted: (answer: Answer | null) => boolean): Promise<Answer | null> {
  for (;;) {
    const answer = await ask(port);
    if (isWanted(answer)) return answer;
    await wait(2);
  }
}

test('a node with ready endpoints answers 200 in the words of kube-proxy, on every path and for every method', async (t) => {
  const port = await freePort();
  start(t, seen(port, 2));
  const answer = await askUntil(port, (found) => found !== null);
  assert.equal(answer?.status, 200);
  assert.equal(answer.body, '{\n\t"service": {\n\t\t"namespace": "shop",\n\t\t"name": "web"\n\t},\n\t"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n}');
  const { 'content-type': type, 'x-load-balancing-endpoint-weight': weight, 'x-content-type-options': options } = answer.headers;
  assert.deepEqual([type, weight, options], ['application/json', '2', 'nosniff']);
  assert.equal((await ask(port, { path: '/healthz?x=1', method: 'POST' }))?.status, 200);
  assert.deepEqual((({ status, body }) => [status, body])((await ask(port, { method: 'HEAD' })) ?? assert.fail()), [200, '']);
});

test('a node without answers 503, and so does one whose proxy does not serve', async (t) => {
  const port = await freePort();
  const companion = start(t, seen(port, 0));
  const answer = await askUntil(port, (found) => found !== null);
  assert.deepEqual([answer?.status, answer?.headers['x-load-balancing-endpoint-weight']], [503, '0']);
  companion.update(seen(port, 1));
  assert.equal((await ask(port))?.status, 200, 'the newest state counts at once');
  companion.update(seen(port, 1, { proxyServes: () => false }));
  const unhealthy = await ask(port);
  assert.equal(unhealthy?.status, 503);
  assert.match(unhealthy?.body ?? '', /"localEndpoints": 1,\n\t"serviceProxyHealthy": false/);
});

test('ports open and close as Services come and go, and all close at the end', async (t) => {
  const [first, second] = [await freePort(), await freePort()];
  const companion = start(t, seen(first, 1));
  await askUntil(first, (answer) => answer !== null);
  companion.update(seen(second, 1));
  await askUntil(second, (answer) => answer !== null);
  await askUntil(first, (answer) => answer === null);
  companion.update(seen(null, 1));
  await askUntil(second, (answer) => answer === null);
  companion.update(seen(second, 1));
  await askUntil(second, (answer) => answer !== null);
  await companion.stop();
  assert.equal(await ask(second), null);
  companion.update(seen(first, 1));
  assert.equal(await ask(first), null);
});

test('a port that somebody else has is left to them without a warning, and taken over when they are gone', async (t) => {
  const port = await freePort();
  const kubeProxy = await occupy(port);
  const log = lines();
  start(t, seen(port, 1), log.logger);
  assert.match(await log.line('debug'), /is taken/);
  await wait(30);
  await new Promise((resolve) => kubeProxy.close(resolve));
  assert.equal((await askUntil(port, (answer) => answer !== null))?.status, 200);
  assert.equal(log.all.length, 1, 'many looks, one line');
});

test('nothing is opened before the start, and stopping while a port opens leaves none open', async () => {
  const port = await freePort();
  const companion = healthCheckCompanion({ nodeName: 'node-a', logger: silentLogger, settleMs: 0, lookMs: 5 });
  companion.update(seen(port, 1));
  await wait(10);
  assert.equal(await ask(port), null);
  await companion.start();
  await wait(1);
  await companion.stop();
  assert.equal(await ask(port), null);
});

test('connections are bounded and end by themselves', async (t) => {
  const port = await freePort();
  const check = { service: { kind: 'Service', namespace: 'shop', name: 'web' }, port, localEndpoints: 1, carries: () => true };
  const budget = { left: 2 };
  const server = await openHealthCheckServer({ port, answer: answerHealthCheck(() => check), budget, timeoutMs: 100 });
  t.after(() => server.close());
  const idle = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  await Promise.all(idle.map((socket) => once(socket, 'connect')));
  assert.equal(await ask(port), null, 'one too many is cut off');
  await Promise.all(idle.map((socket) => once(socket.resume(), 'close')));
  assert.equal((await askUntil(port, (answer) => answer !== null))?.status, 200, 'those that ask nothing make room');
  const slow = connect(port, '127.0.0.1').on('error', () => {});
  slow.write('GET / HTTP/1.1\r\nhost: x\r\n');
  const drip = setInterval(() => slow.write('x'), 20);
  await once(slow.resume(), 'close');
  clearInterval(drip);
  await askUntil(port, (answer) => answer?.status === 200);
});
