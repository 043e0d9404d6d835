import { test } from 'node:test';
import { startCluster, type Cluster } from './cluster.ts';
import { allAlive, failAgainAndAgain } from './failover.ts';
import { lacksLab } from './lab.ts';
import type { LabService } from './labObjects.ts';
import { assertSilentAfter } from './loser.ts';

const skip = lacksLab();
const kernel: LabService = { name: 'kernel', vip: 200 };
const proxied: LabService = { name: 'proxied', vip: 201, annotations: { 'gatehouse.dev/forwarding': 'proxy' } };

test('processes of the node that owns a VIP fail', { skip }, async (t) => {
  // Sticky: the next run fails whoever has taken over.
  const cluster = await startCluster(t, { objects: () => ({ services: [kernel, proxied], advertisement: { sticky: true } }) });
  await allAlive(cluster);

  await cluster.step('its announcer is killed: another node, or its next announcer, answers', async (st) => {
    await failAgainAndAgain(st, cluster, {
      name: 'kill -9 of the announcer', service: kernel, moves: false,
      happen: (owner) => cluster.gatehouse(owner).kill('announcer', 'SIGKILL'),
      end: () => allAlive(cluster),
    });
  });

  await cluster.step('its announcer is killed, and the VIP is an IPv6 address', async (st) => {
    await failAgainAndAgain(st, cluster, {
      name: 'kill -9 of the announcer, IPv6', service: kernel, family: 'ipv6', moves: false,
      happen: (owner) => cluster.gatehouse(owner).kill('announcer', 'SIGKILL'),
      end: () => allAlive(cluster),
    });
  });

  await cluster.step('its proxy is killed, which carries the port', async (st) => {
    await failAgainAndAgain(st, cluster, {
      name: 'kill -9 of the proxy', service: proxied, moves: false,
      happen: (owner) => cluster.gatehouse(owner).kill('proxy', 'SIGKILL'),
      end: () => allAlive(cluster),
    });
  });

  await cluster.step('its controller is killed: what it left behind goes on, and its next one adopts that', async (st) => {
    await failAgainAndAgain(st, cluster, {
      name: 'kill -9 of the controller', service: kernel, moves: false,
      happen: (owner) => cluster.gatehouse(owner).kill('controller', 'SIGKILL'),
      end: (owner) => cluster.startAgain(owner).then(() => allAlive(cluster)),
    });
  });

  await cluster.step('its announcer stands still: another node takes over, and it says nothing of the VIP when it goes on', async (st) => {
    await failAgainAndAgain(st, cluster, {
      name: 'SIGSTOP of the announcer', service: kernel, moves: true,
      happen: (owner) => cluster.gatehouse(owner).kill('announcer', 'SIGSTOP'),
      end: (owner) => assertSilentAfter(st, cluster, { service: kernel, loser: owner, what: () => goOn(cluster, owner) }),
    });
  });
});

async function goOn(cluster: Cluster, owner: number): Promise<void> {
  await cluster.gatehouse(owner).kill('announcer', 'SIGCONT');
  await allAlive(cluster);
}
