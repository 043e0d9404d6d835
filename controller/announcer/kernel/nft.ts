import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';

/** Runs the `nft` tool. */
export interface Nft {
  /** Never throws: what went wrong is in the result. `input` goes to standard input. */
  run(args: readonly string[], input: string): Promise<NftResult>;
}

export type NftResult =
  | { readonly ok: true; readonly output: string }
  | { readonly ok: false; readonly reason: NftFailure; /** What nft or the system has said: its first lines. */ readonly text: string };

/** `refused`: nft ran, and nothing was changed. `missing`: there is no nft. `unknown`: it was ended, or said too much; anything may be true. */
export type NftFailure = 'refused' | 'missing' | 'unknown';

export interface NftOptions {
  /** Program and first arguments; default `nft`. */
  readonly command?: readonly [string, ...string[]];
  /** Default 10 s: a hundred times what 10,000 endpoints take. */
  readonly timeoutMs?: number;
  /** Of standard output; default 16 MB. */
  readonly maxOutputBytes?: number;
}

const MAX_ERROR_BYTES = 4_096;

/** How changes are written. */
const WRITE: readonly string[] = ['-f', '-'];

/**
 * One child process for each run; its messages are in English. After a change that went well the process for the next one is started
 * at once and waits for its input: starting it is most of the time until a change is in force. It ends with this process, however that
 * ends, and keeps it from nothing.
 */
export function createNft(options: NftOptions = {}): Nft {
  const { command: [program, ...first] = ['nft'], timeoutMs = 10_000, maxOutputBytes = 1 << 24 } = options;
  const start = (args: readonly string[]): StartedRun => startRun({ program, args: [...first, ...args], timeoutMs, maxOutputBytes });
  let waiting: StartedRun | null = null;

  async function write(input: string): Promise<NftResult> {
    const prepared = waiting;
    waiting = null;
    const result = await (prepared?.waits() === true ? prepared : start(WRITE)).finish(input);
    if (result.ok) setImmediate(() => { if (waiting?.waits() !== true) waiting = start(WRITE); });
    return result;
  }

  return { run: (args, input) => (args.join(' ') === WRITE.join(' ') ? write(input) : start(args).finish(input)) };
}

interface Run {
  readonly program: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
  readonly maxOutputBytes: number;
}

/** A process that waits for its input. */
interface StartedRun {
  /** False: it has ended by itself. */
  waits(): boolean;
  /** To be called once. */
  finish(input: string): Promise<NftResult>;
}

function startRun({ program, args, timeoutMs, maxOutputBytes }: Run): StartedRun {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' } });
  const { promise, resolve } = Promise.withResolvers<NftResult>();
  const output = collect(maxOutputBytes);
  const errors = collect(MAX_ERROR_BYTES);
  let ended: string | null = null;
  const end = (why: string): void => {
    ended ??= why;
    child.kill('SIGKILL');
  };
  child.stdout.on('data', (chunk: Buffer) => { if (!output.add(chunk)) end('nft has said more than can be taken'); });
  child.stderr.on('data', (chunk: Buffer) => { errors.add(chunk); });
  // It may end before it has read everything; its exit status says what happened.
  child.stdin.on('error', () => {});
  child.on('error', (error: NodeJS.ErrnoException) => { resolve({ ok: false, reason: error.code === 'ENOENT' ? 'missing' : 'unknown', text: error.message }); });
  child.on('close', (code, signal) => {
    if (ended !== null || code === null) resolve({ ok: false, reason: 'unknown', text: ended ?? `nft was ended by ${signal ?? 'a signal'}` });
    else if (code === 0) resolve({ ok: true, output: output.text() });
    else resolve({ ok: false, reason: 'refused', text: errors.text().trim() });
  });
  holdProcess(child, false);
  return {
    waits: () => child.pid !== undefined && child.exitCode === null && child.signalCode === null,
    finish: async (input) => {
      holdProcess(child, true);
      const timer = setTimeout(() => { end(`nft has not ended within ${timeoutMs} ms`); }, timeoutMs);
      child.stdin.end(input);
      const result = await promise;
      clearTimeout(timer);
      return result;
    },
  };
}

/** Whether this process lives on for the sake of that one. */
function holdProcess(child: ChildProcess, holds: boolean): void {
  for (const each of [child, ...child.stdio]) {
    if (each !== child && !(each instanceof Socket)) continue;
    if (holds) each.ref();
    else each.unref();
  }
}

/** Keeps the first octets; `add` answers whether there was room for all. */
function collect(maxBytes: number): { add(chunk: Buffer): boolean; text(): string } {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return {
    add: (chunk) => {
      const room = maxBytes - bytes;
      if (room > 0) chunks.push(chunk.subarray(0, room));
      bytes = Math.min(maxBytes, bytes + chunk.length);
      return chunk.length <= room;
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}
