/**
 * The whole way of 1,000 LoadBalancer Services with ten endpoints each, from manifest files to the kernel: the start, one changed
 * EndpointSlice, and the memory of each process. In a network namespace of its own; needs root and nft. The kernel's own
 * notification of the new element ends a measurement.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasVip, startKernelMonitor } from '../../test/netns/kernelMonitor.ts';
import { addNamespace, endProcess, removeNamespace, type Namespace } from '../../test/netns/namespace.ts';
import { BINARY, readUntilReady } from '../../test/support/gatehouse.ts';
import { endpointOfService, vipOfService, writeService, writeServices } from '../../test/support/serviceFiles.ts';
import { median } from '../table.ts';

const SERVICES = Number(process.argv[2] ?? 1_000);
const ROUNDS = 21;
/** Further than the longest wait between two batches of changes. */
const PAUSE_MS = 300;

/** Own `/run/gatehouse`: announcers of one machine find each other there. */
const OWN_RUN_FOLDER = 'mkdir -p "$1" /run/gatehouse && mount --bind "$1" /run/gatehouse && shift && exec "$@"';

function startGatehouse(namespace: Namespace, folder: string): ChildProcess {
  const flags = ['--manifests', join(folder, 'manifests'), '--node-name', 'node-1', '--vips', 'kernel', '--workers', '1', '--log-format', 'json', '--state-dir', join(folder, 'state')];
  const listen = ['--http', '127.0.0.1:0', '--https', '127.0.0.1:0', '--admin', '127.0.0.1:9090'];
  return namespace.spawn('sh', ['-c', OWN_RUN_FOLDER, 'sh', join(folder, 'run'), BINARY, 'run', ...flags, ...listen]);
}

/** As `performance.now()`, to within the few milliseconds that asking takes. */
async function whenProgrammed(namespace: Namespace): Promise<number> {
  while (!(await hasVip(namespace, vipOfService(SERVICES - 1)))) await new Promise((resolve) => setTimeout(resolve, 5));
  return performance.now();
}

async function memoryOf(namespace: Namespace): Promise<string[]> {
  const { stdout } = spawn('ip', ['netns', 'pids', namespace.name], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pids = (await stdout.toArray()).join('').trim().split('\n');
  const lines: string[] = [];
  for (const pid of pids) {
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0').find((each) => each.endsWith('main.ts'));
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const [now, most] = ['VmRSS', 'VmHWM'].map((name) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024));
    if (command !== undefined) lines.push(`  ${command.split('/').slice(-2).join('/').padEnd(30)} ${now} MB now, ${most} MB at most`);
  }
  return lines;
}

const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'));
const namespace = await addNamespace(`gatehouse-bench-${process.pid}`);
try {
  await namespace.exec('ip', ['link', 'set', 'lo', 'up']);
  await namespace.exec('ip', ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1']);
  for (const link of ['eth0', 'eth1']) await namespace.exec('ip', ['link', 'set', link, 'up']);
  await namespace.exec('ip', ['address', 'add', '10.63.0.1/8', 'dev', 'eth0']);
  const manifests = join(folder, 'manifests');
  await writeServices(manifests, Array.from({ length: SERVICES }, (_, index) => ({ index, firstHost: 1 })));
  const startMs = performance.now();
  const gatehouse = startGatehouse(namespace, folder);
  gatehouse.stdout?.resume();
  const ended = once(gatehouse, 'exit').then(([code]) => { throw new Error(`gatehouse has ended with ${String(code)}`); });
  await Promise.race([readUntilReady(gatehouse, []), ended]);
  ended.catch(() => {});
  console.log(`${SERVICES} Services x 10 endpoints, ${(await readdir(manifests)).length} files`);
  console.log(`  ready after ${Math.round(performance.now() - startMs)} ms, in the kernel after ${Math.round(await whenProgrammed(namespace) - startMs)} ms`);
  const monitor = await startKernelMonitor(namespace);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  for (const line of await memoryOf(namespace)) console.log(line);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const service = { index: (round * 37) % SERVICES, firstHost: 100 + round };
    const seen = monitor.seen(` : ${endpointOfService(service.index, service.firstHost)} . `);
    const writtenMs = performance.now();
    await writeService(manifests, service);
    times.push(await seen - writtenMs);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  console.log(`  one EndpointSlice written to in the kernel: median ${median(times).toFixed(1)} ms, least ${Math.min(...times).toFixed(1)} ms, most ${Math.max(...times).toFixed(1)} ms`);
  for (const line of await memoryOf(namespace)) console.log(line);
  await endProcess(gatehouse);
} finally {
  await removeNamespace(namespace);
  await rm(folder, { recursive: true, force: true });
}
process.exit(0);
