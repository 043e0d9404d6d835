import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { silentLogger, type Logger } from '../../../core/log/logger.ts';
import { systemClock } from '../../../core/time/clock.ts';
import { until } from '../../../test/support/until.ts';
import { createMembership, type GossipMembership, type MembershipDependencies } from './membership.ts';
import { createSeal } from './envelope.ts';
import { encodeMessage } from './messageCodec.ts';

const KEY = Buffer.alloc(32, 5).toString('base64');
/** Addresses of this test process alone: other files may run beside it. */
const address = (index: number): string => `127.${64 + (process.pid & 63)}.${(process.pid >> 6) & 255}.${index}`;
const names = (membership: GossipMembership): string => [...membership.alive().keys()].sort().join(' ');

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, address(250));
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => {
    socket.close(() => resolve());
  });
  return port;
}

/** Nodes `n1`, `n2`, ... on addresses of their own, which know of each other. */
function createNode(t: TestContext, index: number, port: number, changes: Partial<MembershipDependencies> = {}): GossipMembership {
  const membership = createMembership({
    nodeName: `n${index}`, port, key: KEY, bindAddresses: [address(index)], logger: silentLogger, clock: systemClock, onChange: () => {}, ...changes,
  });
  t.after(() => membership.stop());
  membership.setNodes(new Map([1, 2, 3, 4].map((each) => [`n${each}`, [address(each)]])));
  membership.setState({ serving: true, unable: [], held: [] });
  return membership;
}

test('announcers find each other, tell their states, and notice a leave', async (t) => {
  const port = await freePort();
  let changes = 0;
  const nodes = [1, 2, 3, 4].map((index) => createNode(t, index, port, { onChange: () => { changes += 1; } }));
  await Promise.all(nodes.map((node) => node.start()));
  const [first, second, third, fourth] = nodes;
  assert.ok(first && second && third && fourth);
  await until('all see all', () => nodes.every((node) => names(node) === 'n1 n2 n3 n4'));
  const held = Array.from({ length: 2_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
  first.setState({ serving: false, unable: ['eth7'], held });
  await until('all know the state of the first', () => nodes.every((node) => node.alive().get('n1')?.held.length === 2_000));
  assert.deepEqual(fourth.alive().get('n1'), { serving: false, unable: ['eth7'], held });
  assert.deepEqual(first.alive().get('n1'), { serving: false, unable: ['eth7'], held });
  await second.stop();
  await until('the second has left', () => [first, third, fourth].every((node) => names(node) === 'n1 n3 n4'));
  const report = third.members().find(({ node }) => node === 'n2');
  assert.equal(report?.state, 'left');
  assert.equal(report.address, address(2));
  assert.ok(Math.abs(Date.now() - report.sinceMs) < 60_000);
  assert.ok(changes > 0);
  const { sent, received, faults } = first.counts();
  assert.ok(sent > 0 && received > 0);
  assert.deepEqual(Object.values(faults).filter((count) => count > 0), []);
});

/** Node `n3` in a process of its own; `says` is the last list of names it has printed. */
function startProcess(t: TestContext, port: number): { readonly child: ChildProcess; readonly says: () => string } {
  const main = fileURLToPath(new URL('testing/memberMain.ts', import.meta.url));
  const nodes = [1, 2, 3].map((index) => `n${index}=${address(index)}`);
  const child = spawn(process.execPath, [main, 'n3', String(port), KEY, ...nodes], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(-200); });
  return { child, says: () => said.trimEnd().split('\n').at(-1) ?? '' };
}

test('a process that is killed is dead to the others, and one that is stopped too, until it goes on', async (t) => {
  const port = await freePort();
  const [first, second] = [createNode(t, 1, port), createNode(t, 2, port)];
  await Promise.all([first.start(), second.start()]);
  const both = (wanted: string): boolean => names(first) === wanted && names(second) === wanted;
  const killed = startProcess(t, port);
  await until('all see all', () => both('n1 n2 n3') && killed.says() === 'n1 n2 n3');
  killed.child.kill('SIGKILL');
  await until('it is dead', () => both('n1 n2'));
  assert.equal(first.members().find(({ node }) => node === 'n3')?.state, 'dead');
  const stopped = startProcess(t, port);
  await until('all see all', () => both('n1 n2 n3') && stopped.says() === 'n1 n2 n3');
  stopped.child.kill('SIGSTOP');
  await until('it is dead', () => both('n1 n2'));
  stopped.child.kill('SIGCONT');
  await until('it is back', () => both('n1 n2 n3'));
  assert.equal(stopped.says(), 'n1 n2 n3', 'and has missed nobody');
});

test('announcers with other keys, or without one, do not listen to each other, and say so once', async (t) => {
  const port = await freePort();
  const lines: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (message) => { lines.push(message); } };
  const first = createNode(t, 1, port, { logger });
  const second = createNode(t, 2, port, { key: Buffer.alloc(32, 6).toString('base64') });
  const third = createNode(t, 3, port, { key: null });
  await Promise.all([first.start(), second.start(), third.start()]);
  await until('both are refused', () => first.counts().faults.authentication > 1 && first.counts().faults.form > 1 && third.counts().faults.form > 1);
  assert.deepEqual([names(first), names(second), names(third)], ['n1', 'n2', 'n3']);
  assert.equal(lines.filter((line) => line === 'a datagram is not of our group: has its sender the same membership key?').length, 1);
});

