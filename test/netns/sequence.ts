import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { until } from '../support/until.ts';
import { endProcess, type Namespace } from './namespace.ts';

/** Where numbered messages go; `octets`: the length of each, default 8. */
export interface SequenceOptions {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  readonly octets?: number;
}

/** How far it has come. */
export interface Progress {
  /** Who answers, and the client's address as seen there. */
  readonly name: string;
  readonly client: string;
  readonly sent: number;
  readonly back: number;
  readonly error: string | null;
}

/** One flow of numbered messages to an echo, which come back as they went: over TCP all of them in order. */
export interface Sequence {
  now(): Progress;
  /** Everything that was wrong so far, in words. */
  errors(): readonly string[];
  /** Every `name client` that has answered. */
  peers(): ReadonlySet<string>;
  /** Resolves once so many more messages have come back. */
  goesOn(count?: number): Promise<void>;
  stop(): Promise<void>;
}

const FIXTURE = join(import.meta.dirname, 'fixture/sequence.ts');

/** Starts sending; resolves once messages come back. */
export async function startSequence(t: TestContext, where: Namespace, options: SequenceOptions): Promise<Sequence> {
  const child = where.spawn(process.execPath, ['--disable-warning=ExperimentalWarning', FIXTURE, JSON.stringify({ octets: 8, ...options })]);
  t.after(() => endProcess(child, 'SIGKILL'));
  if (child.stdout === null || child.stderr === null) throw new Error('a sequence has no output');
  child.stderr.on('data', (chunk: Buffer) => process.stderr.write(chunk));
  let last: Progress = { name: '', client: '', sent: 0, back: 0, error: null };
  const errors: string[] = [];
  const peers = new Set<string>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    last = JSON.parse(line) as Progress;
    if (last.error !== null) errors.push(last.error);
    else if (last.name !== '') peers.add(`${last.name} ${last.client.replace(/^::ffff:/, '')}`);
  });
  const sequence: Sequence = {
    now: () => last,
    errors: () => errors,
    peers: () => peers,
    goesOn: async (count = 20) => {
      const least = last.back + count;
      await until(`message ${least} of a ${options.protocol} flow to ${options.address} comes back`, () => last.back >= least || errors.length > 0);
    },
    stop: () => endProcess(child, 'SIGKILL'),
  };
  await sequence.goesOn(1);
  return sequence;
}
