import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCluster } from './cluster.ts';
import { allAlive, failAgainAndAgain } from './failover.ts';
import { lacksLab } from './lab.ts';
import { vipOf, type LabService } from './labObjects.ts';
import { assertSilentAfter } from './loser.ts';

const skip = lacksLab();
const echo: LabService = { name: 'echo', vip: 200 };
const VIP = vipOf(echo);

test('the network of the node that owns a VIP fails', { skip }, async (t) => {
  // Endpoints on the other nodes would go with it: here is measured how fast the address moves.
  const cluster = await startCluster(t, { lab: { nodes: 3 }, objects: (lab) => ({ services: [{ ...echo, on: [lab.node(1)] }], advertisement: { sticky: true } }) });
  const { lab } = cluster;
  await allAlive(cluster);
  // Whoever fails, the endpoints are on another node. The addresses of the two families may have two owners.
  const keepServed = async (family: keyof typeof VIP) => {
    const owner = await cluster.owner(VIP[family]);
    await cluster.change({ services: [{ ...echo, on: lab.nodes.filter(({ number }) => number !== owner) }] });
  };

  for (const family of ['ipv4', 'ipv6'] as const) {
    await cluster.step(`its cable is pulled (${family}): another node answers, and the one that returns leaves it its VIP`, async (st) => {
      await keepServed(family);
      await failAgainAndAgain(st, cluster, {
        name: `node death, ${family}`, service: echo, family, moves: true,
        happen: (owner) => lab.cut(owner),
        end: async (owner) => {
          await assertSilentAfter(st, cluster, { service: echo, loser: owner, what: () => lab.restore(owner).then(() => allAlive(cluster)) });
          await keepServed(family);
        },
      });
    });
  }
});

test('a node that returns takes back what is its own, unless the advertisement is sticky', { skip }, async (t) => {
  const cluster = await startCluster(t, { objects: () => ({ services: [echo] }) });
  await allAlive(cluster);
  const first = await cluster.owner(VIP.ipv4);
  await cluster.lab.cut(first);
  const second = await cluster.owner(VIP.ipv4, { not: [first] });
  await cluster.lab.restore(first);
  assert.equal(await cluster.owner(VIP.ipv4, { not: [second] }), first);
});