async function stranger(t: TestContext, from: string): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, from);
  t.after(() => socket.close());
  await once(socket, 'listening');
  return socket;
}

test('without a key a sender is believed from its own addresses only, and unknown nodes never', async (t) => {
  const port = await freePort();
  const first = createNode(t, 1, port, { key: null });
  await first.start();
  const hello = (node: string, boot: string): Buffer => createSeal(null, boot)(encodeMessage({
    sender: { node, status: 'alive', boot, incarnation: 9, stateVersion: 0, state: null }, body: { type: 'news' }, news: [],
  }));
  const elsewhere = await stranger(t, address(9));
  elsewhere.send(hello('n2', '00000000000000aa'), port, address(1));
  await until('it is refused', () => first.counts().faults.wrongAddress === 1);
  elsewhere.send(hello('who', '00000000000000aa'), port, address(1));
  await until('it is refused', () => first.counts().faults.unknownSender === 1);
  elsewhere.send(hello('n1', '00000000000000aa'), port, address(1));
  await until('it is refused', () => first.counts().faults.ownName === 1);
  assert.equal(names(first), 'n1');
  const known = await stranger(t, address(2));
  known.send(hello('n2', '00000000000000bb'), port, address(1));
  await until('it is believed', () => names(first) === 'n1 n2');
  known.send(hello('n2', '00000000000000bb'), port, address(1));
  await until('the same again is not', () => first.counts().faults.replay === 1);
});

test('datagrams of any kind from strangers are counted and change nothing', async (t) => {
  const port = await freePort();
  const first = createNode(t, 1, port);
  await first.start();
  const socket = await stranger(t, address(9));
  const datagrams = [Buffer.alloc(0), Buffer.alloc(5), Buffer.alloc(1_400), Buffer.alloc(40), Buffer.from('GHM\x09s'.padEnd(64), 'latin1'), Buffer.from('GHM\x01s'.padEnd(64), 'latin1')];
  for (const datagram of datagrams) socket.send(datagram, port, address(1));
  await until('all have arrived', () => first.counts().received === datagrams.length);
  const { length, magic, version, authentication } = first.counts().faults;
  assert.deepEqual([length, magic, version, authentication], [3, 1, 1, 1]);
  assert.equal(names(first), 'n1');
});

test('a port in use is an error that names it, and leaves nothing open', async (t) => {
  const port = await freePort();
  const first = createNode(t, 1, port);
  await first.start();
  const second = createNode(t, 2, port, { bindAddresses: [address(1)] });
  await assert.rejects(second.start(), new RegExp(`UDP port ${port} of ${address(1)}, for membership, is in use`));
  await second.stop();
});

test('by default both families are bound, and whichever address of a node answers is used', async (t) => {
  const port = await freePort();
  const first = createNode(t, 1, port, { bindAddresses: ['0.0.0.0'] });
  const second = createNode(t, 2, port, { bindAddresses: ['::1'] });
  const third = createMembership({ nodeName: 'n3', port, key: 'dG9vIHNob3J0IGJ5IGZhciwgb3Igbm90Pw==', logger: silentLogger, clock: systemClock, onChange: () => {} });
  t.after(() => third.stop());
  await first.start();
  await second.start();
  first.setNodes(new Map([['n2', ['::1', '127.0.0.1']]]));
  await assert.rejects(third.start(), /in use/, 'one family is not enough when the other is taken');
  await second.stop();
  // 127.0.0.1 reaches the first itself, which does not take itself for the second.
  assert.equal(first.members()[0]?.address, '127.0.0.1');
  assert.equal(names(first), 'n1');
});

test('starting and stopping twice, or stopping before the start, does no harm', async (t) => {
  const port = await freePort();
  const first = createNode(t, 1, port);
  await Promise.all([first.start(), first.start()]);
  await Promise.all([first.stop(), first.stop()]);
  const second = createNode(t, 1, port);
  await second.stop();
  await second.start();
  assert.equal(names(second), 'n1');
  const third = createNode(t, 1, port);
  await third.start();
});

test('a key that is too short and a name that cannot be sent are refused', () => {
  const dependencies = { nodeName: 'n1', port: 7946, key: null, logger: silentLogger, clock: systemClock, onChange: () => {} };
  assert.throws(() => createMembership({ ...dependencies, key: 'c2hvcnQ=' }), RangeError);
  assert.throws(() => createMembership({ ...dependencies, nodeName: 'a b' }), RangeError);
});

test('a start is settled once the others have answered, or have had the time to, though none is there', async (t) => {
  const port = await freePort();
  const joinMs = 300;
  const node = createNode(t, 1, port, { timings: { joinMs } });
  const startedMs = systemClock.now();
  await node.start();
  assert.ok(systemClock.now() - startedMs >= joinMs, 'nobody has answered');
});
