import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { text } from 'node:stream/consumers';
import { endProcess } from '../../netns/namespace.ts';

export interface MachineStalls {
  /** Ends the watch: longest time, in ms, that a thread which goes before all others had to wait for some processor. */
  longestMs(): Promise<number>;
}

/** What tells the machine's lateness from a program's: cyclictest (rt-tests) in real time, one thread on each processor. Ends with the test. */
export async function watchStalls(t: TestContext): Promise<MachineStalls> {
  const child = spawn('cyclictest', ['--quiet', '--smp', '--mlockall', '--priority=50', '--interval=5000'], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => endProcess(child, 'SIGKILL'));
  const [output, faults] = [text(child.stdout), text(child.stderr)];
  await once(child, 'spawn');
  return {
    longestMs: async () => {
      await endProcess(child, 'SIGINT');
      const found = [...(await output).matchAll(/Max:\s*(\d+)/g)].map(([, microseconds]) => Number(microseconds) / 1000);
      if (found.length === 0) throw new Error(`cyclictest says nothing: ${await faults}`);
      return Math.max(...found);
    },
  };
}
