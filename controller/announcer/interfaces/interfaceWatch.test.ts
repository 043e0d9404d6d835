import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { silentLogger } from '../../../core/log/logger.ts';
import { SystemError } from '../../../core/os/systemError.ts';
import { addNamespace, endProcess, removeNamespace, type Namespace } from '../../../test/netns/namespace.ts';
import { lacks, lacksRoot } from '../../../test/support/requirement.ts';
import type { Link } from '../parts.ts';
import { createScriptedKernel } from './fixture/scriptedKernel.ts';
import { createInterfaceWatch } from './interfaceWatch.ts';

const options = { skip: lacksRoot() || lacks('ip'), timeout: 60_000 };

interface Line {
  readonly links?: readonly Link[];
  readonly address?: string;
  readonly route?: number | null;
}

/** A watch in a namespace of its own. */
interface Watched extends Namespace {
  /** Resolves with the first line, also of those before, that fits; lines up to it are taken. */
  next(fits: (line: Line) => boolean): Promise<Line>;
  tell(line: string): void;
  readonly process: ChildProcess;
}

let count = 0;

async function startWatch(t: TestContext, prepare: readonly string[] = []): Promise<Watched> {
  count += 1;
  const namespace = await addNamespace(`gwi${process.pid}-${count}`);
  t.after(() => removeNamespace(namespace));
  for (const command of ['link set lo up', ...prepare]) await namespace.exec('ip', command.split(' '));
  const child = namespace.spawn(process.execPath, ['--disable-warning=ExperimentalWarning', new URL('fixture/watchInterfaces.ts', import.meta.url).pathname]);
  t.after(() => endProcess(child, 'SIGKILL'));
  const { stdout, stdin, stderr } = child;
  assert.ok(stdout && stdin && stderr);
  stderr.on('data', (text: Buffer) => t.diagnostic(String(text)));
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const next = async (fits: (line: Line) => boolean): Promise<Line> => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) throw new Error('the watch has ended');
      const line = JSON.parse(value) as Line;
      if (fits(line)) return line;
    }
  };
  return { ...namespace, next, tell: (line) => { stdin.write(`${line}\n`); }, process: child };
}

function find(line: Line, name: string): Link | undefined {
  return line.links?.find((link) => link.name === name);
}

/** What `ip -j` tells, in our words. */
async function listByIp(namespace: Namespace): Promise<readonly Link[]> {
  const links = JSON.parse(await namespace.exec('ip', ['-j', '-d', 'link'])) as readonly IpLink[];
  const addresses = JSON.parse(await namespace.exec('ip', ['-j', 'addr'])) as readonly IpAddresses[];
  return links.map((link) => ({
    index: link.ifindex,
    name: link.ifname,
    mac: link.link_type === 'ether' ? link.address : '',
    up: ['UP', 'LOWER_UP'].every((flag) => link.flags.includes(flag)) && ['UP', 'UNKNOWN'].includes(link.operstate),
    loopback: link.flags.includes('LOOPBACK'),
    noArp: link.flags.includes('NOARP'),
    broadcast: link.flags.includes('BROADCAST'),
    master: links.find(({ ifname }) => ifname === link.master)?.ifindex ?? null,
    kind: link.linkinfo?.info_kind ?? '',
    addresses: (addresses.find(({ ifindex }) => ifindex === link.ifindex)?.addr_info ?? [])
      .map(({ local, prefixlen, tentative }) => ({ address: local, prefixLength: prefixlen, usable: tentative !== true })),
  }));
}

interface IpLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly operstate: string;
  readonly link_type: string;
  readonly address: string;
  readonly master?: string;
  readonly linkinfo?: { readonly info_kind?: string };
}

interface IpAddresses {
  readonly ifindex: number;
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number; readonly tentative?: boolean }[];
}

/** In one order, and without tentative addresses: the kernel tells of most once they are usable. */
function comparable(links: readonly Link[]): readonly Link[] {
  const usable = (link: Link) => link.addresses.filter((address) => address.usable).toSorted((a, b) => (a.address < b.address ? -1 : 1));
  return links.map((link) => ({ ...link, addresses: usable(link) })).toSorted((a, b) => a.index - b.index);
}

