import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Logger } from '../../../core/log/logger.ts';
import type { FromObedient, ObedientStart, ToObedient } from './fixture/obedientThread.ts';
import { createWatchedThread, type WatchedThread } from './watchedThread.ts';

interface Watched {
  readonly thread: WatchedThread<ToObedient, string>;
  readonly logged: readonly string[];
  /** What its owner was told of, in order, without beats. */
  readonly told: readonly string[];
  /** Resolves once the owner was told that often of a beginning. */
  readonly begun: (count: number) => Promise<void>;
}

/** Stopped with the test. */
function watched(t: TestContext, isStillborn = false): Watched {
  const [logged, told]: [string[], string[]] = [[], []];
  const log = (message: string): void => { logged.push(message); };
  const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger, flush: () => Promise.resolve() };
  const turns = new BigInt64Array(new SharedArrayBuffer(8));
  let waiters: { readonly count: number; readonly resolve: () => void }[] = [];
  const begins = (): number => told.filter((each) => each === 'ready').length;
  const thread: WatchedThread<ToObedient, string> = createWatchedThread<ToObedient, FromObedient, string>({
    subject: 'the obedient thread', consequence: 'nothing is lost', name: 'obedient', entry: new URL('fixture/obedientThread.ts', import.meta.url),
    workerData: (wakeDescriptor): ObedientStart => ({ wakeDescriptor, turns: turns.buffer, isStillborn }),
    beatEveryMs: 100, beat: () => {}, turns: () => Atomics.load(turns, 0), logger,
    began: () => { told.push('began'); },
    ended: () => { told.push('ended'); },
    stopping: () => { told.push('stopping'); },
    receive: (message) => {
      if (message.type === 'answer') return thread.settle(message.request, 'an answer');
      told.push(message.type);
      for (const { resolve } of waiters.filter(({ count }) => begins() >= count)) resolve();
      waiters = waiters.filter(({ count }) => begins() < count);
    },
  });
  t.after(() => thread.stop());
  return {
    thread, logged, told,
    begun: (count) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (begins() >= count) resolve();
      else waiters.push({ count, resolve });
      return promise;
    },
  };
}

const ask = (thread: Watched['thread']): Promise<string | null> => thread.ask((request) => ({ type: 'ask', request }));

test('it starts, answers and stops, as often as it is told', async (t) => {
  const { thread, logged, told } = watched(t);
  assert.equal(await ask(thread), null);
  await Promise.all([thread.start(), thread.start()]);
  assert.equal(await ask(thread), 'an answer');
  await Promise.all([thread.stop(), thread.stop()]);
  await thread.start();
  assert.deepEqual([await ask(thread), thread.isRunning(), thread.isStopped()], [null, false, true]);
  assert.deepEqual([logged, told], [[], ['began', 'ready', 'stopping', 'ended']]);
});

test('one that dies is started again, and whoever waits for it gets no answer', async (t) => {
  const { thread, logged, told, begun } = watched(t);
  await thread.start();
  thread.post({ type: 'throw', text: 'oops' });
  thread.wake();
  const unanswered = ask(thread);
  await begun(2);
  assert.equal(await unanswered, null);
  assert.equal(await ask(thread), 'an answer');
  assert.deepEqual(logged, ['the obedient thread has ended and is started again: nothing is lost']);
  assert.deepEqual(told, ['began', 'ready', 'ended', 'began', 'ready']);
});

test('one that hangs for five seconds is ended, and started again', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { thread, logged, begun } = watched(t);
  await thread.start();
  assert.equal(await thread.ask((request) => ({ type: 'hang', request })), 'an answer');
  // The first beat finds its last turn.
  t.mock.timers.tick(100 + 4_900);
  assert.deepEqual(logged, []);
  t.mock.timers.tick(100);
  await begun(2);
  assert.deepEqual(logged, ['the obedient thread hangs and is ended', 'the obedient thread has ended and is started again: nothing is lost']);
  assert.equal(await ask(thread), 'an answer');
});

test('one that ends before it is ready is no start, and is not tried again', async (t) => {
  const { thread, logged, told } = watched(t, true);
  await assert.rejects(thread.start(), /stillborn/);
  assert.deepEqual([thread.isRunning(), thread.isStopped(), logged, told], [false, true, [], ['began', 'ended', 'stopping']]);
});

test('one that was stopped before its start never starts', async (t) => {
  const { thread, told } = watched(t);
  await thread.stop();
  await thread.start();
  assert.deepEqual([thread.isRunning(), told], [false, ['stopping']]);
});
