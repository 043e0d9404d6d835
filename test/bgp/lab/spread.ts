import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { endProcess, type Namespace } from '../../netns/namespace.ts';
import { until } from '../../support/until.ts';

/** One answer; times in milliseconds of the clock of `monotonicMs`. */
interface Answer {
  readonly flow: number;
  readonly startedMs: number;
  readonly endedMs: number;
  /** Of the endpoint, `node-1/1`. */
  readonly name: string;
}

/** Many UDP flows from one place to a VIP. */
export interface Spread {
  /** By flow: who has answered last what was asked after `sinceMs`; resolves once each flow was answered. */
  owners(sinceMs: number): Promise<readonly string[]>;
  /** Longest time without an answer of a flow that ended after `sinceMs`, counted from then at the earliest. */
  outageMs(flow: number, sinceMs: number): number;
  stop(): Promise<void>;
}

const FLOWS = 30;
const INTERVAL_MS = 10;
const FIXTURE = join(import.meta.dirname, '../fixture/spread.ts');

/** Where they go. */
export interface SpreadTarget {
  readonly address: string;
  readonly port: number;
  /** How many; default 30, and the more, the less often each asks. */
  readonly flows?: number;
}

/** Starts them; resolves once each was answered. */
export async function startSpread(t: TestContext, where: Namespace, { address, port, flows = FLOWS }: SpreadTarget): Promise<Spread> {
  const wanted = JSON.stringify({ address, port, flows, intervalMs: Math.ceil(INTERVAL_MS * flows / FLOWS) });
  const child = where.spawn(process.execPath, ['--disable-warning=ExperimentalWarning', FIXTURE, wanted]);
  t.after(() => endProcess(child, 'SIGKILL'));
  if (child.stdout === null || child.stderr === null) throw new Error('the flows have no output');
  child.stderr.pipe(process.stderr);
  const answers: Answer[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => answers.push(JSON.parse(line) as Answer));
  const spread: Spread = {
    owners: (sinceMs) =>
      until(`answers to all flows to ${address}`, () => {
        const last = Array.from<string>({ length: flows });
        for (const { flow, startedMs, name } of answers) if (startedMs >= sinceMs) last[flow] = name;
        return !last.includes(undefined as unknown as string) && last;
      }),
    outageMs: (flow, sinceMs) => {
      const ends = answers.flatMap((each) => (each.flow === flow && each.endedMs > sinceMs ? [each.endedMs] : []));
      const starts = [sinceMs, ...ends];
      return Math.max(0, ...ends.map((end, index) => end - (starts[index] ?? sinceMs)));
    },
    stop: () => endProcess(child, 'SIGKILL'),
  };
  await spread.owners(0);
  return spread;
}
