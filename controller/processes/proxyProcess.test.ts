import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { UNPRIVILEGED_ID } from './processUser.ts';
import { request } from './fixture/freshConnections.ts';
import { readDescriptors, readUser, waitUntilGone } from './fixture/processFacts.ts';
import { createProxy, hostsDelta, startProxy, type RunningProxy } from './fixture/runningProxy.ts';

const explainRequest = {
  method: 'GET', scheme: 'http', authority: 'first.test', target: '/', headers: [], clientAddress: '127.0.0.1',
} as const;

async function explain({ proxy }: RunningProxy, authority = 'first.test'): Promise<string> {
  return (await proxy.explain({ ...explainRequest, authority })).steps[0]?.text ?? '';
}

async function killProxy({ proxy, told }: RunningProxy): Promise<void> {
  const serving = once(told, 'serving');
  process.kill(proxy.pid ?? 0, 'SIGKILL');
  await serving;
}

test('a proxy started by root runs without its rights, and keeps them only when told to', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root');
  const other = await startProxy(t);
  assert.deepEqual(readUser(other.proxy.pid ?? 0), { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID });
  const same = await startProxy(t, { keepUser: true });
  assert.deepEqual(readUser(same.proxy.pid ?? 0), { uid: 0, gid: 0 });
});

test('a proxy inherits the standard streams, its channel and its own sockets, and nothing else of the controller', async (t) => {
  const file = openSync('/proc/self/status', 'r');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    closeSync(file);
    server.close();
  });
  const before = new Set(readDescriptors('self').values());
  const { proxy } = await startProxy(t);
  const own = readDescriptors('self');
  const listening = new Set([...own.values()].filter((target) => target.startsWith('socket:') && !before.has(target)));
  const inherited = [...readDescriptors(proxy.pid ?? 0)].filter(([descriptor, target]) =>
    descriptor > 3 && target.startsWith('socket:') && [...own.values()].includes(target));
  assert.ok(inherited.length > 0);
  for (const [, target] of inherited) assert.ok(listening.has(target), `${target} is a socket of the controller`);
  assert.ok(![...readDescriptors(proxy.pid ?? 0).values()].some((target) => target.endsWith('/status')));
});

test('a proxy gets nothing of the environment but time zone, resolver settings and its thread pool', async (t) => {
  process.env['GATEHOUSE_TEST_SECRET'] = 'token';
  t.after(() => { delete process.env['GATEHOUSE_TEST_SECRET']; });
  const { proxy } = await startProxy(t);
  const names = readFileSync(`/proc/${proxy.pid}/environ`, 'utf8').split('\0').map((entry) => entry.split('=')[0] ?? '');
  const allowed = ['', 'TZ', 'RES_OPTIONS', 'LOCALDOMAIN', 'UV_THREADPOOL_SIZE', 'NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE'];
  assert.deepEqual(names.filter((name) => !allowed.includes(name)), []);
});

test('a new proxy serves the snapshot of the killed one, with what was applied in between', async (t) => {
  const running = await startProxy(t);
  const applied = once(running.told, 'applied');
  running.proxy.apply(hostsDelta(2, ['second.test']));
  assert.deepEqual(await applied, [2]);
  const exited = once(running.told, 'exited');
  const serving = once(running.told, 'serving');
  process.kill(running.proxy.pid ?? 0, 'SIGKILL');
  await exited;
  running.proxy.apply(hostsDelta(3, ['third.test'], ['first.test']));
  await assert.rejects(running.proxy.explain(explainRequest), { code: 'gone' });
  await serving;
  assert.match(await explain(running), /generation 3: second\.test third\.test$/);
  assert.deepEqual(running.exits.map(({ signal, restartInMs }) => ({ signal, restartInMs })), [{ signal: 'SIGKILL', restartInMs: 0 }]);
});

test('two thousand deltas in one turn all arrive, however few messages carry them', async (t) => {
  const running = await startProxy(t);
  const last = 2001;
  const done = new Promise<void>((resolve) => {
    running.told.on('applied', (generation: number) => { if (generation === last) resolve(); });
  });
  for (let generation = 2; generation <= last; generation += 1) {
    running.proxy.apply(hostsDelta(generation, [`host-${generation}.test`], [`host-${generation - 1}.test`]));
  }
  await done;
  assert.match(await explain(running), /generation 2001: first\.test host-2001\.test$/);
});

