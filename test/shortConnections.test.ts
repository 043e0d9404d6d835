import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { startBackend } from '../bench/backend.ts';
import { freePort, stopChild } from '../bench/child.ts';
import { counts, heldBy, quiet } from './support/held.ts';
import { loadBalancer, testRange } from './support/loadBalancer.ts';
import { ingress, service, settings, type BackendAddress } from './support/manifests.ts';
import { scrape, total } from './support/metrics.ts';
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

/** Every worker and whatever it has cached has been through the same once, so that later growth is not that of a first time. */
const WARM_UP = 50_000;
/** Ours: 64 octets for each connection between the middle and the end. A leaked timer, buffer or socket costs more than that. */
const MOST_GROWTH_BYTES = (CONNECTIONS / 2) * 64;

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
