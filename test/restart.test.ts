import assert from 'node:assert/strict';
import { Agent, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { startBackend, type Backend } from './support/backend.ts';
import { startBackendProcess } from './support/backendProcess.ts';
import { startGatehouse, type Gatehouse } from './support/gatehouse.ts';
import { codeOf, startLoad } from './support/load.ts';
import { ingress, nginx, service, settings } from './support/manifests.ts';
import { decreased, scrape } from './support/metrics.ts';
import { accepts, processGone } from './support/processState.ts';
import { send } from './support/send.ts';

const TIMEOUT = { timeout: 60_000 };

interface World {
  readonly gatehouse: Gatehouse;
  readonly backend: Backend;
  /** Answers to /held that wait to be sent. */
  readonly held: ServerResponse[];
}

/** Gatehouse before one backend, which is a WebSocket echo too and holds its answers to /held. */
async function startWorld(t: TestContext, args: readonly string[] = ['--drain-timeout', '10s']): Promise<World> {
  const held: ServerResponse[] = [];
  const backend = await startBackend('web', (request, response) => {
    request.resume();
    if (request.url === '/held') held.push(response);
    else request.on('end', () => response.end('web'));
  });
  const echo = new WebSocketServer({ server: backend.server });
  echo.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  const gatehouse = await startGatehouse({
    args: [...args, '--configmap', 'default/settings'],
    manifests: [
      settings({ 'keep-alive-requests': '1000000' }),
      ...service('web', [backend]),
      ingress('web', 'web.test', [{ path: '/', service: 'web' }]),
    ],
  });
  t.after(async () => {
    await gatehouse.stop();
    await backend.close();
  });
  return { gatehouse, backend, held };
}

/** Resolves when another proxy process than `before` serves on all workers. */
async function replaced(gatehouse: Gatehouse, before: number): Promise<number> {
  for (;;) {
    const pid = await gatehouse.proxyPid();
    const ready = await fetch(`http://127.0.0.1:${gatehouse.admin}/readyz`);
    if (Number.isInteger(pid) && pid > 0 && pid !== before && ready.status === 200) return pid;
    await sleep(20);
  }
}

test('kill -9 of the proxy refuses no connection, and what it served and counted is still there', TIMEOUT, async (t) => {
  const { gatehouse } = await startWorld(t);
  const request = (): { port: number; host: string } => ({ port: gatehouse.http, host: 'web.test' });
  const fresh = startLoad(t, { lanes: 4, fresh: true, request });
  const kept = startLoad(t, { lanes: 4, request });
  await Promise.all([fresh.answers(200), kept.answers(200)]);
  const snapshot = await gatehouse.api('/api/v1/snapshot');
  for (let kill = 0; kill < 3; kill += 1) {
    const before = await scrape(gatehouse);
    const pid = await gatehouse.proxyPid();
    process.kill(pid, 'SIGKILL');
    await replaced(gatehouse, pid);
    await Promise.all([fresh.answers(100), kept.answers(100)]);
    assert.deepEqual(decreased(before, await scrape(gatehouse)), []);
  }
  const outcomes = [await fresh.stop(), await kept.stop()];
  const failures = outcomes.flatMap(({ failures: each }) => each);
  t.diagnostic(
    `3 kills, ${outcomes[0]?.answered} answers on fresh and ${outcomes[1]?.answered} on kept connections, ` +
      `${failures.length} cut requests (${outcomes.map((each) => each.failures.length).join(' fresh, ')} kept)`,
  );
  assert.deepEqual(failures.filter((code) => code !== 'ECONNRESET'), [], 'nothing but resets of what was under way');
  assert.ok(failures.length <= 3 * 8, 'each kill cuts at most the requests under way');
  assert.deepEqual(await gatehouse.api('/api/v1/snapshot'), snapshot);
});

test('kill -9 of one of two backends fails no GET, and no POST but those under way', TIMEOUT, async (t) => {
  const [first, second] = await Promise.all([startBackendProcess('first'), startBackendProcess('second')]);
  t.after(() => Promise.all([first.kill(), second.kill()]));
  const gatehouse = await startGatehouse({
    args: ['--drain-timeout', '5s', '--configmap', 'default/settings'],
    manifests: [
      settings({ 'keep-alive-requests': '1000000' }),
      ...service('web', [first, second]),
      ingress('web', 'web.test', [{ path: '/', service: 'web' }]),
    ],
  });
  t.after(() => gatehouse.stop());
  const lanes = 4;
  const answeredBy = new Set<string>();
  const gets = startLoad(t, {
    lanes,
    request: () => ({ port: gatehouse.http, host: 'web.test' }),
    judge: ({ status, body }) => {
      answeredBy.add(body);
      return status === 200 ? null : `status ${status}`;
    },
  });
  const posts = startLoad(t, {
    lanes,
    request: () => ({ port: gatehouse.http, host: 'web.test', method: 'POST', body: 'x'.repeat(1000) }),
  });
  await Promise.all([gets.answers(200), posts.answers(200)]);
  assert.deepEqual([...answeredBy].toSorted(), ['first', 'second']);

  await first.kill();
  await Promise.all([gets.answers(400), posts.answers(400)]);
  assert.deepEqual(gets.outcome.failures, []);
  assert.ok(posts.outcome.failures.length <= lanes, JSON.stringify(posts.outcome.failures));
  t.diagnostic(`${posts.outcome.failures.length} of ${lanes} POSTs under way failed`);
  const failedPosts = posts.outcome.failures.length;

  // It comes back at the same address, and is used again once its ejection is over.
  const again = await startBackendProcess('again', first.port);
  t.after(() => again.kill());
  while (!answeredBy.has('again')) await gets.answers(10);
  assert.deepEqual((await gets.stop()).failures, []);
  assert.equal((await posts.stop()).failures.length, failedPosts);
  assert.equal((await gets.stop()).closed + posts.outcome.closed, 0, 'no client connection was closed');
});

/** Requests on one kept connection until the server announces its end. */
async function sendUntilAnnounced(port: number): Promise<{ readonly answered: number; readonly end: string }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let answered = 0;
  try {
    for (;;) {
      const { status, headers } = await send({ port, host: 'web.test', agent });
      if (status !== 200) return { answered, end: `status ${status}` };
      answered += 1;
      if (headers.connection === 'close') return { answered, end: 'announced' };
    }
  } catch (error) {
    return { answered, end: codeOf(error) };
  } finally {
    agent.destroy();
  }
}

