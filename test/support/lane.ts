import type { TestContext } from 'node:test';
import { codeOf } from './load.ts';

/** Something done again and again while the test does something else. */
export interface Lane {
  /** Turns that succeeded. */
  readonly turns: () => number;
  /** Ends after the turn under way; what failed, in words. */
  stop(): Promise<readonly string[]>;
}

/** Repeats `turn`, told how many turns have been done; the first that fails ends the lane, for most have a connection that is over. */
export function startLane(t: TestContext, name: string, turn: (number: number) => Promise<void>): Lane {
  const failures: string[] = [];
  let [turns, stopped] = [0, false];
  const running = (async () => {
    try {
      for (; !stopped; turns += 1) await turn(turns);
    } catch (error) {
      failures.push(`${name}, turn ${turns}: ${codeOf(error)}`);
    }
  })();
  const stop = async (): Promise<readonly string[]> => {
    stopped = true;
    await running;
    return failures;
  };
  // A turn that waits for ever must not keep a test that has failed from ending.
  t.after(() => (stopped = true));
  return { turns: () => turns, stop };
}
