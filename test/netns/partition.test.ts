import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/until.ts';
import { startCluster } from './cluster.ts';
import { allAlive, failAgainAndAgain } from './failover.ts';
import { lacksLab } from './lab.ts';
import { vipOf, type LabService } from './labObjects.ts';
import { repliers } from './neighbours.ts';

const skip = lacksLab();
const echo: LabService = { name: 'echo', vip: 200 };
const VIP = vipOf(echo);

test('nodes that do not hear each other', { skip }, async (t) => {
  const cluster = await startCluster(t, { objects: () => ({ services: [echo], advertisement: { sticky: true } }) });
  const { lab } = cluster;
  await allAlive(cluster);
  const others = (owner: number) => lab.nodes.map(({ number }) => number).filter((number) => number !== owner);

  await cluster.step('have an owner on both sides, and one in all once they hear each other', async (st) => {
    await failAgainAndAgain(st, cluster, {
      name: 'partition, with two owners as long as it lasts', service: echo, moves: false,
      happen: async (owner) => {
        await lab.partition([[owner], others(owner)]);
        await until('both sides answer', async () => (await repliers(lab.client, VIP.ipv4)).length === 2);
      },
      end: async () => {
        await lab.heal();
        await allAlive(cluster);
      },
    });
    for (const address of Object.values(VIP)) assert.equal((await repliers(lab.client, address)).length, 1);
  });
});

test('with --announcer-quorum the side of fewer nodes gives up its VIPs, so that there are never two owners for long', { skip }, async (t) => {
  const cluster = await startCluster(t, { objects: () => ({ services: [echo] }), args: ['--announcer-quorum'] });
  await allAlive(cluster);
  const owner = await cluster.owner(VIP.ipv4);
  await cluster.lab.partition([[owner], cluster.lab.nodes.map(({ number }) => number).filter((number) => number !== owner)]);
  const successor = await cluster.owner(VIP.ipv4, { not: [owner] });
  assert.deepEqual(await repliers(cluster.lab.client, VIP.ipv6), [cluster.lab.node(await cluster.owner(VIP.ipv6)).mac]);
  await cluster.lab.heal();
  await allAlive(cluster);
  assert.ok([owner, successor].includes(await cluster.owner(VIP.ipv4)));
});
