import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRequestQueue, type RequestQueue, type WorkOutcome } from './requestQueue.ts';
import { createManualTime, type ManualTime } from './testing/manualTime.ts';

interface Bench {
  readonly queue: RequestQueue;
  readonly time: ManualTime;
  readonly started: string[];
  readonly finish: (key: string, outcome?: WorkOutcome) => Promise<void>;
  may: boolean;
}

function createBench({ burst = 100, maxInFlight = 2 } = {}): Bench {
  const time = createManualTime();
  const started: string[] = [];
  const waiting = new Map<string, (outcome: WorkOutcome) => void>();
  const bench = { may: true };
  const queue = createRequestQueue({
    work: (key, signal) => {
      started.push(key);
      const { promise, resolve } = Promise.withResolvers<WorkOutcome>();
      waiting.set(key, resolve);
      signal.addEventListener('abort', () => resolve(null));
      return promise;
    },
    mayWork: () => bench.may,
    maxInFlight,
    rate: { burst, refillMs: 1_000 },
    clock: time.clock,
    schedule: time.schedule,
  });
  const finish = async (key: string, outcome: WorkOutcome = null): Promise<void> => {
    waiting.get(key)?.(outcome);
    await time.settle();
  };
  return Object.assign(bench, { queue, time, started, finish });
}

test('keys are worked on in their order, only so many at once, each once at a time', async () => {
  const { queue, started, finish } = createBench();
  for (const key of ['a', 'b', 'c', 'a']) queue.add(key);
  assert.deepEqual(started, ['a', 'b']);
  await finish('b');
  assert.deepEqual(started, ['a', 'b', 'c']);
  await finish('a');
  assert.deepEqual(started, ['a', 'b', 'c', 'a']);
  await finish('a');
  await finish('c');
  assert.equal(queue.size, 0);
});

test('the rate holds back what exceeds the burst', async () => {
  const { queue, started, finish, time } = createBench({ burst: 2, maxInFlight: 9 });
  for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
  assert.equal(started.length, 2);
  await time.advance(1_000);
  assert.equal(started.length, 3);
  await time.advance(1_000);
  assert.equal(started.length, 4);
  for (const key of started) await finish(key);
  assert.equal(time.timers, 0);
});

test('what failed waits alone, or all wait with it', async () => {
  const { queue, started, finish, time } = createBench();
  queue.add('a');
  await finish('a', { againInMs: 5_000, pauseAll: false });
  queue.add('b');
  assert.deepEqual(started, ['a', 'b']);
  await finish('b', { againInMs: 3_000, pauseAll: true });
  queue.add('c');
  await time.advance(2_999);
  assert.deepEqual(started, ['a', 'b']);
  await time.advance(1);
  assert.deepEqual(started.slice(2).toSorted(), ['b', 'c']);
  await finish('b');
  await finish('c');
  await time.advance(2_000);
  assert.equal(started.at(-1), 'a');
  await finish('a');
});

test('a key that is added while it waits to be tried again is tried at once', async () => {
  const { queue, started, finish } = createBench();
  queue.add('a');
  await finish('a', { againInMs: 60_000, pauseAll: false });
  queue.add('a');
  assert.deepEqual(started, ['a', 'a']);
  await finish('a');
});

test('while nothing may start nothing does, and wake starts it afterwards', async () => {
  const bench = createBench();
  bench.may = false;
  bench.queue.add('a');
  await bench.time.advance(60_000);
  assert.deepEqual(bench.started, []);
  assert.equal(bench.time.timers, 0);
  bench.may = true;
  bench.queue.wake();
  assert.deepEqual(bench.started, ['a']);
  await bench.finish('a');
});

test('clear gives up what is under way and forgets the rest', async () => {
  const { queue, started, time } = createBench();
  for (const key of ['a', 'b', 'c']) queue.add(key);
  queue.clear();
  await time.settle();
  assert.equal(queue.size, 0);
  assert.deepEqual(started, ['a', 'b']);
  queue.add('d');
  assert.deepEqual(started, ['a', 'b', 'd']);
  await queue.stop();
  queue.add('e');
  assert.equal(queue.size, 0);
  assert.equal(time.timers, 0);
});
