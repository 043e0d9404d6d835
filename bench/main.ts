import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startBackend } from './backend.ts';
import { stopChild } from './child.ts';
import { corePlan } from './corePlan.ts';
import { runKernelRows } from './kernel/kernelRows.ts';
import { measure } from './measure.ts';
import type { PeerOptions, RunningPeer } from './peers/peer.ts';
import { ROWS, type Row } from './rows.ts';
import { makeLeaf } from '../test/support/certificates.ts';
import { printRow, type RowResult } from './table.ts';

const HOST = 'bench.test';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '4' }, rounds: { type: 'string', default: '5' }, row: { type: 'string', default: '' } },
});
const EFFORT = { rounds: Number(values.rounds), seconds: Number(values.seconds) };

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'));
  try {
    const leaf = makeLeaf(null, HOST);
    const tls = { certificate: join(folder, 'bench.crt'), key: join(folder, 'bench.key') };
    await writeFile(tls.certificate, leaf.certificatePem);
    await writeFile(tls.key, leaf.privateKeyPem);
    print(`${values.rounds} rounds of ${values.seconds} s each, one core per server; ratios of interleaved runs, medians\n`);
    for (const row of ROWS.filter(({ name }) => name.includes(values.row))) await runRow(row, folder, tls);
    await runKernelRows(values.row, { folder, effort: EFFORT, print });
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
    print(printRow(`${row.name} (${row.load.describe})`, row.load.unit, await measureRow(row, options, cores.load)));
  } finally {
    await stopChild(backend.process);
  }
}

async function measureRow({ peers, load }: Row, options: PeerOptions, cores: string): Promise<readonly RowResult[]> {
  const running: { readonly name: string; readonly server: RunningPeer }[] = [];
  try {
    for (const peer of peers) {
      if (peer.missing() === null) running.push({ name: peer.name, server: await peer.start(options) });
    }
    return await measure(running.map(({ name, server: { address, port } }) => ({
      name,
      run: (seconds) => load.run({ address, port, seconds, host: HOST, tls: options.tls !== null, cores }),
    })), EFFORT);
  } finally {
    await Promise.all(running.map(({ server }) => stopChild(server.process)));
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main();
