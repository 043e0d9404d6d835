import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startBackend } from './support/backend.ts';
import { startGatehouse } from './support/gatehouse.ts';
import { ingress, service } from './support/manifests.ts';
import { send } from './support/send.ts';

const COMMAND = fileURLToPath(new URL('../bin/gatehouse', import.meta.url));
const SHOP = fileURLToPath(new URL('../examples/shop', import.meta.url));

interface Outcome {
  readonly status: number | string | null;
  readonly stderr: string;
}

function run(...argv: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(COMMAND, ['run', ...argv], { timeout: 30_000 }, (error, _stdout, stderr) => {
      resolve({ status: error === null ? 0 : (error.code ?? null), stderr });
    });
  });
}

/** A Gatehouse before a backend that answers when it is told to. */
async function startWithSlowBackend(context: TestContext, drainTimeout: string) {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  const backend = await startBackend('slow', (_request, response) => {
    asked.resolve();
    void answer.promise.then(() => response.end('at last'));
  });
  context.after(() => backend.close());
  const gatehouse = await startGatehouse({
    manifests: [...service('slow', [backend]), ingress('slow', 'slow.test', [{ path: '/', service: 'slow' }])],
    args: ['--drain-timeout', drainTimeout],
  });
  return { gatehouse, asked: asked.promise, answer: () => answer.resolve() };
}

test('on SIGTERM an open request finishes, readiness fails meanwhile, and it exits 0', async (context) => {
  const { gatehouse, asked, answer } = await startWithSlowBackend(context, '30s');
  const response = send({ port: gatehouse.http, host: 'slow.test', path: '/' });
  await asked;
  const stopped = gatehouse.stop();
  while ((await fetch(`http://127.0.0.1:${gatehouse.admin}/readyz`)).status !== 503) await sleep(10);
  answer();
  assert.equal((await response).status, 200);
  assert.equal(await stopped, 0);
});

test('a request that does not finish within the drain timeout is cut, and it still exits 0', async (context) => {
  const { gatehouse, asked } = await startWithSlowBackend(context, '200ms');
  const response = send({ port: gatehouse.http, host: 'slow.test', path: '/' });
  await asked;
  await Promise.all([assert.rejects(response), gatehouse.stop().then((code) => assert.equal(code, 0))]);
});

test('a second SIGINT ends it at once, whatever is open', async (context) => {
  const { gatehouse, asked } = await startWithSlowBackend(context, '1h');
  const response = assert.rejects(send({ port: gatehouse.http, host: 'slow.test', path: '/' }));
  await asked;
  const exited = once(gatehouse.process, 'exit');
  gatehouse.process.kill('SIGINT');
  // Two that come this close are one press of Ctrl-C.
  await sleep(600);
  gatehouse.process.kill('SIGINT');
  assert.deepEqual(await exited, [1, null]);
  await response;
  await gatehouse.stop();
});

test('a port that somebody listens on is named, and it exits 1', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const taken = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const listener = await run('--manifests', SHOP, '--http', taken, '--admin', '127.0.0.1:0');
  assert.equal(listener.status, 1);
  assert.match(listener.stderr, new RegExp(`gatehouse run: .*${taken}.*EADDRINUSE`));
  const admin = await run('--manifests', SHOP, '--http', '127.0.0.1:0', '--admin', taken);
  assert.equal(admin.status, 1);
  assert.match(admin.stderr, new RegExp(`gatehouse run: .*EADDRINUSE.*${taken}`));
  server.close();
});

test('an address that is not this machine\'s is named, and it exits 1', async () => {
  const { status, stderr } = await run('--manifests', SHOP, '--http', '192.0.2.55:8080', '--admin', '127.0.0.1:0');
  assert.equal(status, 1);
  assert.match(stderr, /192\.0\.2\.55:8080.*EADDRNOTAVAIL/);
});
