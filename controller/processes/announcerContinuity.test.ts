import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { lacks, lacksRoot } from '../../test/support/requirement.ts';
import { until } from '../../test/support/until.ts';
import { addNamespace, removeNamespace, type Namespace } from '../../test/netns/namespace.ts';
import { capabilityMask } from './capabilities.ts';
import { announcerCapabilities } from './announcerPermission.ts';
import { announcerFolder } from './fixture/runningAnnouncer.ts';
import { waitUntilGone } from './fixture/processFacts.ts';
import { ANNOUNCER_ID } from './processUser.ts';
import type { AnnouncerReport } from '../announcer/report.ts';

const skip = lacksRoot() || lacks('nft') || lacks('setpriv') || lacks('arping') || lacks('curl') || lacks('python3');

const ADDRESS = '192.0.2.10';
/** As /proc/PID/status prints them. */
const CAPABILITIES = capabilityMask(announcerCapabilities(readFileSync('/proc/self/status', 'utf8')));
const NODE_ADDRESS = '192.0.2.1';
const ENDPOINT_PORT = 8080;
const CONTROLLER = join(import.meta.dirname, 'fixture/announcingController.ts');

/** A node and a client of it, each in a namespace of its own, on one wire; an endpoint on the node. */
interface Lan {
  readonly node: Namespace;
  readonly client: Namespace;
  readonly folder: string;
}

interface TestController {
  readonly process: ChildProcess;
  /** Of the announcer. */
  pid(): number;
  readonly report: () => AnnouncerReport | null;
  readonly lines: readonly string[];
}

let lans = 0;

