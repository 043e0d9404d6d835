import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { createIsoTime, createLocalTime } from './logTime.ts';

const zoneBefore = process.env['TZ'];

afterEach(() => {
  if (zoneBefore === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zoneBefore;
});

function localTimeIn(zone: string, timeMs: number): string {
  process.env['TZ'] = zone;
  return createLocalTime()(timeMs);
}

test('local time carries the offset of its zone, half hours, summer time and the west included', () => {
  const winter = Date.UTC(2026, 10, 21, 0, 9, 48, 999);
  assert.equal(localTimeIn('UTC', winter), '21/Nov/2026:00:09:48 +0000');
  assert.equal(localTimeIn('Europe/Berlin', winter), '21/Nov/2026:01:09:48 +0100');
  assert.equal(localTimeIn('America/St_Johns', winter), '20/Nov/2026:20:39:48 -0330');
  assert.equal(localTimeIn('Asia/Kathmandu', winter), '21/Nov/2026:05:54:48 +0545');
  assert.equal(localTimeIn('Europe/Berlin', Date.UTC(2026, 6, 1)), '01/Jul/2026:02:00:00 +0200');
});

test('a printed second is reused within the second and made anew when the clock goes on or back', () => {
  const localTime = createLocalTime();
  const isoTime = createIsoTime();
  const base = Date.UTC(2026, 0, 31, 23, 59, 59);
  assert.equal(isoTime(base + 7.9), '2026-01-31T23:59:59.007Z');
  assert.equal(isoTime(base + 42), '2026-01-31T23:59:59.042Z');
  assert.equal(isoTime(base + 1000), '2026-02-01T00:00:00.000Z');
  assert.equal(isoTime(base + 999), '2026-01-31T23:59:59.999Z');
  const first = localTime(base);
  assert.equal(localTime(base + 999), first);
  assert.notEqual(localTime(base + 1000), first);
  assert.equal(localTime(base), first);
});