/** Waits until the watch and ip tell the same, and `isSettled`. */
async function nextAgreed(watched: Watched, isSettled: (line: Line) => boolean): Promise<Line> {
  for (;;) {
    const line = await watched.next(isSettled);
    if (isDeepStrictEqual(comparable(line.links ?? []), comparable(await listByIp(watched)))) return line;
  }
}

test('links and addresses are those that ip tells, after changes of every kind', options, async (t) => {
  const watched = await startWatch(t, ['link add veth0 type veth peer name veth1', 'link add br0 type bridge']);
  const run = (command: string): Promise<string> => watched.exec('ip', command.split(' '));
  const first = await watched.next(() => true);
  assert.deepEqual(comparable(first.links ?? []), comparable(await listByIp(watched)));
  for (const command of ['link set veth0 master br0', 'link set veth0 up', 'link set veth1 up', 'link set br0 up', 'addr add 192.0.2.5/24 dev br0', 'addr add 2001:db8::5/64 dev br0 nodad']) {
    await run(command);
  }
  // Optional kinds: what the kernel lacks is not compared.
  for (const command of ['link add link br0 name br0.7 type vlan id 7', 'link add bond0 type bond', 'tuntap add tun0 mode tun', 'tuntap add tap0 mode tap']) {
    const { code, stderr } = await watched.run('ip', command.split(' '));
    if (code !== 0) t.diagnostic(`ip ${command}: ${stderr.trim()}`);
  }
  await run('link set veth1 name lan1');
  await run('link set lan1 address 02:00:00:00:00:77');
  await run('link add last type veth peer name last1');
  // Link-local addresses become usable by themselves: wait until all are.
  const settled = await nextAgreed(watched, (line) => find(line, 'last') !== undefined && find(line, 'lan1')?.mac === '02:00:00:00:00:77'
    && ['br0', 'lan1'].every((name) => find(line, name)?.addresses.some(({ address, usable }) => usable && address.startsWith('fe80')) === true));
  assert.equal(find(settled, 'veth0')?.master, find(settled, 'br0')?.index);
  await run('link set veth0 nomaster');
  const free = await watched.next((line) => find(line, 'veth0')?.master === null);
  assert.equal(find(free, 'veth0')?.up, true);
  await run('link del br0');
  await watched.next((line) => find(line, 'br0') === undefined);
});

