import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { endProcess, type Namespace } from '../netns/namespace.ts';

/** What a station listens to; hexadecimal without colons. */
export interface AgentOptions {
  readonly interfaceIndex: number;
  readonly interfaceName: string;
  readonly etherType: number;
  /** Null: every frame of the EtherType. */
  readonly filter: string | null;
  readonly groups: readonly string[];
}

export type AgentCommand =
  | { readonly type: 'send'; readonly frames: readonly string[] }
  /** Everything that waits; until there are `atLeast` frames, or `timeoutMs` have passed. */
  | { readonly type: 'receive'; readonly atLeast: number; readonly timeoutMs: number }
  | { readonly type: 'ask'; readonly questions: readonly { readonly frame: string; readonly reply: string }[] }
  | { readonly type: 'flood'; readonly frame: string; readonly count: number; readonly perSecond: number }
  | { readonly type: 'setFilter'; readonly filter: string }
  | { readonly type: 'groups'; readonly join: readonly string[]; readonly leave: readonly string[] };

export interface SeenFrame {
  /** Wall clock. */
  readonly atMs: number;
  readonly frame: Buffer;
}

/** A packet socket in a process of its own, in a network namespace. Calls throw what the socket has thrown. */
export interface PacketStation {
  send(...frames: readonly Buffer[]): Promise<void>;
  receive(atLeast: number, timeoutMs: number): Promise<readonly SeenFrame[]>;
  /** One after the other: milliseconds from each request until a frame with `reply` in it; null: none within a second. */
  ask(questions: readonly { readonly frame: Buffer; readonly reply: Buffer }[]): Promise<readonly (number | null)[]>;
  flood(frame: Buffer, count: number, perSecond: number): Promise<{ readonly sent: number; readonly tookMs: number }>;
  setFilter(filter: Buffer): Promise<void>;
  changeGroups(groups: { readonly join?: readonly string[]; readonly leave?: readonly string[] }): Promise<void>;
}

/** An interface as `ip link` knows it. */
export interface NamedInterface {
  readonly index: number;
  readonly name: string;
  readonly mac: string;
}

/** Looks an interface up by name. */
export async function findInterface(namespace: Namespace, name: string): Promise<NamedInterface> {
  const [link] = JSON.parse(await namespace.exec('ip', ['-j', 'link', 'show', name])) as readonly { readonly ifindex: number; readonly address: string }[];
  if (link === undefined) throw new Error(`${namespace.name} has no ${name}`);
  return { index: link.ifindex, name, mac: link.address };
}

/** Starts one; ended with the test. Resolves once it hears. */
export async function startStation(t: TestContext, namespace: Namespace, options: {
  readonly on: NamedInterface;
  readonly etherType: number;
  readonly filter?: Buffer;
  readonly groups?: readonly string[];
}): Promise<PacketStation> {
  const { on, etherType, filter, groups = [] } = options;
  const agent: AgentOptions = {
    interfaceIndex: on.index, interfaceName: on.name, etherType, filter: filter?.toString('hex') ?? null, groups,
  };
  const program = join(import.meta.dirname, 'packetAgent.ts');
  const child = namespace.spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, JSON.stringify(agent)]);
  t.after(() => endProcess(child, 'SIGKILL'));
  if (child.stdout === null || child.stderr === null || child.stdin === null) throw new Error('a station has no input or output');
  child.stderr.pipe(process.stderr);
  const lines = createInterface({ input: child.stdout });
  const { stdin } = child;
  const nextAnswer = async (): Promise<unknown> => {
    const [line] = await once(lines, 'line') as [string];
    const answer = JSON.parse(line) as { readonly value?: unknown; readonly error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value;
  };
  await nextAnswer();
  // One at a time: answers come in the order of the commands.
  let last: Promise<unknown> = Promise.resolve();
  const tell = (command: AgentCommand): Promise<unknown> => {
    const result = last.then(() => {
      stdin.write(`${JSON.stringify(command)}\n`);
      return nextAnswer();
    });
    last = result.catch(() => {});
    return result;
  };
  return {
    send: async (...frames) => { await tell({ type: 'send', frames: frames.map((frame) => frame.toString('hex')) }); },
    receive: async (atLeast, timeoutMs) => {
      const seen = await tell({ type: 'receive', atLeast, timeoutMs }) as readonly { readonly atMs: number; readonly frame: string }[];
      return seen.map(({ atMs, frame }) => ({ atMs, frame: Buffer.from(frame, 'hex') }));
    },
    ask: async (questions) => {
      const hexadecimal = questions.map(({ frame, reply }) => ({ frame: frame.toString('hex'), reply: reply.toString('hex') }));
      return await tell({ type: 'ask', questions: hexadecimal }) as readonly (number | null)[];
    },
    flood: async (frame, count, perSecond) =>
      await tell({ type: 'flood', frame: frame.toString('hex'), count, perSecond }) as { readonly sent: number; readonly tookMs: number },
    setFilter: async (next) => { await tell({ type: 'setFilter', filter: next.toString('hex') }); },
    changeGroups: async ({ join: joined = [], leave = [] }) => { await tell({ type: 'groups', join: joined, leave }); },
  };
}
