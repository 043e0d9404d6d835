import assert from 'node:assert/strict';
import { mkdir, open, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import type { StatusView } from '../controller/status/statusView.ts';
import { startBackend } from './support/backend.ts';
import { printManifests, startGatehouse, type Gatehouse } from './support/gatehouse.ts';
import { startLoad, type Load } from './support/load.ts';
import { ingress, service } from './support/manifests.ts';
import { send } from './support/send.ts';

const TIMEOUT = { timeout: 30_000 };
/** Fresh connections that must agree before something counts as served: enough to meet both workers. */
const PROBES = 6;

async function startWorld(t: TestContext): Promise<Gatehouse> {
  const backends = await Promise.all(['a', 'b'].map((name) => startBackend(name, (_request, response) => response.end(name))));
  const gatehouse = await startGatehouse({
    args: ['--drain-timeout', '2s'],
    manifests: backends.flatMap((backend) => service(backend.name, [backend])),
  });
  t.after(async () => {
    await gatehouse.stop();
    await Promise.all(backends.map((backend) => backend.close()));
  });
  return gatehouse;
}

function ingressOf(host: string, name: 'a' | 'b'): string {
  return printManifests([ingress(host, `${host}.test`, [{ path: '/', service: name }])]);
}

/** Resolves with ms once every probe gets `expected`: a body, or the status 404. */
async function served(gatehouse: Gatehouse, host: string, expected: 'a' | 'b' | 404): Promise<number> {
  const startedMs = performance.now();
  for (let agreed = 0; agreed < PROBES;) {
    const { status, body } = await send({ port: gatehouse.http, host: `${host}.test` });
    agreed = (status === 200 ? body : status) === expected ? agreed + 1 : 0;
  }
  return performance.now() - startedMs;
}

/** Load on a host that must never miss a request, whoever answers it. */
function steadyLoad(t: TestContext, gatehouse: Gatehouse, hosts: readonly string[]): Load {
  return startLoad(t, {
    lanes: 2,
    request: (number) => ({ port: gatehouse.http, host: `${hosts[number % hosts.length]}.test` }),
  });
}

async function problemsOf(gatehouse: Gatehouse, file: string): Promise<StatusView['problems']> {
  const { problems } = (await gatehouse.api('/api/v1/status')) as StatusView;
  return problems.filter(({ position }) => position?.file === join(gatehouse.folder, file));
}

test('files and folders that are added, changed, renamed and removed are followed', TIMEOUT, async (t) => {
  const gatehouse = await startWorld(t);
  const at = (name: string): string => join(gatehouse.folder, name);
  const times: number[] = [];
  await writeFile(at('web.yaml'), ingressOf('web', 'a'));
  times.push(await served(gatehouse, 'web', 'a'));
  await writeFile(at('web.yaml'), ingressOf('web', 'b'));
  times.push(await served(gatehouse, 'web', 'b'));

  const load = steadyLoad(t, gatehouse, ['web']);
  await rename(at('web.yaml'), at('renamed.yml'));
  // The same object in two files, one of which goes: it is served all the time.
  await writeFile(at('copy.json'), JSON.stringify(ingress('web', 'web.test', [{ path: '/', service: 'b' }])));
  await load.answers(100);
  await unlink(at('renamed.yml'));
  await load.answers(100);
  assert.deepEqual((await load.stop()).failures, []);

  await unlink(at('copy.json'));
  times.push(await served(gatehouse, 'web', 404));
  await mkdir(at('team/one'), { recursive: true });
  await writeFile(at('team/one/deep.yaml'), ingressOf('deep', 'a'));
  times.push(await served(gatehouse, 'deep', 'a'));
  await rename(at('team'), at('moved'));
  await writeFile(at('moved/one/deep.yaml'), ingressOf('deep', 'b'));
  times.push(await served(gatehouse, 'deep', 'b'));
  await rm(at('moved'), { recursive: true });
  times.push(await served(gatehouse, 'deep', 404));
  t.diagnostic(`served on every connection after ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`);
});

test('a mounted ConfigMap is swapped as the kubelet does it, without a gap', TIMEOUT, async (t) => {
  const gatehouse = await startWorld(t);
  const mount = join(gatehouse.folder, 'mounted');
  const fill = async (revision: string, name: 'a' | 'b'): Promise<void> => {
    await mkdir(join(mount, revision), { recursive: true });
    await writeFile(join(mount, revision, 'web.yaml'), ingressOf('web', name));
  };
  await fill('..1', 'a');
  await symlink('..1', join(mount, '..data'));
  await symlink('..data/web.yaml', join(mount, 'web.yaml'));
  await served(gatehouse, 'web', 'a');
  const load = steadyLoad(t, gatehouse, ['web']);
  const times: number[] = [];
  for (const [revision, name] of [['..2', 'b'], ['..3', 'a'], ['..4', 'b']] as const) {
    await fill(revision, name);
    await symlink(revision, join(mount, '..data_tmp'));
    await rename(join(mount, '..data_tmp'), join(mount, '..data'));
    times.push(await served(gatehouse, 'web', name));
    await rm(join(mount, `..${Number(revision.slice(2)) - 1}`), { recursive: true });
  }
  await load.answers(50);
  assert.deepEqual((await load.stop()).failures, []);
  t.diagnostic(`served on every connection after ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`);
});

test('a file that breaks keeps its last good content, is reported, and heals', TIMEOUT, async (t) => {
  const gatehouse = await startWorld(t);
  await gatehouse.writeText('web.yaml', ingressOf('web', 'a'));
  await served(gatehouse, 'web', 'a');
  const load = steadyLoad(t, gatehouse, ['web']);
  for (const broken of ['kind: [', '\0\0\0', '', '{"kind": "Ingress"', ingressOf('web', 'b').replaceAll('  ', '\t')]) {
    await gatehouse.writeText('web.yaml', broken);
    while ((await problemsOf(gatehouse, 'web.yaml')).length === 0) await sleep(10);
    assert.equal((await problemsOf(gatehouse, 'web.yaml'))[0]?.severity, 'error');
    assert.ok((await served(gatehouse, 'web', 'a')) >= 0);
    await gatehouse.writeText('web.yaml', ingressOf('web', 'a'));
    while ((await problemsOf(gatehouse, 'web.yaml')).length > 0) await sleep(10);
  }
  assert.deepEqual((await load.stop()).failures, []);
});

test('a file that is written piece by piece in place takes nothing away meanwhile', TIMEOUT, async (t) => {
  const gatehouse = await startWorld(t);
  const hosts = Array.from({ length: 20 }, (_, index) => `piece-${index}`);
  const file = join(gatehouse.folder, 'pieces.yaml');
  const text = (name: 'a' | 'b'): string => hosts.map((host) => ingressOf(host, name)).join('---\n');
  await writeFile(file, text('a'));
  await Promise.all(hosts.map((host) => served(gatehouse, host, 'a')));
  const load = steadyLoad(t, gatehouse, hosts);
  for (const name of ['b', 'a', 'b'] as const) {
    const handle = await open(file, 'w');
    for (const piece of text(name).match(/[^]{1,700}/g) ?? []) {
      await handle.write(piece);
      await sleep(5);
    }
    await handle.close();
    await Promise.all(hosts.map((host) => served(gatehouse, host, name)));
  }
  assert.deepEqual((await load.stop()).failures, []);
});

test('objects of old tutorials are served, and what to write today is said', TIMEOUT, async (t) => {
  const gatehouse = await startWorld(t);
  const old = (apiVersion: string, host: string): string => `apiVersion: ${apiVersion}
kind: Ingress
metadata:
  name: ${host}
  namespace: default
  annotations:
    kubernetes.io/ingress.class: nginx
spec:
  rules:
    - host: ${host}.test
      http:
        paths:
          - backend:
              serviceName: a
              servicePort: http
          - path: /b
            backend:
              serviceName: b
              servicePort: 80
`;
  await gatehouse.writeText('old.yaml', `${old('extensions/v1beta1', 'extensions')}---\n${old('networking.k8s.io/v1beta1', 'networking')}`);
  for (const host of ['extensions', 'networking']) {
    await served(gatehouse, host, 'a');
    assert.equal((await send({ port: gatehouse.http, host: `${host}.test`, path: '/b/c' })).body, 'b');
  }
  const problems = await problemsOf(gatehouse, 'old.yaml');
  assert.deepEqual(problems.map(({ severity, field, value }) => ({ severity, field, value })), [
    { severity: 'warning', field: 'apiVersion', value: '"extensions/v1beta1"' },
    { severity: 'warning', field: 'apiVersion', value: '"networking.k8s.io/v1beta1"' },
  ]);
});