/** One request per connection until connections are refused; answers what happened to the others. */
async function connectUntilRefused(port: number): Promise<{ readonly answered: number; readonly failures: readonly string[] }> {
  let answered = 0;
  const failures: string[] = [];
  for (;;) {
    const outcome = await send({ port, host: 'web.test' }).then(({ status }) => (status === 200 ? 'answered' : `status ${status}`), codeOf);
    if (outcome === 'ECONNREFUSED') return { answered, failures };
    if (outcome === 'answered') answered += 1;
    else failures.push(outcome);
  }
}

test('SIGTERM under load: open requests finish, kept connections are told, readyz says 503, exit 0', TIMEOUT, async (t) => {
  const { gatehouse, held } = await startWorld(t);
  const open = send({ port: gatehouse.http, host: 'web.test', path: '/held' });
  const kept = Promise.all(Array.from({ length: 8 }, () => sendUntilAnnounced(gatehouse.http)));
  const fresh = Promise.all(Array.from({ length: 4 }, () => connectUntilRefused(gatehouse.http)));
  // Load for a moment, so that the signal finds everybody in full swing.
  await sleep(300);
  const exited = once(gatehouse.process, 'exit');
  gatehouse.process.kill('SIGTERM');
  const lanes = await kept;
  assert.deepEqual(lanes.map(({ end }) => end), lanes.map(() => 'announced'));
  const connections = await fresh;
  t.diagnostic(
    `${lanes.reduce((sum, { answered }) => sum + answered, 0)} answers on kept connections, ` +
      `${connections.reduce((sum, { answered }) => sum + answered, 0)} on fresh ones, ` +
      `${connections.reduce((sum, { failures }) => sum + failures.length, 0)} fresh connections cut as the listeners closed`,
  );
  const ready = await fetch(`http://127.0.0.1:${gatehouse.admin}/readyz`);
  assert.equal(ready.status, 503);
  held[0]?.end('finished');
  const { status, body, headers } = await open;
  assert.deepEqual({ status, body, connection: headers.connection }, { status: 200, body: 'finished', connection: 'close' });
  assert.deepEqual(await exited, [0, null]);
  assert.deepEqual([...new Set(connections.flatMap(({ failures }) => failures))].filter((code) => code !== 'ECONNRESET'), []);
});

