import { isInstalled } from '../child.ts';
import { readPinned, toMs, type Load, type LoadOptions, type LoadResult } from './load.ts';

const CONNECTIONS = 64;

/** GETs of HTTP/1.1 on 64 kept connections: by wrk where installed, which saturates later, else by autocannon. */
export const keepAliveRequests: Load = requestLoad([], '64 connections');

/** GETs of HTTP/1.1, each on a connection of its own, 64 at a time. */
export const newConnections: Load = requestLoad([['Connection', 'close']], '64 at a time, a connection for each');

function requestLoad(fields: readonly (readonly [string, string])[], describe: string): Load {
  const generator = isInstalled('wrk') ? 'wrk' : 'autocannon';
  return {
    unit: 'req/s',
    describe: `${generator}, ${describe}`,
    missing: () => null,
    run: (options) => (generator === 'wrk' ? runWrk(options, fields) : runAutocannon(options, fields)),
  };
}

type RequestFields = readonly (readonly [string, string])[];

async function runWrk({ seconds, ...options }: LoadOptions, fields: RequestFields): Promise<LoadResult> {
  const headers = [['Host', options.host] as const, ...fields].flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const command = ['wrk', '-t', '1', '-c', String(CONNECTIONS), '-d', `${seconds}s`, '--latency', ...headers, urlOf(options)];
  const output = await readPinned(options, command);
  const bad = Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0);
  const failed = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output);
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1] ?? 0),
    // A line of its own: other lines may end in a percentage, too.
    p99Ms: toMs(/^ +99% +(\S+)/m.exec(output)?.[1] ?? ''),
    errors: bad + (failed === null ? 0 : failed.slice(1).reduce((sum, count) => sum + Number(count), 0)),
  };
}

async function runAutocannon({ seconds, ...options }: LoadOptions, fields: RequestFields): Promise<LoadResult> {
  const cannon = import.meta.resolve('autocannon').replace('file://', '');
  const headers = [['Host', options.host] as const, ...fields].flatMap(([name, value]) => ['-H', `${name}=${value}`]);
  const flags = ['-j', '-n', '-c', String(CONNECTIONS), '-d', String(seconds), ...headers];
  const output = await readPinned(options, [process.execPath, cannon, ...flags, urlOf(options)]);
  const result = JSON.parse(output) as { requests: { average: number }; latency: { p99: number }; errors: number; non2xx: number };
  return { rate: result.requests.average, p99Ms: result.latency.p99, errors: result.errors + result.non2xx };
}

function urlOf({ tls, address, port }: Pick<LoadOptions, 'tls' | 'address' | 'port'>): string {
  return `${tls ? 'https' : 'http'}://${address}:${port}/`;
}
