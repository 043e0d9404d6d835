import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { until } from '../support/until.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { allAlive } from './failover.ts';
import { lacksLab } from './lab.ts';
import { vipOf, type LabService } from './labObjects.ts';
import { repliers } from './neighbours.ts';

const skip = lacksLab();
const echo: LabService = { name: 'echo', vip: 200 };
const VIP = vipOf(echo);
const [OLD, NEW] = ['old-key-old-key-old-key', 'new-key-new-key-new-key'];

interface View {
  readonly problems: readonly string[];
}

const problemsOf = async (cluster: Cluster, number: number) => ((await cluster.gatehouse(number).api('/api/v1/announcements')) as View).problems;

async function keyFile(t: TestContext): Promise<{ readonly path: string; readonly write: (...keys: readonly string[]) => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-key-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'key');
  return { path, write: (...keys) => writeFile(path, `${keys.join('\n')}\n`, { mode: 0o600 }) };
}

async function restart(cluster: Cluster, number: number): Promise<void> {
  await cluster.gatehouse(number).stop();
  await cluster.startAgain(number);
}

test('a membership key is changed node by node, and there is one owner in the end, however it is done', { skip }, async (t) => {
  const { path, write } = await keyFile(t);
  await write(OLD);
  const cluster = await startCluster(t, { objects: () => ({ services: [echo] }), lab: { nodes: 2 }, args: ['--membership-key-file', path] });
  const bothAnswer = async () => {
    const found = await Promise.all(Object.values(VIP).map((address) => repliers(cluster.lab.client, address)));
    for (const macs of found) assert.equal(macs.length, 1, macs.join(' and '));
  };
  await allAlive(cluster);
  await cluster.step('as documented: accepted first, then sent with, then alone', async () => {
    // Each beside the one before it, as during a roll-out.
    const steps = [[1, [OLD, NEW]], [2, [NEW, OLD]], [1, [NEW]]] as const;
    for (const [number, keys] of steps) {
      await write(...keys);
      await restart(cluster, number);
      await allAlive(cluster);
      // The one that is back takes what is its own, and that is one move.
      for (const address of Object.values(VIP)) await cluster.owner(address);
      assert.deepEqual((await Promise.all([1, 2].map((each) => problemsOf(cluster, each)))).flat(), []);
    }
  });
  await cluster.step('at once: of two that cannot read each other one owns nothing, and both say so', async () => {
    await write(OLD);
    // It reads nobody who sends with the new key alone, nor is it read.
    await restart(cluster, 2);
    const told = await until('both say so', async () => {
      const problems = await Promise.all([1, 2].map((number) => problemsOf(cluster, number)));
      return problems.every((each) => each.some((problem) => problem.includes('another key'))) && problems.flat().some((problem) => problem.includes('owns nothing')) ? problems : null;
    });
    assert.equal(told.flat().filter((problem) => problem.includes('this node owns nothing')).length, 1, told.flat().join('\n'));
    for (const address of Object.values(VIP)) await cluster.owner(address);
    await bothAnswer();
    await write(NEW, OLD);
    await restart(cluster, 1);
    // Now one of them reads the other, who is on the way back to the old key.
    await until('one of them owns nothing', async () => (await Promise.all([1, 2].map((number) => problemsOf(cluster, number)))).flat().some((problem) => problem.includes('owns nothing')));
    for (const address of Object.values(VIP)) await cluster.owner(address);
    await bothAnswer();
    const owner = await cluster.owner(VIP.ipv4);
    await cluster.lab.cut(owner);
    await cluster.owner(VIP.ipv4, { not: [owner] });
  });
});
