import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { resetConnection } from './resetConnection.ts';

/** Both ends of a connection; what they fail with is collected. */
async function openPair(t: TestContext): Promise<{ readonly near: Socket; readonly far: Socket; readonly failures: string[] }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const far = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [[near]] = (await Promise.all([accepted, once(far, 'connect')])) as [[Socket], unknown];
  t.after(() => server.close());
  const failures: string[] = [];
  for (const [name, socket] of [['near', near], ['far', far]] as const) {
    socket.on('error', (error: NodeJS.ErrnoException) => failures.push(`${name} ${error.code}`));
    t.after(() => socket.destroy());
  }
  return { near, far, failures };
}

/** Resolves when the socket is closed, whether it has failed or not. */
function closed(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once('close', () => resolve());
  return promise;
}

for (const [state, prepare] of [
  ['open', () => {}],
  ['about to be ended', (near: Socket) => void near.end()],
  ['ended, with octets that nobody reads before its end', (near: Socket) => void near.end(Buffer.alloc(32 * 1024 * 1024))],
] as const) {
  test(`a connection that is ${state} is closed, and its peer told of a reset`, async (t) => {
    const { near, far, failures } = await openPair(t);
    prepare(near);
    const both = Promise.all([closed(near), closed(far)]);
    resetConnection(near);
    assert.equal(near.destroyed, true);
    far.resume();
    await both;
    assert.deepEqual(failures, ['far ECONNRESET']);
  });
}

test('a connection whose end has been sent is closed, and its peer told of a reset', async (t) => {
  const { near, far, failures } = await openPair(t);
  near.end();
  far.resume();
  await Promise.all([once(near, 'finish'), once(far, 'end')]);
  const both = Promise.all([closed(near), closed(far)]);
  near.once('close', () => far.write('who has read the end reads no more, and hears of the reset by writing'));
  resetConnection(near);
  await both;
  assert.deepEqual(failures, ['far EPIPE']);
});

test('a connection that is closed stays so, and one that is being made is not made', async (t) => {
  const { near, failures } = await openPair(t);
  near.destroy();
  resetConnection(near);
  const early = connect({ port: 9, host: 'localhost' });
  early.end();
  const over = closed(early);
  resetConnection(early);
  await over;
  assert.deepEqual(failures, []);
});