test('collect reports every worker once and adds up its endpoints', async (t) => {
  const { proxy, port, metrics } = await startProxy(t);
  for (let count = 0; count < 10; count += 1) await request(port);
  const endpoints = await proxy.collect(true);
  assert.deepEqual(endpoints.map(({ activeRequests, idleConnections }) => ({ activeRequests, idleConnections })),
    [{ activeRequests: 2, idleConnections: 4 }]);
  assert.deepEqual(metrics.map((delta) => delta.worker).sort(), ['0', '1']);
  assert.equal(metrics.reduce((sum, delta) => sum + (delta.counters[0]?.value ?? 0), 0), 10);
});

test('an engine that fails to explain costs an answer and no worker', async (t) => {
  const running = await startProxy(t);
  assert.match(await explain(running, 'fault.test'), /cannot explain this request: no such luck/);
  assert.match(await explain(running), /generation 1/);
});

test('signals that reach the whole process group do not end the proxy', async (t) => {
  const { proxy, port, exits } = await startProxy(t);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(proxy.pid ?? 0, signal);
  assert.equal((await request(port)).outcome, 'answered');
  assert.deepEqual(exits, []);
});

test('drain finishes open requests, then the process exits with 0 and the port is free', async (t) => {
  const { proxy, port, exits } = await startProxy(t);
  const pid = proxy.pid ?? 0;
  const slow = request(port, '/slow');
  // The slow request is with a worker once a later one on each worker has been answered; ten reach both.
  for (let count = 0; count < 10; count += 1) await request(port);
  const drained = proxy.drain(10_000);
  assert.equal(proxy.drain(1), drained);
  assert.equal((await slow).outcome, 'answered');
  assert.deepEqual(await drained, { cutConnections: 0 });
  await waitUntilGone(pid);
  assert.deepEqual(exits, []);
  assert.equal((await request(port)).outcome, 'refused');
});

test('drain cuts what is open after its time and says how much', async (t) => {
  const { proxy, port } = await startProxy(t, { workers: 1 });
  const slow = request(port, '/slow');
  await request(port);
  assert.deepEqual(await proxy.drain(0), { cutConnections: 1 });
  assert.equal((await slow).outcome, 'reset');
});

test('a controller killed with -9 leaves no proxy and no listening socket behind', async (t) => {
  const main = join(import.meta.dirname, 'fixture/controllerMain.ts');
  const controller = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => controller.kill('SIGKILL'));
  const [line] = await once(controller.stdout, 'data');
  const { pid, port } = JSON.parse(String(line));
  assert.equal((await request(port)).outcome, 'answered');
  controller.kill('SIGKILL');
  await waitUntilGone(pid);
  assert.equal((await request(port)).outcome, 'refused');
});

test('an address in use is refused at start with words that help, and nothing stays open', async (t) => {
  const stranger = createServer().listen({ port: 0, host: '127.0.0.1' });
  await once(stranger, 'listening');
  t.after(() => stranger.close());
  const bound = stranger.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  const before = readDescriptors('self').size;
  const listeners = [
    { protocol: 'http', address: '127.0.0.1', port: 0 },
    { protocol: 'http', address: '127.0.0.1', port },
  ] as const;
  await assert.rejects(startProxy(t, { listeners }), { code: 'EADDRINUSE', message: /127\.0\.0\.1:\d+.*another process holds/ });
  assert.equal(readDescriptors('self').size, before);
});

test('twenty killed proxies leave no descriptor behind in the controller, and each new one holds the same number', async (t) => {
  const running = await startProxy(t);
  await killProxy(running);
  const own = readDescriptors('self').size;
  const theirs = readDescriptors(running.proxy.pid ?? 0).size;
  for (let count = 0; count < 20; count += 1) await killProxy(running);
  assert.equal(readDescriptors('self').size, own);
  assert.equal(readDescriptors(running.proxy.pid ?? 0).size, theirs);
});

test('a program that fails at once is tried again and again until it is drained', async (t) => {
  const entry = join(import.meta.dirname, 'fixture/failingMain.ts');
  const { proxy, told, exits } = createProxy(t, { entry });
  await proxy.start();
  while (exits.length < 3) await once(told, 'exited');
  assert.deepEqual(exits.slice(0, 3).map(({ code, restartInMs }) => ({ code, restartInMs })),
    [{ code: 3, restartInMs: 0 }, { code: 3, restartInMs: 10 }, { code: 3, restartInMs: 20 }]);
  assert.deepEqual(await proxy.drain(0), { cutConnections: 0 });
  assert.equal(proxy.pid, null);
});

test('a proxy that speaks another protocol is killed and replaced', async (t) => {
  const { proxy, told, exits } = createProxy(t, { entry: join(import.meta.dirname, 'fixture/foreignMain.ts') });
  await proxy.start();
  await once(told, 'exited');
  assert.equal(exits[0]?.signal, 'SIGKILL');
});
