import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { lacksRoot } from '../../test/support/requirement.ts';
import { openDescriptorChannel, receiveDescriptors, sendDescriptors } from './descriptorChannel.ts';
import { encodeDescriptorMessage } from './descriptorMessage.ts';
import { libc } from './libc.ts';
import { closeListeningSockets, openListeningSockets } from './listeningSockets.ts';

const CHILD = join(import.meta.dirname, 'fixture/descriptorReceiver.ts');

function open(t: TestContext): readonly [number, number] {
  const channel = openDescriptorChannel();
  t.after(() => { for (const end of channel) libc().close(end); });
  return channel;
}

function openFile(t: TestContext): number {
  const descriptor = openSync(import.meta.filename, 'r');
  t.after(() => closeSync(descriptor));
  return descriptor;
}

function countDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

for (const count of [0, 1, 2, 251, 252, 253, 504, 1_000]) {
  test(`${count} descriptors arrive in their order, as new ones of the same open files`, (t) => {
    const [near, far] = open(t);
    const files = ['/dev/null', '/dev/zero', '/dev/full'].map((path) => openSync(path, 'r'));
    t.after(() => { for (const file of files) closeSync(file); });
    const sent = Array.from({ length: count }, (_, index) => files[index % files.length] ?? -1);
    const before = countDescriptors();
    sendDescriptors(near, 7, sent);
    const received = receiveDescriptors(far, 7, count);
    t.after(() => { for (const descriptor of received) closeSync(descriptor); });
    assert.equal(countDescriptors(), before + count);
    const nameOf = (descriptor: number): string => readlinkSync(`/proc/self/fd/${descriptor}`);
    assert.deepEqual(received.map(nameOf), sent.map(nameOf));
    assert.ok(received.every((descriptor) => !sent.includes(descriptor)));
  });
}

test('a received descriptor is closed on exec', (t) => {
  const [near, far] = open(t);
  sendDescriptors(near, 1, [openFile(t)]);
  const [descriptor = -1] = receiveDescriptors(far, 1, 1);
  t.after(() => closeSync(descriptor));
  const O_CLOEXEC = 0o2000000;
  const information = openSync(`/proc/self/fdinfo/${descriptor}`, 'r');
  t.after(() => closeSync(information));
  const text = Buffer.alloc(256);
  readSync(information, text);
  const flags = Number.parseInt(/^flags:\s+(\d+)/m.exec(text.toString('latin1'))?.[1] ?? '0', 8);
  assert.equal(flags & O_CLOEXEC, O_CLOEXEC);
});

test('what arrives of a batch that failed is passed over and closed', (t) => {
  const [near, far] = open(t);
  const file = openFile(t);
  const before = countDescriptors();
  sendDescriptors(near, 1, Array<number>(300).fill(file));
  sendDescriptors(near, 2, [file]);
  const [descriptor = -1] = receiveDescriptors(far, 2, 1);
  assert.equal(countDescriptors(), before + 1);
  closeSync(descriptor);
});

for (const [what, announced] of [['fewer', 3], ['none', 1]] as const) {
  test(`${what} descriptors than announced are an error, and nothing stays open`, (t) => {
    const [near, far] = open(t);
    const file = openFile(t);
    const before = countDescriptors();
    if (what === 'fewer') sendDescriptors(near, 1, [file, file]);
    assert.throws(() => receiveDescriptors(far, 1, announced), { name: 'DescriptorChannelError', code: 'incomplete' });
    assert.equal(countDescriptors(), before);
  });
}

test('more descriptors than announced, or others of the batch, are an error, and nothing stays open', (t) => {
  const [near, far] = open(t);
  const file = openFile(t);
  const before = countDescriptors();
  sendDescriptors(near, 1, [file, file]);
  assert.throws(() => receiveDescriptors(far, 1, 1), { code: 'incomplete' });
  libc().sendMessage(near, encodeDescriptorMessage({ batch: 2, offset: 5, descriptors: [file] }, libc().addressOf));
  assert.throws(() => receiveDescriptors(far, 2, 1), { code: 'incomplete' });
  assert.equal(countDescriptors(), before);
});

test('a receiver that may hold no more descriptors gets an error that says so, and nothing stays open', (t) => {
  const [near, far] = open(t);
  const file = openFile(t);
  const before = countDescriptors();
  sendDescriptors(near, 1, Array<number>(10).fill(file));
  const limit = libc().readDescriptorLimit();
  const highest = Math.max(...readdirSync('/proc/self/fd').map(Number));
  libc().writeDescriptorLimit({ ...limit, soft: highest + 4 });
  try {
    const fillers: number[] = [];
    try {
      assert.throws(() => { for (;;) fillers.push(libc().duplicate(file)); }, { code: 'EMFILE', message: /ulimit -n/ });
      for (const filler of fillers.splice(-3)) libc().close(filler);
      assert.throws(() => receiveDescriptors(far, 1, 10), { code: 'truncated', message: /ulimit -n/ });
    } finally {
      for (const filler of fillers) libc().close(filler);
    }
  } finally {
    libc().writeDescriptorLimit(limit);
  }
  assert.equal(countDescriptors(), before);
});

test('a full queue, a closed end and a descriptor that is none are errors of the sender', (t) => {
  const [near, far] = openDescriptorChannel();
  t.after(() => libc().close(near));
  const file = openFile(t);
  assert.throws(() => sendDescriptors(near, 1, [1_000_000]), { errnoName: 'EBADF' });
  assert.throws(() => { for (let batch = 0; batch < 10_000; batch += 1) sendDescriptors(near, batch, [file]); }, { errnoName: 'EAGAIN' });
  libc().close(far);
  assert.throws(() => sendDescriptors(near, 1, [file]), { errnoName: /^(EPIPE|ECONNRESET)$/ });
});

test('a receiver whose sender is gone is told so', (t) => {
  const [near, far] = openDescriptorChannel();
  t.after(() => libc().close(far));
  libc().close(near);
  assert.throws(() => receiveDescriptors(far, 1, 1), { code: 'closed' });
});

test('a message that is none of ours is passed over', (t) => {
  const [near, far] = open(t);
  const file = openFile(t);
  const foreign = encodeDescriptorMessage({ batch: 1, offset: 0, descriptors: [file] }, libc().addressOf);
  // The length of its data, in struct iovec.
  foreign.writeBigUInt64LE(7n, 64);
  const before = countDescriptors();
  libc().sendMessage(near, foreign);
  assert.throws(() => receiveDescriptors(far, 1, 1), { code: 'incomplete' });
  assert.equal(countDescriptors(), before);
});

for (const uid of [undefined, 65_532]) {
  const skip = uid === undefined ? false : lacksRoot();
  test(`a child ${uid === undefined ? 'of the same user' : 'without rights'} accepts on a listening socket sent to it after its start`, { skip }, async (t) => {
    const [near, far] = openDescriptorChannel();
    t.after(() => libc().close(near));
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc', far], cwd: '/', ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    t.after(() => child.kill('SIGKILL'));
    libc().close(far);
    assert.deepEqual((await once(child, 'message'))[0], 'ready');
    const { descriptors, port } = openListeningSockets({ address: '127.0.0.1', port: 0, count: 1, backlog: 16 });
    sendDescriptors(near, 1, descriptors);
    closeListeningSockets(descriptors);
    child.send({ batch: 1, count: 1 });
    const client = connect({ port, host: '127.0.0.1' });
    const [greeting] = await once(client.setEncoding('utf8'), 'data');
    assert.equal(greeting, `from ${child.pid}`);
    child.disconnect();
    await once(child, 'exit');
  });
}
