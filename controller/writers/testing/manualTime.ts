import { createManualClock } from '../../../core/time/manualClock.ts';
import type { Clock } from '../../../core/time/clock.ts';
import type { Schedule } from '../schedule.ts';

/** For tests: time that stands still until it is moved, and timers that keep to it. */
export interface ManualTime {
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly wallClock: () => number;
  /** Timers set and not yet due. */
  readonly timers: number;
  /** Lets everything that is ready happen, then moves on, timer by timer. */
  advance(ms: number): Promise<void>;
  /** Lets everything that is ready happen; time stands still. */
  settle(): Promise<void>;
}

/** Wall clock at the start: 2026-01-01T00:00:00Z. */
const START_MS = Date.UTC(2026, 0, 1);

/** For tests: makes it. */
export function createManualTime(): ManualTime {
  const clock = createManualClock(0);
  const timers = new Set<{ readonly run: () => void; readonly dueMs: number }>();
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 4; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
  };
  const advance = async (ms: number): Promise<void> => {
    const endMs = clock.now() + ms;
    await settle();
    for (;;) {
      const [next] = [...timers].filter(({ dueMs }) => dueMs <= endMs).toSorted((a, b) => a.dueMs - b.dueMs);
      if (next === undefined) break;
      timers.delete(next);
      clock.advance(Math.max(0, next.dueMs - clock.now()));
      next.run();
      await settle();
    }
    clock.advance(endMs - clock.now());
  };
  return {
    clock,
    schedule: (run, delayMs) => {
      const timer = { run, dueMs: clock.now() + delayMs };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    wallClock: () => START_MS + clock.now(),
    get timers() {
      return timers.size;
    },
    advance,
    settle,
  };
}
