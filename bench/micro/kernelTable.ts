/**
 * Milliseconds that the kernel's table of LoadBalancer Services with ten endpoints each takes: planned, printed, and programmed by nft as
 * a whole; then one change, and what nft takes for less. In a network namespace of its own; needs root and nft.
 */
import { spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { CONTAINER_INTERFACES, TABLE } from '../../controller/announcer/kernel/baseTable.ts';
import { createForwardingTable } from '../../controller/announcer/kernel/forwardingTable.ts';
import { createNft, type Nft } from '../../controller/announcer/kernel/nft.ts';
import { printChange } from '../../controller/announcer/kernel/printChange.ts';
import { createTableProgrammer } from '../../controller/announcer/kernel/tableProgrammer.ts';
import type { L4Key } from '../../core/ir/l4.ts';
import type { ForwardedPort } from '../../controller/announcer/wanted.ts';
import { manyPorts, oneOfMany } from '../kernel/manyPorts.ts';
import { median } from '../table.ts';

const WHOLE_ROUNDS = 5;
const ROUNDS = 41;
const OUTSIDE = 'GATEHOUSE_BENCH_OUTSIDE';

type Ports = ReadonlyMap<L4Key, ForwardedPort>;

const nft = createNft();

async function medianMs(rounds: number, run: (round: number) => unknown): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startMs = performance.now();
    await run(round);
    times.push(performance.now() - startMs);
  }
  return median(times);
}

function print(name: string, ms: number): void {
  console.log(`  ${name.padEnd(64)}${ms.toFixed(2).padStart(9)} ms`);
}

async function must(text: string): Promise<void> {
  const result = await nft.run(['-f', '-'], text);
  if (!result.ok) throw new Error(result.text);
}

/** What is spent in nft, of all that a programmer does. */
function timed(): Nft & { spentMs: number } {
  const watch = {
    spentMs: 0,
    run: async (args: readonly string[], input: string) => {
      const startMs = performance.now();
      const result = await nft.run(args, input);
      watch.spentMs += performance.now() - startMs;
      return result;
    },
  };
  return watch;
}

function newProgrammer(nftUsed: Nft): (ports: Ports) => Promise<void> {
  const programmer = createTableProgrammer(nftUsed, { mark: 0x10000, containerInterfaces: CONTAINER_INTERFACES });
  return async (ports) => {
    const outcome = await programmer.program(ports);
    if (!outcome.ok) throw new Error(outcome.problem);
  };
}

async function measureCount(count: number): Promise<void> {
  const ports = manyPorts(count);
  console.log(`${count} Services x 10 endpoints`);
  print('planned', await medianMs(WHOLE_ROUNDS, () => createForwardingTable().change(ports)));
  const change = createForwardingTable().change(ports);
  print(`printed, ${(printChange(change).length / 1e6).toFixed(2)} MB`, await medianMs(WHOLE_ROUNDS, () => printChange(change)));
  const watch = timed();
  print('the whole table, wanted to programmed', await medianMs(WHOLE_ROUNDS, () => newProgrammer(watch)(ports)));
  print('  of which in nft', watch.spentMs / WHOLE_ROUNDS);
  const program = newProgrammer(watch);
  await program(ports);
  watch.spentMs = 0;
  let now = ports;
  print('endpoints of one Service replaced', await medianMs(ROUNDS, async (round) => {
    const next = oneOfMany((round * 37) % count, 100 + round);
    now = new Map(now).set(next.key, next);
    await program(now);
  }));
  print('  of which in nft', watch.spentMs / ROUNDS);
}

/** Small transactions against the table that stands. */
async function measureNft(): Promise<void> {
  console.log('nft alone');
  print('nothing to do', await medianMs(ROUNDS, () => must('')));
  print('one element added', await medianMs(ROUNDS, (round) => must(`add element ${TABLE} vips4 { 10.99.0.${round} }\n`)));
  // The transaction is done as soon as when adding; then nft closes its socket, which waits until no packet can see what is gone.
  print('one element removed', await medianMs(ROUNDS, (round) => must(`delete element ${TABLE} vips4 { 10.99.0.${round} }\n`)));
}

if (process.env[OUTSIDE] === undefined) {
  const env = { ...process.env, [OUTSIDE]: readlinkSync('/proc/self/ns/net') };
  const { status } = spawnSync('unshare', ['--net', process.execPath, ...process.execArgv, import.meta.filename], { stdio: 'inherit', env });
  process.exit(status ?? 1);
}
// What follows replaces a table, which must never be that of the machine.
if (process.env[OUTSIDE] === readlinkSync('/proc/self/ns/net')) throw new Error('this is the network namespace of the machine');
for (const count of [100, 1_000, 5_000]) await measureCount(count);
await measureNft();
