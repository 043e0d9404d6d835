import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { endProcess, type Namespace } from '../netns/namespace.ts';
import { until } from './until.ts';
import { ANNOUNCER_NODE_OPTIONS } from '../../controller/processes/announcerNodeOptions.ts';
import type { L2Answer, Link } from '../../controller/announcer/parts.ts';
import type { FrameCounts } from '../../controller/announcer/report.ts';

export interface SpeakerOptions {
  readonly gratuitousIntervalMs: number;
}

export type SpeakerCommand =
  | { readonly type: 'start' }
  | { readonly type: 'answers'; readonly answers: readonly L2Answer[] }
  | { readonly type: 'links'; readonly links: readonly Link[] }
  | { readonly type: 'counts' }
  | { readonly type: 'stop' }
  /** Keeps the main thread busy. */
  | { readonly type: 'block'; readonly ms: number };

/** What the speaker has told or logged. */
export interface SpeakerEvent {
  readonly type: 'log' | 'conflict' | 'takenOver' | 'lapsed';
  readonly message?: string;
  readonly fields?: string;
  readonly address?: string;
  /** Of a conflict. */
  readonly atMs?: number;
}

/** A speaker in a process of its own, in a network namespace. */
export interface RunningSpeaker {
  readonly pid: number;
  readonly events: readonly SpeakerEvent[];
  setAnswers(answers: readonly L2Answer[]): Promise<void>;
  linksChanged(links: readonly Link[]): Promise<void>;
  counts(): Promise<ReadonlyMap<string, FrameCounts>>;
  stop(): Promise<void>;
  /** Gives its process nothing more to wait for; resolves with the exit code. */
  end(): Promise<number | null>;
  /** Descriptors its process holds. */
  countDescriptors(): Promise<number>;
  /** Resolves when its main thread runs again. */
  block(ms: number): Promise<void>;
  /** Resolves once such an event has been seen `times` times (default once). */
  saw(type: SpeakerEvent['type'], message?: RegExp, times?: number): Promise<void>;
}

/** Starts one without answers; killed with the test. */
export async function startSpeaker(t: TestContext, namespace: Namespace, options: SpeakerOptions = { gratuitousIntervalMs: 0 }): Promise<RunningSpeaker> {
  const program = join(import.meta.dirname, 'l2SpeakerMain.ts');
  const child = namespace.spawn(process.execPath, [...ANNOUNCER_NODE_OPTIONS, program, JSON.stringify(options)]);
  t.after(() => endProcess(child, 'SIGKILL'));
  if (child.stdout === null || child.stderr === null || child.stdin === null) throw new Error('a speaker has no input or output');
  child.stderr.pipe(process.stderr);
  const { stdin, stdout } = child;
  const events: SpeakerEvent[] = [];
  const answers: ((line: { readonly value?: unknown; readonly error?: string }) => void)[] = [];
  const begun = Promise.withResolvers<unknown>();
  answers.push(begun.resolve);
  createInterface({ input: stdout }).on('line', (line) => {
    const said = JSON.parse(line) as { readonly event?: SpeakerEvent; readonly value?: unknown; readonly error?: string };
    if (said.event !== undefined) events.push(said.event);
    else answers.shift()?.(said);
  });
  const tell = async (command: SpeakerCommand): Promise<unknown> => {
    const { promise, resolve } = Promise.withResolvers<{ readonly value?: unknown; readonly error?: string }>();
    answers.push(resolve);
    stdin.write(`${JSON.stringify(command)}\n`);
    const { value, error } = await promise;
    if (error !== undefined) throw new Error(error);
    return value;
  };
  await Promise.race([begun.promise, once(child, 'exit').then(() => { throw new Error('the speaker ended before it began'); })]);
  await tell({ type: 'start' });
  return {
    pid: child.pid ?? -1,
    events,
    setAnswers: async (next) => { await tell({ type: 'answers', answers: next }); },
    linksChanged: async (links) => { await tell({ type: 'links', links }); },
    counts: async () => new Map(await tell({ type: 'counts' }) as readonly (readonly [string, FrameCounts])[]),
    stop: async () => { await tell({ type: 'stop' }); },
    end: async () => {
      const exited = once(child, 'exit');
      stdin.end();
      const [code] = await exited as [number | null];
      return code;
    },
    countDescriptors: async () => (await readdir(`/proc/${child.pid}/fd`)).length,
    block: async (ms) => { await tell({ type: 'block', ms }); },
    saw: async (type, message = /(?:)/, times = 1) => {
      await until(`${times} times ${type} ${message.source}`, () =>
        events.filter((event) => event.type === type && message.test(event.message ?? event.address ?? '')).length >= times);
    },
  };
}