test('SIGTERM with an open WebSocket cuts it after the drain timeout and exits 0', TIMEOUT, async (t) => {
  const { gatehouse } = await startWorld(t, ['--drain-timeout', '2s']);
  const socket = new WebSocket(`ws://127.0.0.1:${gatehouse.http}/`, { headers: { host: 'web.test' } });
  await once(socket, 'open');
  const exited = once(gatehouse.process, 'exit');
  const closed = once(socket, 'close');
  gatehouse.process.kill('SIGTERM');
  // Until the drain time is over it works as before.
  socket.send('still here');
  const [echoed] = (await once(socket, 'message')) as [Buffer];
  assert.equal(echoed.toString(), 'still here');
  await closed;
  assert.deepEqual(await exited, [0, null]);
  assert.ok(gatehouse.log.some(({ cutConnections }) => cutConnections === 1), JSON.stringify(gatehouse.log));
});

test('kill -9 of the controller ends the proxy too, after its open requests, and frees the ports', TIMEOUT, async (t) => {
  const { gatehouse, held } = await startWorld(t);
  const pid = await gatehouse.proxyPid();
  const open = send({ port: gatehouse.http, host: 'web.test', path: '/held' });
  while (held.length === 0) await sleep(1);
  gatehouse.process.kill('SIGKILL');
  while (await accepts(gatehouse.http)) await sleep(10);
  held[0]?.end('finished');
  assert.equal((await open).body, 'finished');
  await processGone(pid);
  assert.deepEqual(await Promise.all([gatehouse.http, gatehouse.https, gatehouse.admin].map(accepts)), [false, false, false]);
});

test('a request whose backend fails is answered by the next endpoint within the tries that the Ingress allows', TIMEOUT, async (t) => {
  const dead = await startBackend('dead');
  await dead.close();
  const alive = await startBackend('alive');
  const gatehouse = await startGatehouse({
    workers: 1,
    manifests: [
      ...service('web', [dead, alive]),
      ingress('retries', 'retries.test', [{ path: '/', service: 'web' }]),
      ingress('once', 'once.test', [{ path: '/', service: 'web' }], { annotations: nginx({ 'proxy-next-upstream': 'off' }) }),
    ],
  });
  t.after(async () => {
    await gatehouse.stop();
    await alive.close();
  });
  const statuses = async (host: string, method: string): Promise<number[]> => {
    const received: number[] = [];
    for (let each = 0; each < 4; each += 1) received.push((await send({ port: gatehouse.http, host, method, body: 'body' })).status);
    return received;
  };
  assert.equal((await statuses('once.test', 'GET')).filter((status) => status === 502).length, 2);
  assert.deepEqual(await statuses('retries.test', 'GET'), [200, 200, 200, 200]);
  // Nothing of a POST has been sent when nobody listens: it may be tried elsewhere.
  assert.deepEqual(await statuses('retries.test', 'POST'), [200, 200, 200, 200]);
});
