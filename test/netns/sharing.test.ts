import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/until.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { allAlive } from './failover.ts';
import { lacksLab } from './lab.ts';
import { lanAddress, PREFIX_LENGTH, type Addresses } from './labAddresses.ts';
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
  for (const address of CLIENTS.flatMap(({ ipv4, ipv6 }) => [`${ipv4}/${PREFIX_LENGTH.ipv4}`, `${ipv6}/${PREFIX_LENGTH.ipv6}`])) {
    await lab.client.exec('ip', ['address', 'add', address, 'dev', 'eth0', ...(address.includes(':') ? ['nodad'] : [])]);
  }
  await allAlive(cluster);

  await cluster.step('each client is answered by one node, and their clients are spread over all', async () => {
    for (const family of ['ipv4', 'ipv6'] as const) {
      const answers = await until('one node for each client', () => answersTo(cluster, family));
      assert.deepEqual(new Set(answers.values()).size, lab.nodes.length, `${family}: ${[...answers.values()].join(' ')}`);
    }
  });

  await cluster.step('nothing is announced to all, and only clients of a node that is gone go elsewhere', async (st) => {
    const before = await until('one node for each client', () => answersTo(cluster, 'ipv4'));
    const sniffer = await sniff(st, lab.router, `arp and ether broadcast and src host ${VIP.ipv4}`);
    const [gone, ...others] = lab.nodes;
    await lab.cut(gone?.number ?? 1);
    const after = await until('the others answer all clients', async () => {
      const answers = await answersTo(cluster, 'ipv4');
      return answers !== null && [...answers.values()].every((mac) => others.some((node) => node.mac === mac)) && answers;
    });
    for (const [client, mac] of before) if (mac !== gone?.mac) assert.equal(after.get(client), mac, client);
    assert.deepEqual(await sniffer.stop(), []);
  });
});

/** Client → the MAC address that answers it; null when one is answered by none or by several. */
async function answersTo({ lab }: Cluster, family: keyof Addresses): Promise<ReadonlyMap<string, string> | null> {
  const found = await Promise.all(CLIENTS.map(async (client) => [client[family], await repliers(lab.client, VIP[family], client[family])] as const));
  const single = found.flatMap(([client, macs]) => (macs.length === 1 && macs[0] !== undefined ? [[client, macs[0]] as const] : []));
  return single.length === found.length ? new Map(single) : null;
}
