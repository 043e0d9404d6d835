import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';

/** A command's end; neither output is cut unless it is over 16 MB. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A network namespace of ours, and what runs in it. */
export interface Namespace {
  /** As `ip netns` knows it. */
  readonly name: string;
  /** Starts a program in it; its process id is the program's own. Killed when the lab ends. */
  spawn(command: string, args: readonly string[]): ChildProcess;
  /** Runs a program to its end, whatever that is. */
  run(command: string, args: readonly string[], input?: string): Promise<CommandResult>;
  /** The same, for its output; throws with what it has said when it fails. */
  exec(command: string, args: readonly string[], input?: string): Promise<string>;
}

const MAX_OUTPUT_BYTES = 1 << 24;
/** Namespaces that stand: removed at the latest when the process ends. */
const standing = new Set<string>();
let watchesExit = false;

/** Makes one; what an earlier process of the same id may have left under that name goes first. */
export async function addNamespace(name: string): Promise<Namespace> {
  removeAtExit();
  removeNow(name);
  standing.add(name);
  await must('ip', ['netns', 'add', name]);
  const inside = (command: string, args: readonly string[]) => ['netns', 'exec', name, command, ...args];
  const namespace: Namespace = {
    name,
    spawn: (command, args) => spawn('ip', inside(command, args), { stdio: ['pipe', 'pipe', 'pipe'] }),
    run: (command, args, input) => command === 'ip' ? runCommand('ip', ['-n', name, ...args], input) : runCommand('ip', inside(command, args), input),
    exec: async (command, args, input) => succeeded(`${command} ${args.join(' ')} in ${name}`, await namespace.run(command, args, input)),
  };
  return namespace;
}

/** Kills every process in it, waits until they are gone, and removes it with its interfaces. Does nothing the second time. */
export async function removeNamespace({ name }: Namespace): Promise<void> {
  if (!standing.has(name)) return;
  for (let pids = await pidsIn(name); pids.length > 0; pids = await pidsIn(name)) {
    for (const pid of pids) killHard(pid);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await must('ip', ['netns', 'delete', name]);
  standing.delete(name);
}

/** Runs a program in the root namespace. */
export async function runCommand(command: string, args: readonly string[], input?: string): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { maxBuffer: MAX_OUTPUT_BYTES }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number' && error.signal === undefined) reject(error);
      else resolve({ code: error === null ? 0 : Number(error.code ?? 128), stdout, stderr });
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/** Ends a program that a namespace has started; resolves when it is gone. */
export async function endProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

async function must(command: string, args: readonly string[]): Promise<void> {
  succeeded(`${command} ${args.join(' ')}`, await runCommand(command, args));
}

function succeeded(what: string, { code, stdout, stderr }: CommandResult): string {
  if (code !== 0) throw new Error(`${what} ended with ${code}: ${stderr}${stdout}`);
  return stdout;
}

async function pidsIn(name: string): Promise<number[]> {
  const { stdout } = await runCommand('ip', ['netns', 'pids', name]);
  return stdout.split('\n').filter((line) => line !== '').map(Number);
}

function killHard(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A test that is ended by a signal, or that throws where nothing catches it, leaves nothing either. */
function removeAtExit(): void {
  if (watchesExit) return;
  watchesExit = true;
  process.on('exit', () => {
    for (const name of standing) removeNow(name);
  });
  // Not once: a second signal, as test runners send, would end the process in the middle of this.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(128 + constants.signals[signal]));
}

function removeNow(name: string): void {
  const { stdout } = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' });
  for (const line of stdout.split('\n')) if (line !== '') killHard(Number(line));
  spawnSync('ip', ['netns', 'delete', name]);
  standing.delete(name);
}
