import { spawn } from 'node:child_process';

/** Where a load goes and for how long. */
export interface LoadOptions {
  /** Address literal and port of the server under test. */
  readonly address: string;
  readonly port: number;
  readonly host: string;
  readonly tls: boolean;
  readonly seconds: number;
  /** Cores of the generator, as taskset takes them. */
  readonly cores: string;
  /** Command in front of the generator's own, which leads to the network namespace it is to run in; absent: this one. */
  readonly within?: readonly string[];
}

/** What one run of a load gave. */
export interface LoadResult {
  /** In the unit of the load. */
  readonly rate: number;
  /** ms; null where the generator does not tell. */
  readonly p99Ms: number | null;
  /** Answers that were not as they should be, and connections that failed. */
  readonly errors: number;
}

/** A load generator with all that a row fixes. */
export interface Load {
  readonly unit: string;
  /** In words, for the head of a row. */
  readonly describe: string;
  /** Null when it can run here, else what is missing. */
  readonly missing: () => string | null;
  readonly run: (options: LoadOptions) => Promise<LoadResult>;
}

/** Standard output of a generator that runs where and on which cores `options` say. */
export async function readPinned({ cores, within = [] }: Pick<LoadOptions, 'cores' | 'within'>, command: readonly string[]): Promise<string> {
  const env = { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' };
  const child = spawn('taskset', ['-c', cores, ...within, ...command], { stdio: ['ignore', 'pipe', 'ignore'], env });
  return (await child.stdout.toArray()).join('');
}

/** `4.31ms`, `812us`, `1.2s` in ms; NaN for what is none. */
export function toMs(text: string): number {
  const value = Number.parseFloat(text);
  if (text.endsWith('us')) return value / 1000;
  return text.endsWith('ms') ? value : value * 1000;
}
