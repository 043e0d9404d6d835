import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/until.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { allAlive } from './failover.ts';
import { lacksLab } from './lab.ts';
import { lanAddress, PREFIX_LENGTH } from './labAddresses.ts';
import { vipOf, type LabService } from './labObjects.ts';
import { repliers } from './neighbours.ts';
import { sniff } from './sniffer.ts';

const skip = lacksLab();
const echo: LabService = { name: 'echo', vip: 200 };
const VIP = vipOf(echo);
/** Further addresses of the client, each a client of its own. */
const CLIENTS = Array.from({ length: 12 }, (_, index) => lanAddress(110 + index));

test('with sharing perClient', { skip }, async (t) => {
  const cluster = await startCluster(t, { objects: () => ({ services: [echo], advertisement: { sharing: 'perClient' } }) });
  const { lab } = cluster;
  for (const { ipv4 } of CLIENTS) await lab.client.exec('ip', ['address', 'add', `${ipv4}/${PREFIX_LENGTH.ipv4}`, 'dev', 'eth0']);
  await allAlive(cluster);

  await cluster.step('each client is answered by one node, and their clients are spread over all', async () => {
    const answers = await until('one node for each client', () => answersTo(cluster));
    assert.equal(new Set(answers.values()).size, lab.nodes.length, [...answers.values()].join(' '));
    // All its IPv6 addresses are one client, known by its MAC address.
    assert.equal((await repliers(lab.client, VIP.ipv6)).length, 1);
  });

  await cluster.step('nothing is announced to all, and only clients of a node that is gone go elsewhere', async (st) => {
    const before = await until('one node for each client', () => answersTo(cluster));
    const sniffer = await sniff(st, lab.router, `arp and ether broadcast and src host ${VIP.ipv4}`);
    const [gone, ...others] = lab.nodes;
    await lab.cut(gone?.number ?? 1);
    const after = await until('the others answer all clients', async () => {
      const answers = await answersTo(cluster);
      return answers !== null && [...answers.values()].every((mac) => others.some((node) => node.mac === mac)) && answers;
    });
    for (const [client, mac] of before) if (mac !== gone?.mac) assert.equal(after.get(client), mac, client);
    assert.deepEqual(await sniffer.stop(), []);
  });
});

/** Client → the MAC address that answers it; null when one is answered by none or by several. One after the other: arping hears all answers. */
async function answersTo({ lab }: Cluster): Promise<ReadonlyMap<string, string> | null> {
  const found = new Map<string, string>();
  for (const { ipv4 } of CLIENTS) {
    const [mac, ...others] = await repliers(lab.client, VIP.ipv4, ipv4);
    if (mac === undefined || others.length > 0) return null;
    found.set(ipv4, mac);
  }
  return found;
}
