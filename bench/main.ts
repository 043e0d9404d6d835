import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startBackend } from './backend.ts';
import { stopChild } from './child.ts';
import type { LoadOptions, LoadResult } from './load/load.ts';
import type { Peer, PeerOptions, RunningPeer } from './peers/peer.ts';
import { ROWS, type Row } from './rows.ts';
import { makeLeaf } from '../test/support/certificates.ts';
import { median, printRow, type RowResult } from './table.ts';

const HOST = 'bench.test';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '4' }, rounds: { type: 'string', default: '5' }, row: { type: 'string', default: '' } },
});

interface CorePlan {
  readonly server: string;
  readonly backend: string;
  readonly load: string;
}

/** With three cores or more, server, backend and load stand apart; with two, backend and load share one. */
function corePlan(): CorePlan {
  const count = availableParallelism();
  if (count >= 3) return { server: '1', backend: '2', load: count >= 4 ? '3' : '0' };
  return { server: '1', backend: '0', load: '0' };
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'));
  try {
    const leaf = makeLeaf(null, HOST);
    const tls = { certificate: join(folder, 'bench.crt'), key: join(folder, 'bench.key') };
    await writeFile(tls.certificate, leaf.certificatePem);
    await writeFile(tls.key, leaf.privateKeyPem);
    print(`${values.rounds} rounds of ${values.seconds} s each, one core per server; ratios of interleaved runs, medians\n`);
    for (const row of ROWS.filter(({ name }) => name.includes(values.row))) await runRow(row, folder, tls);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runRow(row: Row, folder: string, tls: NonNullable<PeerOptions['tls']>): Promise<void> {
  const lacks = row.load.missing();
  if (lacks !== null) return print(`${row.name}: left out, ${lacks}\n`);
  for (const { name, missing } of row.peers) if (missing() !== null) print(`${row.name}: without ${name} (${missing()})`);
  const cores = corePlan();
  const backend = await startBackend(row.backend, folder, cores.backend);
  try {
    const options = { backendPort: backend.port, host: HOST, folder, protocol: row.protocol, tls: row.tls ? tls : null, cores: cores.server };
    print(printRow(`${row.name} (${row.load.describe})`, row.load.unit, await measure(row, options, cores.load)));
  } finally {
    await stopChild(backend.process);
  }
}

interface Measured extends RunningPeer {
  readonly peer: Peer;
  readonly results: LoadResult[];
}

/** Interleaved: every round runs every peer once, so that a slow minute of the machine slows all of them. */
async function measure({ peers, load }: Row, options: PeerOptions, cores: string): Promise<readonly RowResult[]> {
  const running: Measured[] = [];
  const at = ({ address, port }: RunningPeer, seconds: number): LoadOptions => ({ address, port, seconds, host: HOST, tls: options.tls !== null, cores });
  try {
    for (const peer of peers) {
      if (peer.missing() === null) running.push({ peer, ...(await peer.start(options)), results: [] });
    }
    for (const peer of running) await load.run(at(peer, 1));
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const peer of running) peer.results.push(await load.run(at(peer, Number(values.seconds))));
    }
  } finally {
    await Promise.all(running.map(({ process }) => stopChild(process)));
  }
  return running.map(({ peer, results }) => summary(peer, results, running[0]?.results ?? []));
}

function summary({ name }: Peer, results: readonly LoadResult[], ours: readonly LoadResult[]): RowResult {
  const latencies = results.flatMap(({ p99Ms }) => (p99Ms === null ? [] : [p99Ms]));
  return {
    name,
    rate: median(results.map(({ rate }) => rate)),
    p99Ms: latencies.length === 0 ? null : median(latencies),
    errors: results.reduce((sum, { errors }) => sum + errors, 0),
    // Ratio of each round, then the median: absolute figures of different rounds do not compare.
    ratio: median(results.map(({ rate }, index) => (ours[index]?.rate ?? 0) / rate)),
  };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main();
