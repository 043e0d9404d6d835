import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'yaml';
import type { Manifest } from './manifests.ts';

/** How a Gatehouse under test is started. */
export interface StartOptions {
  /** Written to `manifests.yaml` before the start. */
  readonly manifests: readonly Manifest[];
  readonly workers?: number;
  /** Further arguments of `gatehouse run`. */
  readonly args?: readonly string[];
  /** Of the log and the access log; default json. */
  readonly logFormat?: 'json' | 'text';
  /** Served instead of a new one, for a second start; removed at `stop` all the same unless the process is killed otherwise. */
  readonly folder?: string;
  /** Where assignments are kept; default: a folder that goes with it. */
  readonly stateFolder?: string;
  /** False: nobody reads its standard output, so that the pipe fills up. */
  readonly readsAccessLog?: boolean;
}

/** A real `gatehouse run` on ephemeral ports of loopback, with a manifests folder of its own. */
export interface Gatehouse {
  readonly http: number;
  readonly https: number;
  readonly admin: number;
  /** The controller. */
  readonly process: ChildProcess;
  /** Folder that is served; removed at `stop`. */
  readonly folder: string;
  /** Access log lines so far. */
  readonly accessLog: readonly string[];
  /** Log lines so far, decoded. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** Writes objects to a file of the folder, all at once, and resolves once every worker serves the result. */
  write(file: string, manifests: readonly Manifest[]): Promise<void>;
  /** The same for text as it is; resolves when the file is written, since broken text changes no generation. */
  writeText(file: string, text: string): Promise<void>;
  remove(file: string): Promise<void>;
  /** GET on the admin API. */
  api(path: string): Promise<unknown>;
  /** Process ids of the present proxy. */
  proxyPid(): Promise<number>;
  /** SIGTERM; resolves with the exit code once it is gone and the folder removed. */
  stop(): Promise<number | null>;
}

/** Times 10 ms: what a change may take on a machine that does much else. */
const MOST_WAITS = 3000;

/** The command. */
export const BINARY = join(import.meta.dirname, '../../bin/gatehouse');

