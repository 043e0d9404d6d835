import type { TestContext } from 'node:test';

/** Time that stands still until it is moved: that of `performance`, and what waits for it. Sockets go on as ever. */
export interface OwnTime {
  /** What is due by then runs, each at its own time. */
  advance(ms: number): void;
  /** How many timers run. */
  timers(): number;
}

interface Timer {
  dueMs: number;
  readonly everyMs: number | null;
  readonly run: () => void;
}

/** Takes the place of timers and of the monotonic clock in this process until the test ends. */
export function ownTime(t: TestContext): OwnTime {
  const timers = new Set<Timer>();
  let nowMs = performance.now();
  const begin = (repeats: boolean) => (run: () => void, ms = 1): Timer => {
    const timer = { dueMs: nowMs + Math.max(1, ms), everyMs: repeats ? Math.max(1, ms) : null, run };
    timers.add(timer);
    return timer;
  };
  const end = (timer: Timer | undefined): void => { if (timer !== undefined) timers.delete(timer); };
  // No mocks: they keep what each call was given.
  const own = { setTimeout: begin(false), setInterval: begin(true), clearTimeout: end, clearInterval: end };
  const theirs = { setTimeout, setInterval, clearTimeout, clearInterval };
  const clock = performance.now.bind(performance);
  Object.assign(globalThis, own);
  performance.now = () => nowMs;
  t.after(() => {
    Object.assign(globalThis, theirs);
    performance.now = clock;
  });
  return {
    advance: (ms) => {
      const untilMs = nowMs + ms;
      for (let next = first(timers, untilMs); next !== undefined; next = first(timers, untilMs)) {
        nowMs = Math.max(nowMs, next.dueMs);
        if (next.everyMs === null) timers.delete(next);
        else next.dueMs += next.everyMs;
        next.run();
      }
      nowMs = untilMs;
    },
    timers: () => timers.size,
  };
}

function first(timers: ReadonlySet<Timer>, untilMs: number): Timer | undefined {
  return [...timers].filter(({ dueMs }) => dueMs <= untilMs).toSorted((one, other) => one.dueMs - other.dueMs)[0];
}