test('an interface that is deleted and made again is another one', options, async (t) => {
  const watched = await startWatch(t, ['link add veth0 type veth peer name veth1']);
  const before = find(await watched.next(() => true), 'veth0')?.index;
  await watched.exec('ip', ['link', 'del', 'veth0']);
  await watched.exec('ip', ['link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'veth1']);
  await watched.next((line) => ![undefined, before].includes(find(line, 'veth0')?.index));
});

test('a cable that is out for a moment is seen to have been out', options, async (t) => {
  const watched = await startWatch(t, ['link add veth0 type veth peer name veth1', 'link set veth0 up', 'link set veth1 up']);
  await watched.next((line) => find(line, 'veth0')?.up === true);
  // Both changes wait in the socket's queue when it is looked at.
  watched.tell('block 300');
  await watched.exec('ip', ['link', 'set', 'veth1', 'down']);
  await watched.exec('ip', ['link', 'set', 'veth1', 'up']);
  await watched.next((line) => find(line, 'veth0')?.up === false);
  await watched.next((line) => find(line, 'veth0')?.up === true);
});

test('routes are followed as they change, and with the interfaces they lead through', options, async (t) => {
  const watched = await startWatch(t, [
    'link add veth0 type veth peer name veth1', 'link set veth0 up', 'link set veth1 up', 'addr add 192.0.2.5/24 dev veth0', 'addr add 198.51.100.5/24 dev veth1',
  ]);
  const started = await watched.next((line) => find(line, 'veth0')?.up === true);
  const [veth0, veth1] = ['veth0', 'veth1'].map((name) => find(started, name)?.index);
  const routeTo = async (address: string): Promise<number | null | undefined> => {
    watched.tell(address);
    return (await watched.next((line) => line.address === address)).route;
  };
  assert.equal(await routeTo('203.0.113.9'), null);
  assert.equal(await routeTo('2001:db8::9'), null);
  assert.equal(await routeTo('192.0.2.5'), 1);
  /** Changes a route, and waits until the watch says that something is another. */
  const route = async (...command: readonly string[]): Promise<void> => {
    await watched.exec('ip', command);
    await watched.next((line) => line.links !== undefined);
  };
  await route('route', 'add', 'default', 'via', '192.0.2.1');
  assert.equal(await routeTo('203.0.113.9'), veth0);
  await route('route', 'add', '203.0.113.0/24', 'via', '198.51.100.1');
  assert.equal(await routeTo('203.0.113.9'), veth1);
  await route('route', 'add', 'unreachable', '203.0.113.9/32');
  assert.equal(await routeTo('203.0.113.9'), null);
  await route('rule', 'add', 'to', '203.0.113.9', 'lookup', '77');
  await watched.exec('ip', ['route', 'del', 'unreachable', '203.0.113.9/32']).then(() => watched.next((line) => line.links !== undefined));
  assert.equal(await routeTo('203.0.113.9'), veth1);
  await watched.exec('ip', ['link', 'set', 'veth1', 'down']);
  await watched.next((line) => find(line, 'veth1')?.up === false);
  assert.notEqual(await routeTo('203.0.113.9'), veth1);
});

test('after more changes than the kernel queues, the end is right', options, async (t) => {
  const watched = await startWatch(t, ['link add veth0 type veth peer name veth1']);
  await watched.next(() => true);
  watched.tell('block 3000');
  const changes = Array.from({ length: 4_000 }, (_, index) => `link set veth0 alias change${index}`);
  await watched.exec('ip', ['-batch', '-'], `${changes.join('\n')}\nlink set veth0 up\naddr add 192.0.2.77/24 dev veth0\n`);
  await nextAgreed(watched, (line) => find(line, 'veth0')?.addresses.some(({ address }) => address === '192.0.2.77') === true);
});

test('a process ends by itself once its watch is stopped', options, async (t) => {
  const watched = await startWatch(t);
  await watched.next(() => true);
  watched.process.stdin?.end();
  await once(watched.process, 'exit');
  assert.equal(watched.process.exitCode, 0);
});

test('a watch that fails goes on with what it knows, and begins anew a second later', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const kernel = createScriptedKernel();
  const warnings: string[] = [];
  let changes = 0;
  const log = { ...silentLogger, warn: (message: string) => { warnings.push(message); } };
  const watch = createInterfaceWatch({ log, onChange: () => { changes += 1; }, openSocket: kernel.openSocket });
  await watch.start();
  const [first] = kernel.sockets;
  assert.ok(first);
  first.receive = () => { throw new SystemError({ syscall: 'receive from', errno: 9, subject: 'a socket' }); };
  t.mock.timers.tick(50);
  assert.deepEqual([warnings.length, changes, watch.links().length, watch.routeTo('192.0.2.1')], [1, 0, 1, null]);
  assert.ok(kernel.sockets.every((socket) => socket.isClosed()));
  kernel.flags = 0;
  t.mock.timers.tick(999);
  assert.equal(kernel.sockets.length, 2);
  t.mock.timers.tick(1);
  assert.deepEqual([warnings.length, changes, watch.links()[0]?.up, watch.routeTo('192.0.2.1')], [1, 1, false, 2]);
  watch.stop();
  t.mock.timers.tick(10_000);
  assert.equal(kernel.sockets.length, 5);
  assert.ok(kernel.sockets.every((socket) => socket.isClosed()));
});

test('start and stop may be called again', options, async () => {
  const watch = createInterfaceWatch({ log: silentLogger, onChange: () => {} });
  assert.equal(watch.routeTo('127.0.0.1'), null);
  for (let round = 0; round < 2; round += 1) {
    await watch.start();
    await watch.start();
    assert.ok(watch.links().some(({ name, loopback }) => name === 'lo' && loopback));
    assert.equal(watch.routeTo('127.0.0.1'), 1);
    watch.stop();
    watch.stop();
  }
});