async function layLan(t: TestContext): Promise<Lan> {
  lans += 1;
  const node = await addNamespace(`gha-${process.pid}-${lans}n`);
  const client = await addNamespace(`gha-${process.pid}-${lans}c`);
  t.after(async () => {
    await removeNamespace(node);
    await removeNamespace(client);
  });
  await node.exec('ip', ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', client.name]);
  for (const [namespace, address] of [[node, NODE_ADDRESS], [client, '192.0.2.2']] as const) {
    await namespace.exec('ip', ['address', 'add', `${address}/24`, 'dev', 'eth0']);
    for (const link of ['lo', 'eth0']) await namespace.exec('ip', ['link', 'set', link, 'up']);
  }
  node.spawn('python3', ['-m', 'http.server', String(ENDPOINT_PORT), '--bind', NODE_ADDRESS, '--directory', import.meta.dirname]);
  await until('the endpoint answers', async () => (await node.run('curl', ['-sf', `http://${NODE_ADDRESS}:${ENDPOINT_PORT}/`])).code === 0);
  return { node, client, folder: announcerFolder(t) };
}

/** `tools`: where programs are looked for first. */
async function startController({ node, folder }: Lan, tools = '/usr/sbin'): Promise<TestController> {
  const controller = node.spawn('env', [`PATH=${tools}:${process.env['PATH']}`, process.execPath, '--disable-warning=ExperimentalWarning', CONTROLLER, folder, ADDRESS, NODE_ADDRESS, String(ENDPOINT_PORT)]);
  const lines: string[] = [];
  let pid = 0;
  let report: AnnouncerReport | null = null;
  controller.stderr?.on('data', (text: Buffer) => process.stderr.write(text));
  if (controller.stdout === null) throw new Error('no standard output');
  createInterface(controller.stdout).on('line', (line) => {
    const told = JSON.parse(line) as { readonly type: string; readonly pid: number; readonly report?: AnnouncerReport };
    lines.push(line);
    pid = told.pid;
    report = told.report ?? report;
  });
  await until('the announcer is started', async () => await announcerOf(controller) !== null);
  return { process: controller, pid: () => pid, report: () => report, lines };
}

async function announcerOf({ pid }: ChildProcess): Promise<number | null> {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? null : Number(children.split(' ')[0]);
}

/** The hardware address that answers for the VIP, when exactly one does. */
async function answers({ client }: Lan): Promise<string | null> {
  const { stdout } = await client.run('arping', ['-c', '1', '-w', '1', '-i', 'eth0', ADDRESS]);
  return /from ([0-9a-f:]{17})/.exec(stdout)?.[1] ?? null;
}

async function untilServed(lan: Lan): Promise<void> {
  await until('the VIP is answered for', async () => await answers(lan) !== null);
  await until('the VIP leads to the endpoint', () => serves(lan));
}

async function serves({ client }: Lan): Promise<boolean> {
  return (await client.run('curl', ['-sf', '-o', '/dev/null', '--max-time', '2', `http://${ADDRESS}/`])).code === 0;
}

/** Watches the table without a pause; answers whether it was ever missing. */
function watchTable({ node }: Lan): () => Promise<number> {
  let [missing, stopped] = [0, false];
  const watching = (async () => {
    while (!stopped) if (!(await node.exec('nft', ['list', 'tables'])).includes('gatehouse')) missing += 1;
  })();
  return async () => {
    stopped = true;
    await watching;
    return missing;
  };
}

/** An nft that first tells what it may do, and where. */
function toolsWithTellingNft(t: TestContext): { readonly folder: string; readonly told: string } {
  const folder = announcerFolder(t);
  chmodSync(folder, 0o777);
  const told = join(folder, 'told');
  writeFileSync(join(folder, 'nft'), `#!/bin/sh\ngrep -E 'Cap|Uid|NoNewPrivs' /proc/$$/status >> ${told}\nexec /usr/sbin/nft "$@"\n`, { mode: 0o755 });
  return { folder, told };
}

test('a VIP is answered for and leads to its endpoint, by a process with nothing but its capabilities and an nft with the same', { skip }, async (t) => {
  const lan = await layLan(t);
  const tools = toolsWithTellingNft(t);
  const controller = await startController(lan, tools.folder);
  await untilServed(lan);
  const mac = (await lan.node.exec('cat', ['/sys/class/net/eth0/address'])).trim();
  assert.equal(await answers(lan), mac);
  for (const status of [readFileSync(`/proc/${controller.pid()}/status`, 'utf8'), readFileSync(tools.told, 'utf8')]) {
    assert.deepEqual(new Set(status.match(/^Cap\w+:\s*[0-9a-f]+$/gm)?.map((line) => line.split(/\s+/)[1])), new Set([CAPABILITIES]));
    assert.match(status, new RegExp(`^Uid:\\s+${ANNOUNCER_ID}\\s`, 'm'));
    assert.match(status, /^NoNewPrivs:\s+1$/m);
  }
  await until('the kernel is reported', () => controller.report()?.kernel.programmed === true);
  assert.equal(controller.report()?.vips[0]?.owner, 'a');
});

test('a killed announcer is replaced, answers again, and the table was never gone', { skip }, async (t) => {
  const lan = await layLan(t);
  const controller = await startController(lan);
  await untilServed(lan);
  const stopWatching = watchTable(lan);
  for (let count = 0; count < 3; count += 1) {
    const pid = controller.pid();
    process.kill(pid, 'SIGKILL');
    await until('another one works', () => controller.pid() !== pid && controller.lines.at(-1)?.includes('"report"'));
    await untilServed(lan);
  }
  assert.equal(await stopWatching(), 0);
});

test('an announcer goes on without its controller, the next controller\'s takes over, and stopping for good leaves nothing', { skip }, async (t) => {
  const lan = await layLan(t);
  const first = await startController(lan);
  await untilServed(lan);
  const orphan = first.pid();
  const exited = once(first.process, 'exit');
  first.process.kill('SIGKILL');
  await exited;
  await untilServed(lan);
  assert.equal(readlinkSync(`/proc/${orphan}/exe`), process.execPath);

  const stopWatching = watchTable(lan);
  // From the first moment of the second controller to the last of the orphan somebody answers every request.
  const silent: number[] = [];
  let isOver = false;
  const asking = (async () => {
    for (let count = 0; !isOver; count += 1) if (await answers(lan) === null) silent.push(count);
  })();
  const second = await startController(lan);
  await waitUntilGone(orphan);
  isOver = true;
  await asking;
  assert.deepEqual(silent, []);
  assert.equal(await stopWatching(), 0);
  await untilServed(lan);
  assert.equal(second.report()?.vips[0]?.owner, 'a');
  assert.ok(!second.lines.some((line) => line.includes('"moved"')), second.lines.join('\n'));

  const announcer = second.pid();
  const stopped = once(second.process, 'exit');
  second.process.stdin?.write('stop for good\n');
  await stopped;
  await waitUntilGone(announcer);
  assert.equal(await answers(lan), null);
  assert.equal(await lan.node.exec('nft', ['list', 'tables']), '');
  assert.doesNotMatch(await lan.node.exec('ip', ['rule']), /fwmark/);
  assert.equal((await lan.node.run('ip', ['route', 'show', 'table', '7946'])).stdout, '');
});

test('a stopped announcer answers no more and leaves the table for whoever comes next; so does SIGTERM for an orphan', { skip }, async (t) => {
  const lan = await layLan(t);
  const first = await startController(lan);
  await untilServed(lan);
  const stopped = once(first.process, 'exit');
  first.process.stdin?.write('stop\n');
  await stopped;
  assert.equal(await answers(lan), null);
  assert.match(await lan.node.exec('nft', ['list', 'tables']), /gatehouse/);

  const second = await startController(lan);
  await untilServed(lan);
  const orphan = second.pid();
  const exited = once(second.process, 'exit');
  second.process.kill('SIGKILL');
  await exited;
  process.kill(orphan, 'SIGTERM');
  await waitUntilGone(orphan);
  assert.equal(await answers(lan), null);
  assert.match(await lan.node.exec('nft', ['list', 'tables']), /gatehouse/);
});
