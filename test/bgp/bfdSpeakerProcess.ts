import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { ANNOUNCER_NODE_OPTIONS } from '../../controller/processes/announcerNodeOptions.ts';
import type { BfdEndpoint, BfdReport, BfdSpeakerEvents } from '../../controller/announcer/bfd/bfdSpeaker.ts';
import { endProcess, type Namespace } from '../netns/namespace.ts';
import { until } from '../support/until.ts';

export type BfdCommand =
  | { readonly type: 'start' }
  | { readonly type: 'sessions'; readonly sessions: readonly BfdEndpoint[] }
  | { readonly type: 'reports' }
  | { readonly type: 'stop' }
  /** Keeps the main thread busy. */
  | { readonly type: 'block'; readonly ms: number };

export type BfdEvent =
  /** `atMs`: wall clock. */
  | { readonly type: 'changed'; readonly atMs: number; readonly news: Parameters<BfdSpeakerEvents['changed']>[0] }
  | { readonly type: 'log'; readonly message: string; readonly fields: string };

/** A BFD speaker in a process of its own, in a network namespace. */
export interface BfdSpeakerProcess {
  readonly pid: number;
  readonly events: readonly BfdEvent[];
  setSessions(sessions: readonly BfdEndpoint[]): Promise<void>;
  report(name: string): Promise<BfdReport>;
  /** Resolves with the report once it satisfies `holds`. */
  untilReport(name: string, what: string, holds: (report: BfdReport) => boolean): Promise<BfdReport>;
  stop(): Promise<void>;
  /** Resolves when its main thread runs again. */
  block(ms: number): Promise<void>;
}

/** Starts one without sessions; killed with the test. */
export async function startBfdSpeaker(t: TestContext, namespace: Namespace): Promise<BfdSpeakerProcess> {
  const child = namespace.spawn(process.execPath, [...ANNOUNCER_NODE_OPTIONS, join(import.meta.dirname, 'bfdSpeakerMain.ts')]);
  t.after(() => endProcess(child, 'SIGKILL'));
  const { stdin, stdout, stderr } = child;
  if (stdout === null || stderr === null || stdin === null) throw new Error('a speaker has no input or output');
  stderr.pipe(process.stderr);
  const events: BfdEvent[] = [];
  type Said = { readonly event?: BfdEvent; readonly value?: unknown; readonly error?: string };
  const answers: ((line: Said) => void)[] = [];
  const begun = Promise.withResolvers<unknown>();
  answers.push(begun.resolve);
  createInterface({ input: stdout }).on('line', (line) => {
    const said = JSON.parse(line) as Said;
    if (said.event !== undefined) events.push(said.event);
    else answers.shift()?.(said);
  });
  const tell = async (command: BfdCommand): Promise<unknown> => {
    const { promise, resolve } = Promise.withResolvers<Said>();
    answers.push(resolve);
    stdin.write(`${JSON.stringify(command)}\n`);
    const { value, error } = await promise;
    if (error !== undefined) throw new Error(error);
    return value;
  };
  await Promise.race([begun.promise, once(child, 'exit').then(() => { throw new Error('the speaker ended before it began'); })]);
  await tell({ type: 'start' });
  const report = async (name: string): Promise<BfdReport> => {
    const found = (await tell({ type: 'reports' }) as readonly BfdReport[]).find((one) => one.name === name);
    if (found === undefined) throw new Error(`there is no session ${name}`);
    return found;
  };
  return {
    pid: child.pid ?? -1,
    events,
    setSessions: async (sessions) => { await tell({ type: 'sessions', sessions }); },
    report,
    untilReport: async (name, what, holds) => {
      let last: BfdReport | null = null;
      return until(`${name}: ${what}`, async () => {
        last = await report(name);
        return holds(last) ? last : null;
      }).catch((error: unknown) => { throw new Error(`${String(error)}; last: ${JSON.stringify(last)}; ${JSON.stringify(events.slice(-10))}`); });
    },
    stop: async () => { await tell({ type: 'stop' }); },
    block: async (ms) => { await tell({ type: 'block', ms }); },
  };
}
