import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { silentLogger } from '../../core/log/logger.ts';
import { WorkerSockets } from './workerSockets.ts';
import type { FromWorker, WorkerSocket } from './workerMessages.ts';

interface Bench {
  readonly sockets: WorkerSockets;
  readonly socket: WorkerSocket;
  /** Duplicates the engine holds. */
  readonly held: Set<number>;
  readonly errors: readonly string[];
  /** Emits `sent` with every message. */
  readonly sent: EventEmitter;
}

/** The sockets of a worker whose engine refuses the first `failures` calls, with the descriptor closed as it must. */
function create(t: TestContext, failures = 0): Bench {
  const held = new Set<number>();
  const errors: string[] = [];
  const sent = new EventEmitter();
  let left = failures;
  const descriptor = openSync('/dev/null', 'r');
  const sockets = new WorkerSockets({
    engine: {
      listen: async (socket) => {
        left -= 1;
        if (left >= 0) {
          closeSync(socket.descriptor);
          throw new Error('no room');
        }
        held.add(socket.descriptor);
      },
      unlisten: (duplicate) => {
        held.delete(duplicate);
        closeSync(duplicate);
      },
    },
    logger: { ...silentLogger, error: (message) => { errors.push(message); } },
    send: (message: FromWorker) => { sent.emit('sent', message); },
    retryMs: 1,
  });
  t.after(() => {
    for (const duplicate of held) closeSync(duplicate);
    closeSync(descriptor);
  });
  return { sockets, socket: { protocol: 'tcp', address: '127.0.0.1', port: 1, descriptor }, held, errors, sent };
}

test('the engine gets a duplicate, once, and gives it back', async (t) => {
  const { sockets, socket, held, sent } = create(t);
  const answer = once(sent, 'sent');
  sockets.listen(socket);
  sockets.listen(socket);
  assert.deepEqual(await answer, [{ type: 'listening', descriptor: socket.descriptor }]);
  assert.equal(held.size, 1);
  assert.ok(!held.has(socket.descriptor));
  sockets.unlisten(socket.descriptor);
  sockets.unlisten(socket.descriptor);
  assert.equal(held.size, 0);
});

test('an engine that cannot accept is told of once in the log and asked again until it can', async (t) => {
  const { sockets, socket, held, errors, sent } = create(t, 3);
  // The retry timer holds no process alive.
  const alive = setInterval(() => {}, 1_000);
  t.after(() => clearInterval(alive));
  const messages: unknown[] = [];
  sent.on('sent', (message) => messages.push(message));
  sockets.listen(socket);
  while (held.size === 0) await once(sent, 'sent');
  const { descriptor } = socket;
  assert.deepEqual(messages, [{ type: 'listenFailed', descriptor }, { type: 'listening', descriptor }]);
  assert.equal(errors.length, 1);
});

test('a descriptor that cannot be duplicated is such a failure too, and stop ends the tries', async (t) => {
  const { sockets, socket, held, sent } = create(t);
  const answer = once(sent, 'sent');
  sockets.listen({ ...socket, descriptor: 1_000_000 });
  assert.deepEqual(await answer, [{ type: 'listenFailed', descriptor: 1_000_000 }]);
  sockets.stop();
  sockets.listen(socket);
  assert.equal(held.size, 0);
});
