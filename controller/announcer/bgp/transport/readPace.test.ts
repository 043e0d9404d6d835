import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from '../../../../core/time/manualClock.ts';
import { createReadPace, FULL_CHUNK_BYTES, READ_BURST_BYTES, READ_RATE_BYTES_PER_S } from './readPace.ts';

test('a little is read at once, full chunks one per turn, and beyond the burst nothing faster than the rate', () => {
  const clock = createManualClock();
  const pace = createReadPace(clock);
  assert.equal(pace.taken(100), null);
  assert.equal(pace.taken(FULL_CHUNK_BYTES), 0);
  let taken = 100 + FULL_CHUNK_BYTES;
  let waitedMs = 0;
  while (taken < 10 * READ_RATE_BYTES_PER_S) {
    const delayMs = pace.taken(FULL_CHUNK_BYTES) ?? 0;
    taken += FULL_CHUNK_BYTES;
    waitedMs += delayMs;
    clock.advance(delayMs);
  }
  assert.ok(waitedMs >= ((taken - READ_BURST_BYTES) * 1_000) / READ_RATE_BYTES_PER_S - 1);
  clock.advance(3_600_000);
  assert.equal(pace.taken(READ_BURST_BYTES - 1), 0);
  assert.ok((pace.taken(FULL_CHUNK_BYTES) ?? 0) > 0, 'a long silence saves up no more than the burst');
});