/** Starts it and waits until the first snapshot is served by every worker. */
export async function startGatehouse(options: StartOptions): Promise<Gatehouse> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'gatehouse-test-')));
  await writeFile(join(folder, 'manifests.yaml'), printManifests(options.manifests));
  // Beside the manifests, not among them; what a machine's own Gatehouse has given away is not touched.
  const state = options.stateFolder ?? `${folder}-state`;
  const process = spawn(
    BINARY,
    [
      'run', '--manifests', folder,
      '--http', '127.0.0.1:0', '--https', '127.0.0.1:0', '--admin', '127.0.0.1:0',
      '--state-dir', state, '--workers', String(options.workers ?? 2), '--log-format', options.logFormat ?? 'json',
      ...(options.args ?? []),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const log: Record<string, unknown>[] = [];
  const accessLog: string[] = [];
  if (options.readsAccessLog !== false) createInterface({ input: process.stdout }).on('line', (line) => accessLog.push(line));
  const ready = readUntilReady(process, log);
  const exited = once(process, 'exit').then(([code]) => code as number | null);
  const first = await Promise.race([ready, exited]);
  if (first === null || typeof first === 'number') {
    await rm(folder, { recursive: true });
    throw new Error(`gatehouse ended with ${first}: ${JSON.stringify(log)}`);
  }
  return new Running({ process, folder, ports: first, log, accessLog, exited });
}

/** Multi-document YAML. */
export function printManifests(manifests: readonly Manifest[]): string {
  return manifests.map((manifest) => stringify(JSON.parse(JSON.stringify(manifest)))).join('---\n');
}

export interface Ports {
  readonly http: number;
  readonly https: number;
  readonly admin: number;
}

/** Ports of loopback that a process has said it listens on. */
export async function readUntilReady(process: ChildProcess, log: Record<string, unknown>[]): Promise<Ports> {
  const { promise, resolve } = Promise.withResolvers<Ports>();
  const ports: Record<string, number> = {};
  if (process.stderr === null) throw new Error('no stderr');
  createInterface({ input: process.stderr }).on('line', (line) => {
    const entry = decodeLogLine(line);
    log.push(entry);
    const port = Number(String(entry['address']).split(':').at(-1));
    if (entry['message'] === 'listening') ports[String(entry['protocol'])] = port;
    if (entry['message'] === 'admin API listening') ports['admin'] = port;
    if (String(entry['message']).startsWith('ready:')) {
      resolve({ http: ports['http'] ?? 0, https: ports['https'] ?? 0, admin: ports['admin'] ?? 0 });
    }
  });
  return promise;
}

/** Either form of the log; what is neither is a message. */
function decodeLogLine(line: string): Record<string, unknown> {
  if (line.startsWith('{')) return JSON.parse(line) as Record<string, unknown>;
  const [, message = line, fields = ''] = /^\S+Z [A-Z]+ +[\w/]+: (.*?)((?: \w+=\S+)*)$/.exec(line) ?? [];
  return { message, ...Object.fromEntries(fields.trim().split(' ').map((field) => field.split('='))) };
}

interface RunningParts {
  readonly process: ChildProcess;
  readonly folder: string;
  readonly ports: Ports;
  readonly log: readonly Record<string, unknown>[];
  readonly accessLog: readonly string[];
  readonly exited: Promise<number | null>;
}

class Running implements Gatehouse {
  readonly http: number;
  readonly https: number;
  readonly admin: number;
  readonly process: ChildProcess;
  readonly folder: string;
  readonly accessLog: readonly string[];
  readonly log: readonly Record<string, unknown>[];
  readonly #exited: Promise<number | null>;

  constructor(parts: RunningParts) {
    ({ http: this.http, https: this.https, admin: this.admin } = parts.ports);
    this.process = parts.process;
    this.folder = parts.folder;
    this.accessLog = parts.accessLog;
    this.log = parts.log;
    this.#exited = parts.exited;
  }

  async write(file: string, manifests: readonly Manifest[]): Promise<void> {
    const before = await this.#generation();
    await this.writeText(file, printManifests(manifests));
    await this.#appliedAfter(before.generation);
  }

  async writeText(file: string, text: string): Promise<void> {
    // Renamed into place, as a deployment tool does: no reader meets half a file.
    await writeFile(join(this.folder, `.${file}.new`), text);
    await rename(join(this.folder, `.${file}.new`), join(this.folder, file));
  }

  async remove(file: string): Promise<void> {
    const before = await this.#generation();
    await unlink(join(this.folder, file));
    await this.#appliedAfter(before.generation);
  }

  async api(path: string): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.admin}${path}`);
    return response.json();
  }

  proxyPid(): Promise<number> {
    return proxyPidOf(this.process);
  }

  async stop(): Promise<number | null> {
    this.process.kill('SIGTERM');
    const code = await this.#exited;
    await rm(this.folder, { recursive: true, force: true });
    await rm(`${this.folder}-state`, { recursive: true, force: true });
    return code;
  }

  async #generation(): Promise<{ generation: number; appliedGeneration: number }> {
    return (await this.api('/api/v1/status')) as { generation: number; appliedGeneration: number };
  }

  /** Generations only rise, so asking again is no guess; there is no event to wait for over HTTP. */
  async #appliedAfter(generation: number): Promise<void> {
    for (let wait = 0; wait < MOST_WAITS; wait += 1) {
      const now = await this.#generation();
      if (now.generation > generation && now.appliedGeneration >= now.generation) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`generation ${generation} was not followed by another: does the change alter what is served? writeText does not wait`);
  }
}

/** Process id of the proxy of a controller. */
export async function proxyPidOf(controller: ChildProcess): Promise<number> {
  const { stdout } = spawn('ps', ['-o', 'pid=,args=', '--ppid', String(controller.pid)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const text = (await stdout.toArray()).join('');
  const line = text.split('\n').find((each) => each.includes('proxy/main'));
  return Number(line?.trim().split(' ')[0]);
}
