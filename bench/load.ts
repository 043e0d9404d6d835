import { spawn } from 'node:child_process';
import { isInstalled } from './child.ts';

/** What a load generator does: keep-alive GETs on `connections` connections for `seconds`. */
export interface Load {
  readonly port: number;
  readonly host: string;
  readonly tls: boolean;
  readonly connections: number;
  readonly seconds: number;
  /** Cores of the generator, as taskset takes them. */
  readonly cores: string;
}

export interface LoadResult {
  readonly requestsPerSecond: number;
  /** ms. */
  readonly p99Ms: number;
  /** Answers that were not 2xx, and connections that failed. */
  readonly errors: number;
}

/** The generator this machine has: wrk saturates later, autocannon is always there. */
export function loadGenerator(): 'wrk' | 'autocannon' {
  return isInstalled('wrk') ? 'wrk' : 'autocannon';
}

/** Runs one load with the generator named. */
export async function runLoad(generator: 'wrk' | 'autocannon', load: Load): Promise<LoadResult> {
  const url = `${load.tls ? 'https' : 'http'}://127.0.0.1:${load.port}/`;
  return generator === 'wrk' ? runWrk(url, load) : runAutocannon(url, load);
}

async function runWrk(url: string, { connections, seconds, cores, host }: Load): Promise<LoadResult> {
  const output = await read('taskset', ['-c', cores, 'wrk', '-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--latency', '-H', `Host: ${host}`, url]);
  const bad = Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0);
  const failed = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output);
  return {
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1] ?? 0),
    p99Ms: toMs(/99%\s+(\S+)/.exec(output)?.[1] ?? ''),
    errors: bad + (failed === null ? 0 : failed.slice(1).reduce((sum, count) => sum + Number(count), 0)),
  };
}

async function runAutocannon(url: string, { connections, seconds, cores, host }: Load): Promise<LoadResult> {
  const cannon = import.meta.resolve('autocannon').replace('file://', '');
  const flags = ['-j', '-n', '-c', String(connections), '-d', String(seconds), '-H', `Host=${host}`];
  const output = await read('taskset', ['-c', cores, process.execPath, cannon, ...flags, url]);
  const result = JSON.parse(output) as { requests: { average: number }; latency: { p99: number }; errors: number; non2xx: number };
  return { requestsPerSecond: result.requests.average, p99Ms: result.latency.p99, errors: result.errors + result.non2xx };
}

async function read(command: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' };
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  return (await child.stdout.toArray()).join('');
}

function toMs(text: string): number {
  const value = Number.parseFloat(text);
  if (text.endsWith('us')) return value / 1000;
  return text.endsWith('ms') ? value : value * 1000;
}
