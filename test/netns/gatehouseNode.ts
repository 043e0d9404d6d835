import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { BINARY, readUntilReady } from '../support/gatehouse.ts';
import { processGone } from '../support/processState.ts';
import { until } from '../support/until.ts';
import type { LabNode } from './lab.ts';

/** The processes of one Gatehouse. */
export type Part = 'controller' | 'proxy' | 'announcer';

/** A real `gatehouse run` on a node of the lab. */
export interface GatehouseNode {
  readonly node: LabNode;
  readonly process: ChildProcess;
  /** Log lines so far, decoded. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** Process id of a part as it is now; waits until there is one. */
  pid(part: Part): Promise<number>;
  /** Sends a signal to a part; SIGKILL: resolves when it is gone. */
  kill(part: Part, signal: NodeJS.Signals): Promise<void>;
  /** GET on its admin API. */
  api(path: string): Promise<unknown>;
  /** What `gatehouse status` prints. */
  status(): Promise<string>;
  /** Resolves once every worker serves all that the objects say, and the announcer has carried out at least `generation`. */
  applied(generation: number): Promise<void>;
  generation(): Promise<number>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

export interface NodeOptions {
  /** Manifests, shared by all nodes. */
  readonly folder: string;
  /** Where objects come from instead: the arguments that say so. */
  readonly source?: readonly string[];
  readonly args?: readonly string[];
}

/** Leaves nothing in this machine's /run/gatehouse: the node has its own in its place. `ip netns exec` has made a mount namespace for it. */
const OWN_RUN_FOLDER = 'mkdir -p "$1" /run/gatehouse && mount --bind "$1" /run/gatehouse && shift && exec "$@"';
const ADMIN = '127.0.0.1:9090';
/** Of a Gatehouse when a test has failed. */
const LOG_LINES_SHOWN = 60;
const MAIN: Readonly<Record<Exclude<Part, 'controller'>, string>> = { proxy: 'proxy/main.ts', announcer: 'announcer/main.ts' };

/** Starts one and waits until it is ready. Killed, with all its parts, when the lab ends. */
export async function startGatehouseNode(t: TestContext, node: LabNode, { folder, source = ['--manifests', folder], args = [] }: NodeOptions): Promise<GatehouseNode> {
  const child = node.spawn('sh', [
    '-c', OWN_RUN_FOLDER, 'sh', `${folder}-run-${node.nodeName}`, BINARY, 'run', ...source, '--node-name', node.nodeName, '--vips', 'kernel', '--workers', '1', '--log-format', 'json',
    '--http', '127.0.0.1:0', '--https', '127.0.0.1:0', '--admin', ADMIN, '--state-dir', `${folder}-state-${node.nodeName}`, ...args,
  ]);
  child.stdout?.resume();
  const log: Record<string, unknown>[] = [];
  t.after(() => {
    if (!t.passed) showLog(t, { node, log }, 0);
  });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const first = await Promise.race([readUntilReady(child, log), exited]);
  if (first === null || typeof first === 'number') throw new Error(`gatehouse of ${node.nodeName} ended with ${first}: ${JSON.stringify(log)}`);
  return createNode({ node, child, log, exited });
}

/** Tells the end of a log, not beginning before line `from`. */
export function showLog(t: TestContext, { node, log }: Pick<GatehouseNode, 'node' | 'log'>, from: number): void {
  for (const line of log.slice(from).slice(-LOG_LINES_SHOWN)) t.diagnostic(`${node.nodeName}: ${JSON.stringify(line)}`);
}

interface Parts {
  readonly node: LabNode;
  readonly child: ChildProcess;
  readonly log: readonly Readonly<Record<string, unknown>>[];
  readonly exited: Promise<number | null>;
}

function createNode({ node, child, log, exited }: Parts): GatehouseNode {
  const api = async (path: string): Promise<unknown> => JSON.parse(await node.exec('curl', ['-sS', '--max-time', '15', `http://${ADMIN}${path}`]));
  const generations = async () => (await api('/api/v1/status')) as { readonly generation: number; readonly appliedGeneration: number };
  const pid = (part: Part) =>
    part === 'controller' ? Promise.resolve(pidOf(child)) : until(`the ${part} of ${node.nodeName}`, () => childPid(pidOf(child), MAIN[part]));
  return {
    node,
    process: child,
    log,
    pid,
    kill: async (part, signal) => {
      const victim = await pid(part);
      process.kill(victim, signal);
      if (signal === 'SIGKILL') await processGone(victim);
    },
    api,
    status: () => node.exec(BINARY, ['status', '--admin', ADMIN]),
    generation: async () => (await generations()).generation,
    applied: async (least) => {
      await until(`generation ${least} of ${node.nodeName}`, async () => {
        const { generation, appliedGeneration } = await generations();
        if (generation < least || appliedGeneration !== generation) return false;
        return ((await api('/api/v1/announcements')) as { readonly generation: number }).generation >= least;
      });
    },
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('it was never started');
  return pid;
}

/** The child of `parent` whose command line names `main`; null: there is none at present. */
async function childPid(parent: number, main: string): Promise<number | null> {
  const threads = await readdir(`/proc/${parent}/task`);
  const lists = await Promise.all(threads.map((thread) => readFile(`/proc/${parent}/task/${thread}/children`, 'utf8').catch(() => '')));
  for (const pid of lists.join(' ').split(' ').filter((text) => text.trim() !== '').map(Number)) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(main)) return pid;
  }
  return null;
}
