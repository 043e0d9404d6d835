import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { endProcess, type Namespace } from '../../netns/namespace.ts';
import { until } from '../../support/until.ts';

/** A daemon that runs in the foreground. */
export interface Foreground {
  readonly process: ChildProcess;
  /** What it has said, the end of it. */
  said(): string;
  end(signal: NodeJS.Signals): Promise<void>;
}

const LINES_KEPT = 5_000;

/** Before what else runs on this machine: routers that miss a BFD packet of their own would tell of nothing else. */
const NICE = ['nice', '-n', '-10'] as const;

/** Starts one; `environment` beside the test's own. */
export function startForeground(namespace: Namespace, command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Foreground {
  const child = namespace.spawn('env', [...Object.entries(environment).map(([name, value]) => `${name}=${value}`), ...NICE, command, ...args]);
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (lines.length > LINES_KEPT) lines.shift();
    });
  }
  return { process: child, said: () => lines.join('\n'), end: (signal) => endProcess(child, signal) };
}

/** Resolves once `look` says that the daemon is ready; throws with what it has said when it ends instead. */
export async function ready(what: string, daemon: Foreground, look: () => Promise<boolean>): Promise<void> {
  const ended = once(daemon.process, 'exit').then(([code]) => {
    throw new Error(`${what} ended with ${String(code)}: ${daemon.said()}`);
  });
  // Its end later on is no fault.
  ended.catch(() => {});
  try {
    await Promise.race([until(`${what} is ready`, look), ended]);
  } catch (error) {
    throw new Error(`${what} does not run: ${daemon.said()}`, { cause: error });
  }
}
