import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { lacksWhen } from '../../../test/support/requirement.ts';
import { isListening, printLikeKernel } from './listeningSockets.ts';
import { parseProcessIdentity, readProcessIdentity } from './processIdentity.ts';
import { createProxyHealth } from './proxyHealth.ts';

const skip = lacksWhen(process.platform !== 'linux', 'needs /proc');

test('a proxy serves while the controller says so and its process is the one that was told of', () => {
  const identities = new Map([[7, 'first']]);
  const health = createProxyHealth({ identity: (pid) => identities.get(pid) ?? null, listens: () => false });
  assert.ok(!health.serves());
  health.told({ pid: 7, serving: true });
  assert.ok(health.serves());
  identities.set(7, 'second');
  assert.ok(!health.serves());
  health.told({ pid: 8, serving: true });
  assert.ok(!health.serves());
  identities.set(8, 'third');
  assert.ok(!health.serves(), 'it had ended when it was told of');
  health.told({ pid: 7, serving: true });
  assert.ok(health.serves());
  health.told({ pid: 7, serving: false });
  assert.ok(!health.serves());
  health.told({ pid: null, serving: false });
  assert.ok(!health.serves());
});

test('without a controller a proxy serves as long as it listens, where it has TCP ports at all', () => {
  let listens = true;
  const asked: unknown[] = [];
  const health = createProxyHealth({
    identity: () => 'same',
    listens: (ports) => {
      asked.push(ports);
      return listens;
    },
  });
  health.told({ pid: 7, serving: true });
  assert.ok(health.serves());
  assert.deepEqual(asked, []);
  const ports = [{ address: '192.0.2.1', port: 80 }];
  health.orphaned(ports);
  assert.ok(health.serves());
  listens = false;
  assert.ok(!health.serves());
  assert.deepEqual(asked, [ports, ports]);
  health.orphaned([]);
  assert.ok(health.serves());
});

test('a process is told from the next one by its start; a zombie has ended', () => {
  const fields = Array.from({ length: 20 }, (_, index) => String(index + 4));
  assert.equal(parseProcessIdentity(`7 (name) with) R) S ${fields.join(' ')}\n`), '22');
  for (const state of ['Z', 'X', 'x']) assert.equal(parseProcessIdentity(`7 (name) ${state} ${fields.join(' ')}\n`), null);
  assert.equal(parseProcessIdentity(''), null);
});

test('the kernel tells of this process, of a child, and of none that has ended', { skip }, async () => {
  assert.match(readProcessIdentity(process.pid) ?? '', /^\d+$/);
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  assert.match(readProcessIdentity(child.pid ?? 0) ?? '', /^\d+$/);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(readProcessIdentity(child.pid ?? 0), null);
});

test('addresses are written as the kernel writes them', () => {
  assert.equal(printLikeKernel({ address: '127.0.0.1', port: 8080 }), '0100007F:1F90');
  assert.equal(printLikeKernel({ address: '2001:db8::1', port: 80 }), 'B80D0120000000000000000001000000:0050');
});

test('a listening socket is found by its address and port, of both families, and no other', { skip }, async (t) => {
  for (const [address, other] of [['127.0.0.1', '127.0.0.2'], ['::1', '::2']] as const) {
    const server = createServer().listen(0, address);
    const failed = once(server, 'error').then(() => true);
    if (await Promise.race([failed, once(server, 'listening').then(() => false)])) continue;
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    assert.ok(isListening([{ address: other, port }, { address, port }]));
    assert.ok(!isListening([{ address: other, port }]));
    const closed = once(server, 'close');
    server.close();
    await closed;
    assert.ok(!isListening([{ address, port }]));
  }
});
