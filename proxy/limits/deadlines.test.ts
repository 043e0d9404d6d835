import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from '../../core/time/manualClock.ts';
import { Deadlines, type Deadline } from './deadlines.ts';

test('a deadline expires once, when it is due, and may be moved at any time', () => {
  const clock = createManualClock(0);
  const deadlines = new Deadlines(clock);
  let expired = 0;
  const deadline: Deadline = { at: 100, expire: () => (expired += 1) };
  deadlines.add(deadline);
  clock.advance(99);
  deadlines.sweep();
  assert.equal(expired, 0);
  deadline.at = 200;
  clock.advance(100);
  deadlines.sweep();
  assert.equal(expired, 0);
  clock.advance(1);
  deadlines.sweep();
  deadlines.sweep();
  assert.equal(expired, 1);
  deadline.at = 0;
  deadlines.delete(deadline);
  deadlines.sweep();
  assert.equal(expired, 1);
});

test('deadlines may be added, moved and removed while they expire', () => {
  const clock = createManualClock(0);
  const deadlines = new Deadlines(clock);
  const said: string[] = [];
  const second: Deadline = { at: 0, expire: () => said.push('second') };
  deadlines.add({
    at: 0,
    expire() {
      said.push('first');
      deadlines.delete(second);
      deadlines.add({ at: 0, expire: () => said.push('third') });
      this.at = 10;
    },
  });
  deadlines.add(second);
  deadlines.sweep();
  assert.deepEqual(said, ['first', 'third']);
  clock.advance(10);
  deadlines.sweep();
  assert.deepEqual(said, ['first', 'third', 'first', 'third'].slice(0, said.length));
});
