import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { StatusView } from '../../controller/status/statusView.ts';
import { BINARY, proxyPidOf, readUntilReady } from './gatehouse.ts';

/** How a Gatehouse of a cluster is started. */
export interface ClusterStartOptions {
  /** Text of the kubeconfig file. */
  readonly kubeconfig: string;
  /** Default `one`. */
  readonly nodeName?: string;
  readonly workers?: number;
  /** Further arguments of `gatehouse run`. */
  readonly args?: readonly string[];
  /** False: does not wait until it serves; its ports are 0 until `ready` resolves. */
  readonly waits?: boolean;
}

/** A real `gatehouse run --kubeconfig` on ephemeral ports of loopback. */
export interface ClusterGatehouse {
  http: number;
  https: number;
  admin: number;
  /** The controller. */
  readonly process: ChildProcess;
  /** Log lines so far, decoded. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  readonly accessLog: readonly string[];
  /** Resolves once the first snapshot serves; rejects with the log when the process ends before. */
  readonly ready: Promise<void>;
  /** GET on the admin API. */
  api(path: string): Promise<unknown>;
  status(): Promise<StatusView>;
  /** Text of `/metrics`. */
  metrics(): Promise<string>;
  proxyPid(): Promise<number>;
  /** SIGTERM; resolves with the exit code. Idempotent. */
  stop(): Promise<number | null>;
  /** SIGKILL to the controller; its proxy ends by itself. */
  kill(): Promise<void>;
}

/** Starts it. End it by `stop` or `kill`, whatever happens. */
export async function startClusterGatehouse(options: ClusterStartOptions): Promise<ClusterGatehouse> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-'));
  const file = join(folder, 'kubeconfig');
  await writeFile(file, options.kubeconfig, { mode: 0o600 });
  const process = spawn(
    BINARY,
    [
      'run', '--kubeconfig', file, '--node-name', options.nodeName ?? 'one',
      '--http', '127.0.0.1:0', '--https', '127.0.0.1:0', '--admin', '127.0.0.1:0',
      '--workers', String(options.workers ?? 1), '--log-format', 'json', '--drain-timeout', '5s',
      ...(options.args ?? []),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const gatehouse = new Running(process, folder);
  if (options.waits !== false) await gatehouse.ready;
  return gatehouse;
}

class Running implements ClusterGatehouse {
  http = 0;
  https = 0;
  admin = 0;
  readonly process: ChildProcess;
  readonly log: Record<string, unknown>[] = [];
  readonly accessLog: string[] = [];
  readonly ready: Promise<void>;
  readonly #folder: string;
  readonly #exited: Promise<number | null>;

  constructor(process: ChildProcess, folder: string) {
    this.process = process;
    this.#folder = folder;
    if (process.stdout !== null) createInterface({ input: process.stdout }).on('line', (line) => this.accessLog.push(line));
    this.#exited = once(process, 'exit').then(([code]) => code as number | null);
    this.ready = this.#becomeReady();
    // Who does not wait for it need not hear that it failed.
    this.ready.catch(() => null);
  }

  async api(path: string): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.admin}${path}`);
    return response.json();
  }

  async status(): Promise<StatusView> {
    return (await this.api('/api/v1/status')) as StatusView;
  }

  async metrics(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.admin}/metrics`);
    return response.text();
  }

  proxyPid(): Promise<number> {
    return proxyPidOf(this.process);
  }

  stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #becomeReady(): Promise<void> {
    const first = await Promise.race([readUntilReady(this.process, this.log), this.#exited]);
    if (first === null || typeof first === 'number') throw new Error(`gatehouse ended with ${first}: ${JSON.stringify(this.log)}`);
    ({ http: this.http, https: this.https, admin: this.admin } = first);
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    this.process.kill(signal);
    const code = await this.#exited;
    await rm(this.#folder, { recursive: true, force: true });
    return code;
  }
}
