import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startBackend } from '../bench/backend.ts';
import { freePort, stopChild } from '../bench/child.ts';
import { startUdpEcho } from './support/echo.ts';
import { loadBalancer, testRange } from './support/loadBalancer.ts';
import { ingress, service, settings, type BackendAddress } from './support/manifests.ts';
import { scrape, total } from './support/metrics.ts';
import { residentBytes } from './support/processState.ts';
import { lacks } from './support/requirement.ts';
import { serve } from './support/serve.ts';

const run = promisify(execFile);
const { prefix, pool } = testRange();
const VIP = `${prefix}.1`;
/** Of each kind, TCP and HTTP: a million together. */
const CONNECTIONS = 500_000;
/** wrk counts seconds, not requests: so many at a time until there are enough. */
const BURST_SECONDS = 3;
const PARALLEL = 64;

/** nginx where installed; it must cost less than what is tested. */
async function startWeb(t: TestContext): Promise<BackendAddress> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-web-'));
  const backend = await startBackend('web', folder, await allCores());
  t.after(async () => {
    await stopChild(backend.process);
    await rm(folder, { recursive: true });
  });
  return { address: '127.0.0.1', port: backend.port };
}

async function allCores(): Promise<string> {
  return /^Cpus_allowed_list:\s*(\S+)$/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1] ?? '0';
}

/** What a leak would show in. */
interface Held {
  readonly descriptors: number;
  readonly sockets: number;
  /** What the kernel keeps for the process's timers and waits: epoll instances, eventfds, timerfds. */
  readonly anonymous: number;
  readonly threads: number;
  readonly residentBytes: number;
}

async function heldBy(pid: number): Promise<Held> {
  const names = await readdir(`/proc/${pid}/fd`);
  // A descriptor may be gone by the time it is looked at.
  const targets = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  return {
    descriptors: targets.length,
    sockets: targets.filter((target) => target.startsWith('socket:')).length,
    anonymous: targets.filter((target) => target.startsWith('anon_inode:')).length,
    threads: (await readdir(`/proc/${pid}/task`)).length,
    residentBytes: await residentBytes(pid),
  };
}

/** All but memory. */
function counts({ descriptors, sockets, anonymous, threads }: Held): Omit<Held, 'residentBytes'> {
  return { descriptors, sockets, anonymous, threads };
}

/** Every worker and whatever it has cached has been through the same once, so that later growth is not that of a first time. */
const WARM_UP = 50_000;
/** Ours: 64 octets for each connection between the middle and the end. A leaked timer, buffer or socket costs more than that. */
const MOST_GROWTH_BYTES = (CONNECTIONS / 2) * 64;
/** Times 100 ms: what is idle towards the backend goes after a second. */
const MOST_WAITS = 300;

interface Outcome {
  readonly connections: number;
  readonly seconds: number;
}

/** Opens at least `count` connections, one request each; none may fail. */
async function openShort(count: number, address: string, port: number): Promise<Outcome> {
  let [connections, seconds] = [0, 0];
  while (connections < count) {
    const flags = ['-t', '1', '-c', String(PARALLEL), '-d', `${BURST_SECONDS}s`, '-H', 'Host: short.test', '-H', 'Connection: close'];
    const { stdout } = await run('wrk', [...flags, `http://${address}:${port}/`]);
    assert.doesNotMatch(stdout, /Socket errors|Non-2xx/, stdout);
    const [, requests, took] = /(\d+) requests in ([\d.]+)s/.exec(stdout) ?? [];
    assert.ok(Number(requests) > 0, stdout);
    connections += Number(requests);
    seconds += Number(took);
  }
  return { connections, seconds };
}

/** Waits until there are no more than `descriptors` again, or for so long that they will not go any more. */
async function quiet(pid: number, descriptors: number): Promise<Held> {
  for (let wait = 0; wait < MOST_WAITS; wait += 1) {
    const held = await heldBy(pid);
    if (held.descriptors <= descriptors) return held;
    await sleep(100);
  }
  return heldBy(pid);
}

