import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { freePort } from '../bench/child.ts';
import { askTcp, startTcpEcho } from './support/echo.ts';
import { startGatehouse } from './support/gatehouse.ts';
import { loadBalancer, pool as makePool, servicesOf, testRange } from './support/loadBalancer.ts';
import { ingress, service, type Manifest } from './support/manifests.ts';
import { send } from './support/send.ts';
import { backendFor, serve } from './support/serve.ts';

const { prefix, pool } = testRange();
const run = promisify(execFile);
const BINARY = join(import.meta.dirname, '../bin/gatehouse');
const at = (port: number) => ({ address: '127.0.0.1', port });

interface Status {
  readonly ingresses: readonly { readonly addresses: readonly string[] }[];
  readonly problems: readonly { readonly object: { readonly name: string } | null; readonly field: string; readonly rule: string; readonly value: string }[];
}

async function stateFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-state-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

test('a restart keeps every address, whatever else has come before it in order', async (t) => {
  const [state, port] = [await stateFolder(t), await freePort()];
  const named = (...names: readonly string[]): Manifest[] => [pool, ...names.flatMap((name) => loadBalancer(name, [{ port, backends: [] }]))];
  const first = await startGatehouse({ manifests: named('m', 'x'), stateFolder: state });
  const before = servicesOf(await first.api('/api/v1/status'));
  assert.deepEqual([before.get('m')?.addresses, before.get('x')?.addresses], [[`${prefix}.1`], [`${prefix}.2`]]);
  await first.write('manifests.yaml', named('a', 'm', 'x'));
  await first.write('manifests.yaml', named('a', 'x'));
  const kept = servicesOf(await first.api('/api/v1/status'));
  assert.deepEqual([kept.get('a')?.addresses, kept.get('x')?.addresses], [[`${prefix}.3`], [`${prefix}.2`]]);
  first.process.kill('SIGTERM');
  await once(first.process, 'exit');
  const second = await startGatehouse({ manifests: named('a', 'b', 'x'), stateFolder: state, folder: first.folder });
  const after = servicesOf(await second.api('/api/v1/status'));
  assert.deepEqual(['a', 'b', 'x'].map((name) => after.get(name)?.addresses), [[`${prefix}.3`], [`${prefix}.1`], [`${prefix}.2`]]);
  assert.equal(await second.stop(), 0);
});

test('an address outside every pool is refused in words, and nobody else is disturbed', async (t) => {
  const [backend, port] = [await startTcpEcho(t, 'one'), await freePort()];
  const gatehouse = await serve(t, [
    pool,
    ...loadBalancer('good', [{ port, backends: [at(backend.port)] }]),
    ...loadBalancer('astray', [{ port, backends: [at(backend.port)] }], { spec: { loadBalancerIP: '203.0.113.7' } }),
  ]);
  const status = (await gatehouse.api('/api/v1/status')) as Status;
  assert.deepEqual(servicesOf(status).get('astray')?.addresses, []);
  const problem = status.problems.find(({ object }) => object?.name === 'astray');
  assert.equal(problem?.field, 'spec.loadBalancerIP');
  assert.match(`${problem?.rule} ${problem?.value}`, /203\.0\.113\.7/);
  assert.equal((await askTcp(`${prefix}.1`, port, 'x')).toString(), 'one:x');
});

test('Services share an address by MetalLB\'s annotation, on ports of their own', async (t) => {
  const [one, two, port, other] = [await startTcpEcho(t, 'one'), await startTcpEcho(t, 'two'), await freePort(), await freePort()];
  const annotations = { 'metallb.io/allow-shared-ip': 'together', 'metallb.io/loadBalancerIPs': `${prefix}.50` };
  await serve(t, [
    pool,
    ...loadBalancer('first', [{ port, backends: [at(one.port)] }], { annotations }),
    ...loadBalancer('second', [{ port: other, backends: [at(two.port)] }], { annotations }),
  ]);
  assert.equal((await askTcp(`${prefix}.50`, port, 'x')).toString(), 'one:x');
  assert.equal((await askTcp(`${prefix}.50`, other, 'x')).toString(), 'two:x');
});

test('the publish Service gives Ingresses their address, and HTTP answers there', async (t) => {
  const [backend, port] = [await backendFor(t, 'web'), await freePort()];
  const gatehouse = await serve(
    t,
    [
      pool,
      ...loadBalancer('gatehouse', [{ name: 'http', port, backends: [] }]),
      ingress('web', 'web.test', [{ path: '/', service: 'web' }]),
      ...service('web', [backend]),
    ],
    { args: ['--publish-service', 'default/gatehouse'] },
  );
  const status = (await gatehouse.api('/api/v1/status')) as Status;
  assert.deepEqual(status.ingresses[0]?.addresses, [`${prefix}.1`]);
  const { stdout } = await run('curl', ['-sS', '-o', '/dev/null', '-w', '%{http_code}', '-H', 'Host: web.test', `http://${prefix}.1:${port}/`]);
  assert.equal(stdout, '200');
  assert.equal((await send({ port: gatehouse.http, host: 'web.test', path: '/' })).status, 200);
});

test('an address that is not on this machine is assigned, and status says that nobody answers for it', async (t) => {
  const far = makePool('far', ['203.0.113.0/28']);
  const gatehouse = await serve(t, [far, ...loadBalancer('echo', [{ port: await freePort(), backends: [] }])]);
  const line = servicesOf(await gatehouse.api('/api/v1/status')).get('echo');
  assert.deepEqual([line?.addresses, line?.forwarding], [['203.0.113.0'], 'none']);
  const { stdout } = await run(BINARY, ['status', '--admin', `127.0.0.1:${gatehouse.admin}`]);
  assert.match(stdout, /echo +203\.0\.113\.0 +far +none/);
});
