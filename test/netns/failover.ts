import type { TestContext } from 'node:test';
import { until } from '../support/until.ts';
import { BACKEND_PORT } from './backends.ts';
import type { Cluster } from './cluster.ts';
import { showLog } from './gatehouseNode.ts';
import { vipOf, type LabService } from './labObjects.ts';
import { monotonicMs, startProbe, type Probe } from './probe.ts';

/** How often each failure is made: GATEHOUSE_FAILOVER_RUNS, default 2. */
export const RUNS = Number(process.env['GATEHOUSE_FAILOVER_RUNS'] ?? 2);

/** One failure, and how it ends. */
export interface Failure {
  readonly name: string;
  /** The VIP that is asked all the time. */
  readonly service: LabService;
  readonly family?: 'ipv4' | 'ipv6';
  /** Makes it happen to the owner. */
  readonly happen: (owner: number) => Promise<void>;
  /** Another node must own the VIP before it ends. */
  readonly moves: boolean;
  /** Undoes it; resolves when all is as before, but for the owner. */
  readonly end: (owner: number) => Promise<void>;
}

/**
 * Makes a failure again and again to whoever owns the VIP, while two clients ask: one that knows the neighbour, and one that asks for it
 * each time. Served again, and by one node in the end, is what is asserted; how long it took is told, also when it ended.
 */
export async function failAgainAndAgain(t: TestContext, cluster: Cluster, failure: Failure): Promise<void> {
  const address = vipOf(failure.service)[failure.family ?? 'ipv4'];
  const runs: { readonly failed: Outages; readonly ended: Outages }[] = [];
  // Told also when a run fails, of those before it.
  t.after(() => {
    t.diagnostic(`${failure.name}: ${describe(runs.map(({ failed }) => failed))}; ${runs.length} runs`);
    t.diagnostic(`${failure.name}, when it ends: ${describe(runs.map(({ ended }) => ended))}`);
  });
  for (let run = 0; run < RUNS; run += 1) {
    const owner = await cluster.owner(address);
    const logged = cluster.gatehouses.map((gatehouse) => gatehouse.log.length);
    const startedAt = new Date().toISOString();
    const probes = await startProbes(t, cluster, address);
    const outcome = await failOnce(cluster, { failure, address, owner, probes });
    runs.push(outcome);
    await Promise.all(Object.values(probes).map((probe) => probe.stop()));
    if (Object.values(outcome.failed).some((outageMs) => outageMs > OUTLIER_MS)) {
      t.diagnostic(`run ${run} of ${failure.name}, owner node-${owner}, began at ${startedAt}: ${describe([outcome.failed])}`);
      for (const [index, gatehouse] of cluster.gatehouses.entries()) showLog(t, gatehouse, logged[index] ?? 0);
    }
  }
}

interface Probes {
  readonly warm: Probe;
  readonly cold: Probe;
}

interface Run {
  readonly failure: Failure;
  readonly address: string;
  readonly owner: number;
  readonly probes: Probes;
}

/** Beyond this, whoever asks anew must meet the failure. */
const QUESTIONS_AFTER = 30;
/** Of runs that take longer, all nodes' logs are shown. */
const OUTLIER_MS = 1_000;

/** Longest times without an answer. */
interface Outages {
  readonly warmMs: number;
  readonly coldMs: number;
}

interface RunOutcome {
  readonly failed: Outages;
  readonly ended: Outages;
}

async function failOnce(cluster: Cluster, { failure, address, owner, probes }: Run): Promise<RunOutcome> {
  const failedMs = monotonicMs();
  await failure.happen(owner);
  if (failure.moves) await cluster.owner(address, { not: [owner] });
  await servedAgain(probes);
  const failed = outagesSince(probes, failedMs);
  const endedMs = monotonicMs();
  await failure.end(owner);
  await cluster.owner(address);
  await servedAgain(probes);
  return { failed, ended: outagesSince(probes, endedMs) };
}

function outagesSince({ warm, cold }: Probes, sinceMs: number): Outages {
  return { warmMs: warm.outageMs(sinceMs), coldMs: cold.outageMs(sinceMs) };
}

function describe(outages: readonly Outages[]): string {
  return `known neighbour ${summary(outages.map(({ warmMs }) => warmMs))}; neighbour asked for ${summary(outages.map(({ coldMs }) => coldMs))}`;
}

async function servedAgain({ warm, cold }: Probes): Promise<void> {
  const nowMs = monotonicMs();
  await Promise.all([warm.answered(nowMs, QUESTIONS_AFTER), cold.answered(nowMs, QUESTIONS_AFTER)]);
}

/** The one that forgets the neighbour is the router's, whose neighbours are not the client's. */
async function startProbes(t: TestContext, { lab }: Cluster, address: string): Promise<Probes> {
  const port = BACKEND_PORT.tcp;
  const [warm, cold] = await Promise.all([
    startProbe(t, lab.client, { mode: 'connections', address, port }),
    startProbe(t, lab.router, { mode: 'cold', address, port }),
  ]);
  return { warm, cold };
}

/** `median 210 ms, worst 420 ms`. */
export function summary(values: readonly number[]): string {
  const sorted = values.toSorted((one, other) => one - other);
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  return `median ${Math.round(median)} ms, worst ${Math.round(sorted.at(-1) ?? Number.NaN)} ms`;
}

interface MembersView {
  readonly members: readonly { readonly node: string; readonly state: string }[];
}

/** Resolves once every node hears all nodes. */
export async function allAlive(cluster: Cluster): Promise<void> {
  for (const gatehouse of cluster.gatehouses) {
    await until(`${gatehouse.node.nodeName} hears all nodes`, async () => {
      const { members } = (await gatehouse.api('/api/v1/announcements')) as MembersView;
      // All but itself.
      return members.filter(({ state }) => state === 'alive').length === cluster.lab.nodes.length - 1;
    });
  }
}
