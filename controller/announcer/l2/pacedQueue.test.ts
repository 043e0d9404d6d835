import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, testSeed } from '../../../core/testing/seededRandom.ts';
import { MAX_FRAMES_PER_WINDOW, PacedQueue, WINDOW_MS } from './pacedQueue.ts';

const SEED = testSeed();

test(`Items come in order of time, equal ones in the order in which they were added (GATEHOUSE_SEED=${SEED})`, () => {
  const random = seededRandom(SEED);
  const queue = new PacedQueue<readonly [number, number]>();
  const items = Array.from({ length: 2000 }, (_, order) => [Math.floor(random() * 500), order] as const);
  for (const item of items) queue.add(item[0], item);
  const seen: (readonly [number, number])[] = [];
  queue.run(499, (item) => {
    seen.push(item);
    return 0;
  });
  assert.deepEqual(seen, items.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]));
  assert.equal(queue.nextMs(), null);
});

test('What is not due stays, and says when it is', () => {
  const queue = new PacedQueue<string>();
  queue.add(20, 'later');
  queue.run(19, () => assert.fail('not due'));
  assert.equal(queue.nextMs(), 20);
});

test('No more frames go in one window than may, and the queue says when the next begins', () => {
  const queue = new PacedQueue<number>();
  for (let item = 0; item < 100; item += 1) queue.add(0, item);
  let frames = 0;
  const send = (): number => {
    frames += 2;
    return 2;
  };
  queue.run(5, send);
  assert.equal(frames, MAX_FRAMES_PER_WINDOW);
  assert.equal(queue.nextMs(), 5 + WINDOW_MS);
  queue.run(4 + WINDOW_MS, send);
  assert.equal(frames, MAX_FRAMES_PER_WINDOW);
  queue.run(5 + WINDOW_MS, send);
  assert.equal(frames, 2 * MAX_FRAMES_PER_WINDOW);
});

test('A step that sends many is told how many are left, and may come again at once', () => {
  const queue = new PacedQueue<string>();
  queue.add(0, 'two');
  queue.add(0, 'many');
  const left: number[] = [];
  queue.run(0, (item, framesLeft) => {
    left.push(framesLeft);
    if (item === 'two') return 2;
    queue.add(0, 'many');
    return framesLeft;
  });
  assert.deepEqual(left, [50, 48]);
  assert.equal(queue.nextMs(), WINDOW_MS);
});
