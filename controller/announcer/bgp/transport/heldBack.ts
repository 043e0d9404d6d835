import type { Clock } from '../../../../core/time/clock.ts';
import { createConnectPace, type ConnectPace } from './connectPace.ts';

/** Who has connected too often, and is to get no answer for a while. */
export interface HeldBack {
  /** Somebody has connected. Answers true when that was too often, for the first time since it has rested. */
  connected(name: string): boolean;
  has(name: string): boolean;
  /** All others are forgotten. */
  keep(names: ReadonlySet<string>): void;
  stop(): void;
}

interface Caller {
  readonly pace: ConnectPace;
  isTold: boolean;
  timer: NodeJS.Timeout | null;
}

/** `changed`: others are held back now. */
export function createHeldBack(clock: Clock, changed: () => void): HeldBack {
  const callers = new Map<string, Caller>();
  const forget = (name: string, { timer }: Caller): void => {
    if (timer !== null) clearTimeout(timer);
    callers.delete(name);
  };
  const hold = (caller: Caller, ms: number): void => {
    caller.timer = setTimeout(() => {
      caller.timer = null;
      changed();
    }, ms);
    changed();
  };
  return {
    connected: (name) => {
      const caller = callers.get(name) ?? { pace: createConnectPace(clock), isTold: false, timer: null };
      callers.set(name, caller);
      if (caller.pace.isRested()) caller.isTold = false;
      const holdMs = caller.pace.connected();
      // Those that were on their way still come.
      if (holdMs === null || caller.timer !== null) return false;
      const isNews = !caller.isTold;
      caller.isTold = true;
      hold(caller, holdMs);
      return isNews;
    },
    has: (name) => callers.get(name)?.timer !== null && callers.has(name),
    keep: (names) => {
      for (const [name, caller] of callers) if (!names.has(name)) forget(name, caller);
    },
    stop: () => {
      for (const [name, caller] of callers) forget(name, caller);
    },
  };
}
