import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../bench/child.ts';
import { startUdpEcho } from './support/echo.ts';
import { counts, heldBy, quiet, type Held } from './support/held.ts';
import { loadBalancer, testRange } from './support/loadBalancer.ts';
import { settings } from './support/manifests.ts';
import { scrape, total } from './support/metrics.ts';
import { serve } from './support/serve.ts';

const { prefix, pool } = testRange();
const VIP = `${prefix}.1`;
const UDP_SESSIONS = 200_000;
/** Ours: 336 octets for each session of a quarter; a leaked one costs several times that. Smaller changes are the heap's. */
const MOST_UDP_GROWTH_BYTES = 16 * 2 ** 20;
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
  const held: Held[] = [];
  for (let quarter = 0; quarter < 4; quarter += 1) {
    await openShortUdp(UDP_SESSIONS / 4, port);
    held.push(await quiet(pid, fresh.descriptors));
  }
  const [, middle = fresh, third = fresh, end = fresh] = held;
  const seconds = (performance.now() - startedMs) / 1000;
  const mebibytes = [fresh, ...held].map(({ residentBytes: bytes }) => (bytes / 2 ** 20).toFixed(0)).join(', ');
  t.diagnostic(`${UDP_SESSIONS} sessions in ${seconds.toFixed(0)} s; RSS fresh, and after each quarter: ${mebibytes} MiB`);
  assert.deepEqual(counts(end), counts(fresh));
  // What is leaked is leaked in each quarter. The pieces of a heap grow now and then, by more than that, and stay so.
  const growths = [third.residentBytes - middle.residentBytes, end.residentBytes - third.residentBytes];
  assert.ok(growths.some((bytes) => bytes < MOST_UDP_GROWTH_BYTES), `grew by ${growths.join(' and ')} octets in the last two quarters`);
  const families = await scrape(gatehouse);
  assert.equal(total(families, 'gatehouse_l4_connections'), 0);
  // A client that gets the port of one that was there a moment ago goes on with its session.
  assert.ok(total(families, 'gatehouse_l4_connections_opened_total', { protocol: 'udp' }) > UDP_SESSIONS * 0.99);
});
