import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { libc } from './libc.ts';
import { SystemError } from './systemError.ts';

function openPair(t: TestContext): readonly [number, number] {
  const pair = libc().openPacketPair();
  t.after(() => { for (const end of pair) libc().close(end); });
  return pair;
}

test('what is sent is received, message by message, and then there is nothing', (t) => {
  const [near, far] = openPair(t);
  const bytes = Buffer.alloc(8);
  assert.equal(libc().receive(far, bytes), null);
  assert.equal(libc().send(near, Buffer.from('one'), null), true);
  assert.equal(libc().send(near, Buffer.from('another'), null), true);
  assert.equal(libc().receive(far, bytes), 3);
  assert.equal(bytes.toString('latin1', 0, 3), 'one');
  assert.equal(libc().receive(far, bytes), 7);
  assert.equal(libc().receive(far, bytes), null);
});

test('a full queue takes nothing more, and is no error', (t) => {
  const [near] = openPair(t);
  let sent = 0;
  while (libc().send(near, Buffer.alloc(4096), null)) sent += 1;
  assert.ok(sent > 0);
});

test('waiting tells which of several can be read, or have failed, and none when time is up', (t) => {
  const [near, far] = openPair(t);
  const [, other] = openPair(t);
  assert.deepEqual(libc().waitReadable([far, other], 0), []);
  assert.deepEqual(libc().waitReadable([], 0), []);
  libc().send(near, Buffer.from('x'), null);
  assert.deepEqual(libc().waitReadable([other, far], 10_000), [far]);
  assert.deepEqual(libc().waitReadable([0x7fff_fff0, other], 10_000), [0x7fff_fff0]);
});

test('calls on what is no descriptor say so', () => {
  const isBadDescriptor = (error: unknown): boolean => error instanceof SystemError && error.errnoName === 'EBADF';
  assert.throws(() => libc().receive(0x7fff_fff0, Buffer.alloc(1)), isBadDescriptor);
  assert.throws(() => libc().send(0x7fff_fff0, Buffer.alloc(1), null), isBadDescriptor);
  assert.throws(() => libc().setOption(0x7fff_fff0, { level: 1, name: 8, value: Buffer.alloc(4) }), isBadDescriptor);
});
