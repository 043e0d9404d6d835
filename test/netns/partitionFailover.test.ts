import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/until.ts';
import { startCluster } from './cluster.ts';
import { allAlive, failAgainAndAgain } from './failover.ts';
import { lacksLab } from './lab.ts';
import { vipOf, type LabService } from './labObjects.ts';
import { repliers } from './neighbours.ts';

const skip = lacksLab();
/** Each node has endpoints of its own: what is measured is the way to a node, not from there to another. */
const echo: LabService = { name: 'echo', vip: 200, policy: 'Local' };
const VIP = vipOf(echo);

test('the node that owns a VIP is parted from the others, and clients go on', { skip }, async (t) => {
  const cluster = await startCluster(t, { objects: () => ({ services: [echo], advertisement: { sticky: true } }) });
  const { lab } = cluster;
  await allAlive(cluster);
  const others = (owner: number) => lab.nodes.map(({ number }) => number).filter((number) => number !== owner);
  const heal = async () => {
    await lab.heal();
    await allAlive(cluster);
  };

  for (const family of ['ipv4', 'ipv6'] as const) {
    await cluster.step(`where they reach both sides, which both answer (${family})`, async (st) => {
      await failAgainAndAgain(st, cluster, {
        name: `partition, clients reach both sides, ${family}`, service: echo, family, moves: false, end: heal,
        happen: async (owner) => {
          await lab.partition([[owner], others(owner)]);
          await until('both sides answer', async () => (await repliers(lab.client, VIP[family])).length === 2);
        },
      });
    });

    await cluster.step(`where they reach the others only, of which one takes over (${family})`, async (st) => {
      await failAgainAndAgain(st, cluster, {
        name: `partition, clients reach the side of the others, ${family}`, service: echo, family, moves: true, end: heal,
        happen: (owner) => lab.silence(owner),
      });
    });
  }

  await cluster.step('and has one owner when all is healed', async () => {
    for (const address of Object.values(VIP)) assert.equal((await repliers(lab.client, address)).length, 1, address);
  });
});
