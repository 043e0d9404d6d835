import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What `iperf3 --json` prints; each sum is of one direction, and there where its protocol has it. */
export interface Iperf3Sums {
  readonly sum: { readonly bytes: number; readonly lost_percent: number };
  readonly sum_received: { readonly bytes: number; readonly bits_per_second: number };
}

/** Flags of a server that says at once, to a pipe too, what it has to say. */
export const IPERF3_SERVER = ['-s', '--forceflush'] as const;

/** Resolves once a server that was started with `IPERF3_SERVER` listens; throws when it ends before. */
export async function iperf3Listens({ stdout }: ChildProcess): Promise<void> {
  if (stdout === null) throw new Error('iperf3 has no output');
  const said: string[] = [];
  for await (const line of createInterface({ input: stdout })) {
    said.push(line);
    if (line.startsWith('Server listening')) {
      // What else it says is read, so that it never waits for that.
      stdout.resume();
      return;
    }
  }
  throw new Error(`iperf3 has ended: ${said.join('\n')}`);
}

/** The end of what `iperf3 --json` has printed. It succeeds also where it could not: throws what it says then. */
export function readIperf3(text: string): Iperf3Sums {
  const { end, error } = JSON.parse(text) as { readonly end: Iperf3Sums; readonly error?: string };
  if (error !== undefined) throw new Error(`iperf3: ${error}`);
  return end;
}
