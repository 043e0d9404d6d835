import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/until.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { allAlive } from './failover.ts';
import { lacksLab } from './lab.ts';
import { vipOf, type LabService } from './labObjects.ts';
import { claims } from './loser.ts';
import { repliers } from './neighbours.ts';
import { sniff } from './sniffer.ts';

const skip = lacksLab();
const echo: LabService = { name: 'echo', vip: 200 };
const VIP = vipOf(echo);
/** Two suspicions, one after the other: whoever is given up is by then. */
const LONG_MS = 2_000;

/** Drops membership messages of one node on the node itself. */
async function lose({ lab }: Cluster, number: number, hook: 'input' | 'output', to: readonly number[] = []): Promise<void> {
  const field = hook === 'input' ? 'saddr' : 'daddr';
  const of = to.map((each) => lab.node(each).addresses);
  const rules = of.length === 0 ? ['udp dport 7946 drop'] : of.flatMap(({ ipv4, ipv6 }) => [`ip ${field} ${ipv4} udp dport 7946 drop`, `ip6 ${field} ${ipv6} udp dport 7946 drop`]);
  // Not in the output hook, where the sender is told: what is lost on a wire fails silently.
  const chain = hook === 'input' ? 'type filter hook input priority 0' : 'type filter hook postrouting priority 300';
  await lab.node(number).exec('nft', ['-f', '-'], `table inet one_way { chain loss { ${chain}; ${rules.join('; ')}; }; }`);
}

const mend = ({ lab }: Cluster, number: number) => lab.node(number).exec('nft', ['delete', 'table', 'inet', 'one_way']);

/** As tcpdump has it, seconds. */
function timeOf(line: string | undefined): number {
  return Number(line?.split(' ')[0] ?? Number.NaN);
}

interface View {
  readonly problems: readonly string[];
}

const problemsOf = async (cluster: Cluster, number: number) => ((await cluster.gatehouse(number).api('/api/v1/announcements')) as View).problems;

test('membership messages that get lost one way', { skip }, async (t) => {
  const cluster = await startCluster(t, { objects: () => ({ services: [echo], advertisement: { sticky: true } }) });
  const { lab } = cluster;
  await allAlive(cluster);
  const others = (owner: number) => lab.nodes.map(({ number }) => number).filter((number) => number !== owner);

  await cluster.step('from the owner: it hears all, is given up by all, and gives up its VIPs when they take over', async (st) => {
    const owner = await cluster.owner(VIP.ipv4);
    const sniffer = await sniff(st, lab.client, 'arp');
    await lose(cluster, owner, 'output');
    await cluster.owner(VIP.ipv4, { not: [owner] });
    await cluster.owner(VIP.ipv6, { not: [owner] });
    const problems = await until('it says so', async () => {
      const told = await problemsOf(cluster, owner);
      return told.length > 0 ? told : null;
    });
    assert.match(problems.join(), new RegExp(`this node owns nothing: .* take ${lab.node(owner).nodeName} for dead`));
    for (const address of Object.values(VIP)) assert.equal((await repliers(lab.client, address)).length, 1);
    const said = claims(await sniffer.stop(), VIP);
    const isOld = (line: string) => line.includes(`${lab.node(owner).mac} >`);
    const taken = said.findIndex((line) => !isOld(line));
    assert.ok(taken >= 0, 'the new owner has announced itself');
    const tooLate = said.slice(taken).findLast(isOld);
    const lateMs = tooLate === undefined ? 0 : Math.round((timeOf(tooLate) - timeOf(said[taken])) * 1_000);
    st.diagnostic(`after the first frame of the new owner the old one spoke for ${lateMs} ms`);
    assert.ok(lateMs < LONG_MS, `${lateMs} ms`);
    await mend(cluster, owner);
    await allAlive(cluster);
    await until('nothing is wrong any more', async () => (await problemsOf(cluster, owner)).length === 0);
    assert.equal((await repliers(lab.client, VIP.ipv4)).length, 1);
  });

  await cluster.step('between the owner and one of two others: nothing moves', async (st) => {
    const owner = await cluster.owner(VIP.ipv4);
    const [other = 0] = others(owner);
    const events = async () => Promise.all(cluster.gatehouses.map((gatehouse) => gatehouse.api('/api/v1/announcements').then((view) => (view as { events: unknown[] }).events.length)));
    const before = await events();
    for (const hook of ['output', 'input'] as const) {
      await lose(cluster, owner, hook, [other]);
      await new Promise((resolve) => setTimeout(resolve, LONG_MS));
      assert.equal(await cluster.owner(VIP.ipv4), owner);
      await mend(cluster, owner);
    }
    assert.deepEqual(await events(), before, 'no move, no conflict');
    st.diagnostic('nothing has happened');
  });

  await cluster.step('to a node: it believes itself alone, as with a partition, and takes nobody along', async () => {
    const owner = await cluster.owner(VIP.ipv4);
    const [deaf = 0, third = 0] = others(owner);
    await lose(cluster, deaf, 'input');
    await until('both answer', async () => (await repliers(lab.client, VIP.ipv4)).length === 2);
    assert.deepEqual(await repliers(lab.client, VIP.ipv4), [lab.node(owner).mac, lab.node(deaf).mac].toSorted());
    assert.deepEqual(await problemsOf(cluster, owner), []);
    assert.deepEqual(await problemsOf(cluster, third), []);
    await mend(cluster, deaf);
    await allAlive(cluster);
    await cluster.owner(VIP.ipv4);
  });
});
