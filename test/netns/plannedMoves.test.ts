import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BACKEND_PORT } from './backends.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { allAlive } from './failover.ts';
import { lacksLab } from './lab.ts';
import { vipOf, type LabService } from './labObjects.ts';
import { monotonicMs, startProbe, type Attempt, type ProbeOptions } from './probe.ts';

const skip = lacksLab();
const echo: LabService = { name: 'echo', vip: 200 };
const VIP = vipOf(echo);
const ANNOUNCES = { announces: 'yes' } as const;
const QUESTIONS_AFTER = 100;

test('a VIP that is moved on purpose is answered all the time', { skip }, async (t) => {
  const labels = (...numbers: readonly number[]) => Object.fromEntries(numbers.map((number) => [number, ANNOUNCES]));
  const cluster = await startCluster(t, {
    objects: () => ({ services: [echo], advertisement: { nodeSelectors: [{ matchLabels: ANNOUNCES }] }, labels: labels(1, 2, 3) }),
  });
  await allAlive(cluster);

  for (const family of ['ipv4', 'ipv6'] as const) {
    await cluster.step(`because its node loses a label (${family})`, async (st) => {
      for (const mode of ['connections', 'cold', 'datagrams'] as const) {
        const owner = await cluster.owner(VIP[family]);
        const others = cluster.lab.nodes.map(({ number }) => number).filter((number) => number !== owner);
        const lost = await during(st, cluster, { mode, family }, async () => {
          await cluster.change({ labels: labels(...others) });
          await cluster.owner(VIP[family], { not: [owner] });
        });
        st.diagnostic(`label, ${mode}, ${family}: longest gap ${Math.round(lost.outageMs)} ms, errors: ${errorsOf(lost)}`);
        assertOneMoment(lost);
        await cluster.change({ labels: labels(1, 2, 3) });
      }
    });
  }

  await cluster.step('because Gatehouse ends on its node (SIGTERM)', async (st) => {
    for (const mode of ['connections', 'cold', 'datagrams'] as const) {
      const owner = await cluster.owner(VIP.ipv4);
      const lost = await during(st, cluster, { mode, family: 'ipv4' }, async () => {
        assert.equal(await cluster.gatehouse(owner).stop(), 0);
        await cluster.owner(VIP.ipv4, { not: [owner] });
      });
      st.diagnostic(`SIGTERM, ${mode}: longest gap ${Math.round(lost.outageMs)} ms, errors: ${errorsOf(lost)}`);
      assertOneMoment(lost);
      await cluster.startAgain(owner);
      await allAlive(cluster);
    }
  });
});

interface Asked {
  readonly mode: ProbeOptions['mode'];
  readonly family: keyof typeof VIP;
}

interface Lost {
  readonly outageMs: number;
  readonly failed: readonly Attempt[];
}

/** What a client loses while something happens. */
async function during(t: Parameters<typeof startProbe>[0], cluster: Cluster, { mode, family }: Asked, happens: () => Promise<void>): Promise<Lost> {
  const port = mode === 'datagrams' ? BACKEND_PORT.udp : BACKEND_PORT.tcp;
  // The router asks, as its neighbours are not those of the client, who is asked for owners.
  const probe = await startProbe(t, cluster.lab.router, { mode, address: VIP[family], port });
  await probe.answered(0, QUESTIONS_AFTER);
  const beforeMs = monotonicMs();
  await happens();
  await probe.answered(monotonicMs(), QUESTIONS_AFTER);
  await probe.stop();
  return { outageMs: probe.outageMs(beforeMs), failed: probe.attempts.filter(({ startedMs, error }) => error !== undefined && startedMs >= beforeMs) };
}

/** A connection that is open at the very moment of the move is the old node's, and ends with it. A busy machine has several open at a time. */
function assertOneMoment({ failed }: Lost): void {
  const [lastStartMs, firstEndMs] = [Math.max(...failed.map(({ startedMs }) => startedMs)), Math.min(...failed.map(({ endedMs }) => endedMs))];
  assert.ok(lastStartMs <= firstEndMs, JSON.stringify(failed));
}

function errorsOf({ failed }: Lost): string {
  return failed.map(({ error }) => error).join(' ') || 'none';
}