for (const kind of ['TCP', 'HTTP'] as const) {
  test(`${CONNECTIONS / 1000},000 short connections by ${kind} leave no descriptor, socket, timer or buffer behind`, { skip: lacks('wrk'), timeout: 280_000 }, async (t) => {
    const [web, vipPort] = [await startWeb(t), await freePort()];
    const gatehouse = await serve(t, [
      pool,
      settings({ 'upstream-keepalive-timeout': '1', 'disable-access-log': 'true' }),
      ...loadBalancer('web-vip', [{ port: vipPort, backends: [web] }]),
      ingress('web', 'short.test', [{ path: '/', service: 'web' }]),
      ...service('web', [web]),
    ], { args: ['--drain-timeout', '5s', '--configmap', 'default/settings'] });
    const [address, port] = kind === 'TCP' ? [VIP, vipPort] : ['127.0.0.1', gatehouse.http];
    const pid = await gatehouse.proxyPid();
    const fresh = await heldBy(pid);
    await openShort(WARM_UP, address, port);
    const before = await quiet(pid, fresh.descriptors);
    const first = await openShort(CONNECTIONS / 2, address, port);
    const middle = await quiet(pid, fresh.descriptors);
    const second = await openShort(CONNECTIONS / 2, address, port);
    const end = await quiet(pid, fresh.descriptors);
    const rate = (first.connections + second.connections) / (first.seconds + second.seconds);
    const mebibytes = [fresh, before, middle, end].map((held) => (held.residentBytes / 2 ** 20).toFixed(0)).join(', ');
    t.diagnostic(`${first.connections + second.connections} connections, ${rate.toFixed(0)}/s; RSS fresh, warm, in the middle, at the end: ${mebibytes} MiB`);
    assert.deepEqual(counts(end), counts(fresh));
    assert.ok(end.residentBytes - middle.residentBytes < MOST_GROWTH_BYTES, `grew from ${middle.residentBytes} to ${end.residentBytes}`);
    const families = await scrape(gatehouse);
    for (const gauge of ['gatehouse_client_connections', 'gatehouse_l4_connections', 'gatehouse_requests_in_flight']) assert.equal(total(families, gauge), 0, gauge);
  });
}

const UDP_SESSIONS = 200_000;
/** Ours: 336 octets for each session of the second half; a leaked one costs several times that. Smaller changes are the heap's. */
const MOST_UDP_GROWTH_BYTES = 32 * 2 ** 20;
const UDP_LANES = 200;
/** A session keeps a descriptor for a second or two after its last datagram: so many begin in that time as a process may have. */
const UDP_REST_MS = 40;
/** On loopback nothing loses a datagram but a full buffer, so one whose answer has not come by then is lost. */
const LOST_AFTER_MS = 10_000;

/** Asks once from a new socket of the address `from` and waits for the answer. */
async function askOnce(from: string, port: number, message: string): Promise<string> {
  const socket = createSocket('udp4');
  socket.bind(0, from);
  await once(socket, 'listening');
  const answer = once(socket, 'message', { signal: AbortSignal.timeout(LOST_AFTER_MS) });
  socket.send(message, port, VIP);
  try {
    return String((await answer)[0]);
  } finally {
    socket.close();
  }
}

/** Sessions one after another from each of many addresses. */
async function openShortUdp(count: number, port: number): Promise<void> {
  await Promise.all(Array.from({ length: UDP_LANES }, async (_, lane) => {
    for (let turn = 0; turn < count / UDP_LANES; turn += 1) {
      const message = `${lane}/${turn}`;
      assert.equal(await askOnce(`127.1.2.${1 + lane}`, port, message), `one:${message}`);
      await sleep(UDP_REST_MS);
    }
  }));
}

test('200,000 short UDP sessions leave no descriptor, socket, timer or buffer behind', { timeout: 280_000 }, async (t) => {
  const [backend, port] = [await startUdpEcho(t, 'one'), await freePort()];
  const annotations = { 'gatehouse.dev/idle-timeout': '1s' };
  const gatehouse = await serve(t, [pool, settings({ 'disable-access-log': 'true' }), ...loadBalancer('udp', [{ port, protocol: 'UDP', backends: [{ address: '127.0.0.1', port: backend.port }] }], { annotations })], { args: ['--configmap', 'default/settings'] });
  const pid = await gatehouse.proxyPid();
  const fresh = await heldBy(pid);
  const startedMs = performance.now();
  // What the pieces of a heap grow to is reached after two of four.
  const held: Held[] = [];
  for (let quarter = 0; quarter < 4; quarter += 1) {
    await openShortUdp(UDP_SESSIONS / 4, port);
    held.push(await quiet(pid, fresh.descriptors));
  }
  const [, middle = fresh, , end = fresh] = held;
  const seconds = (performance.now() - startedMs) / 1000;
  const mebibytes = [fresh, ...held].map(({ residentBytes: bytes }) => (bytes / 2 ** 20).toFixed(0)).join(', ');
  t.diagnostic(`${UDP_SESSIONS} sessions in ${seconds.toFixed(0)} s; RSS fresh, and after each quarter: ${mebibytes} MiB`);
  assert.deepEqual(counts(end), counts(fresh));
  assert.ok(end.residentBytes - middle.residentBytes < MOST_UDP_GROWTH_BYTES, `grew from ${middle.residentBytes} to ${end.residentBytes}`);
  const families = await scrape(gatehouse);
  assert.equal(total(families, 'gatehouse_l4_connections'), 0);
  // A client that gets the port of one that was there a moment ago goes on with its session.
  assert.ok(total(families, 'gatehouse_l4_connections_opened_total', { protocol: 'udp' }) > UDP_SESSIONS * 0.99);
});
