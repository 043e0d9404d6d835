import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { endProcess, type Namespace } from './namespace.ts';

/** A flow to an echo that is to lose nothing. */
export interface FlowOptions {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  /** Names the flow's entry in connection tracking. */
  readonly localPort: number;
}

/** What came of one. */
export interface FlowOutcome {
  /** Of the endpoint that has answered. */
  readonly name: string;
  /** Octets of TCP, datagrams of UDP. */
  readonly sent: number;
  readonly received: number;
  /** Why it ended early, or what came that was not sent; null: nothing of that. */
  readonly error: string | null;
}

/** Flows that are under way. */
export interface Flows {
  /** Ends them in good order; in the order of the options. */
  finish(): Promise<readonly FlowOutcome[]>;
}

const FIXTURE = join(import.meta.dirname, 'fixture/flows.ts');

/** Starts flows; resolves once each has been answered. */
export async function startFlows(t: TestContext, where: Namespace, options: readonly FlowOptions[]): Promise<Flows> {
  const child = where.spawn(process.execPath, ['--disable-warning=ExperimentalWarning', FIXTURE, JSON.stringify(options)]);
  t.after(() => endProcess(child, 'SIGKILL'));
  if (child.stdout === null || child.stderr === null) throw new Error('the flows have no output');
  child.stderr.pipe(process.stderr);
  const lines = createInterface({ input: child.stdout });
  const exited = once(child, 'exit');
  const nextLine = async (): Promise<string> => {
    const [line] = await Promise.race([once(lines, 'line'), exited]);
    if (typeof line !== 'string') throw new Error(`the flows ended with ${String(line)}`);
    return line;
  };
  const first = await nextLine();
  if (first !== 'ready') throw new Error(`the flows began with ${first}`);
  return {
    finish: async () => {
      const last = nextLine();
      child.stdin?.end();
      return JSON.parse(await last) as FlowOutcome[];
    },
  };
}
