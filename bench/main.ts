import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startBackend } from './backend.ts';
import { stopChild } from './child.ts';
import { loadGenerator, runLoad, type LoadResult } from './load.ts';
import { gatehouse } from './peers/gatehouse.ts';
import { haproxy } from './peers/haproxy.ts';
import { nginx } from './peers/nginx.ts';
import type { Peer, PeerOptions, RunningPeer } from './peers/peer.ts';
import { httpProxy, nodeUndici } from './peers/reference.ts';
import { makeLeaf } from '../test/support/certificates.ts';
import { median, printRow, type RowResult } from './table.ts';

const PEERS: readonly Peer[] = [gatehouse, nginx, haproxy, httpProxy, nodeUndici];
const ROWS = [
  { name: 'HTTP/1.1 keep-alive', tls: false },
  { name: 'HTTP/1.1 over TLS, keep-alive', tls: true },
] as const;
const HOST = 'bench.test';
const CONNECTIONS = 64;

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '4' }, rounds: { type: 'string', default: '5' }, row: { type: 'string', default: '' } },
});

/** With three cores or more, server, backend and load stand apart; with two, backend and load share one. */
function corePlan(): { readonly server: string; readonly backend: string; readonly load: string } {
  const count = availableParallelism();
  if (count >= 3) return { server: '1', backend: '2', load: count >= 4 ? '3' : '0' };
  return { server: '1', backend: '0', load: '0' };
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'));
  const cores = corePlan();
  const backend = await startBackend(folder, cores.backend);
  try {
    const leaf = makeLeaf(null, HOST);
    const tls = { certificate: join(folder, 'bench.crt'), key: join(folder, 'bench.key') };
    await writeFile(tls.certificate, leaf.certificatePem);
    await writeFile(tls.key, leaf.privateKeyPem);
    for (const peer of PEERS) if (peer.missing() !== null) print(`left out: ${peer.name} (${peer.missing()})`);
    print(`load: ${loadGenerator()}, ${CONNECTIONS} connections, ${values.rounds} rounds of ${values.seconds} s each, one core per server\n`);
    for (const row of ROWS) {
      if (!row.name.includes(values.row)) continue;
      const options = { backendPort: backend.port, host: HOST, folder, tls: row.tls ? tls : null, cores: cores.server };
      print(printRow(row.name, await measure(options, cores.load)));
    }
  } finally {
    await stopChild(backend.process);
    await rm(folder, { recursive: true, force: true });
  }
}

interface Measured extends RunningPeer {
  readonly peer: Peer;
  readonly results: LoadResult[];
}

/** Interleaved: every round runs every peer once, so that a slow minute of the machine slows all of them. */
async function measure(options: PeerOptions, loadCores: string): Promise<readonly RowResult[]> {
  const running: Measured[] = [];
  const load = { host: HOST, tls: options.tls !== null, connections: CONNECTIONS, cores: loadCores };
  try {
    for (const peer of PEERS) {
      if (peer.missing() === null) running.push({ peer, ...(await peer.start(options)), results: [] });
    }
    for (const { port } of running) await runLoad(loadGenerator(), { ...load, port, seconds: 1 });
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const { port, results } of running) {
        results.push(await runLoad(loadGenerator(), { ...load, port, seconds: Number(values.seconds) }));
      }
    }
  } finally {
    await Promise.all(running.map(({ process }) => stopChild(process)));
  }
  return running.map(({ peer, results }) => ({
    name: peer.name,
    rate: median(results.map((result) => result.requestsPerSecond)),
    p99Ms: median(results.map((result) => result.p99Ms)),
    errors: results.reduce((sum, result) => sum + result.errors, 0),
    // Ratio of each round, then the median: absolute figures of different rounds do not compare.
    ratio: median(results.map((result, index) => (running[0]?.results[index]?.requestsPerSecond ?? 0) / result.requestsPerSecond)),
  }));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main();
