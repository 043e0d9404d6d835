/** Runs something once, `delayMs` from now; what it returns takes that back. Tests put their own time in its place. */
export type Schedule = (run: () => void, delayMs: number) => () => void;

/** Timers of the process; they do not keep it alive. */
export const systemSchedule: Schedule = (run, delayMs) => {
  const timer = setTimeout(run, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
};
