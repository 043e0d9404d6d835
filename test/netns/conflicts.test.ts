import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { until } from '../support/until.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { allAlive } from './failover.ts';
import { lacksLab, lacksScapy, PYTHON } from './lab.ts';
import { PREFIX_LENGTH } from './labAddresses.ts';
import { vipOf, type LabService } from './labObjects.ts';
import { endProcess } from './namespace.ts';
import { repliers } from './neighbours.ts';

const skip = lacksLab() || (await lacksScapy());
const echo: LabService = { name: 'echo', vip: 200 };
const proxied: LabService = { name: 'proxied', vip: 201, annotations: { 'gatehouse.dev/forwarding': 'proxy' } };
const VIP = vipOf(echo);
const CLAIMANT = join(import.meta.dirname, 'fixture/claimant.py');

interface MembersView {
  readonly members: readonly { readonly serving: boolean }[];
}

test('who uses a VIP', { skip }, async (t) => {
  const cluster = await startCluster(t, { objects: () => ({ services: [echo, proxied] }) });
  const { lab } = cluster;
  await allAlive(cluster);
  for (const service of [echo, proxied]) for (const address of Object.values(vipOf(service))) await cluster.owner(address);

  await cluster.step('is no conflict where it is another node that has just started', () => {
    assert.deepEqual(conflicts(cluster), []);
    return Promise.resolve();
  });

  await cluster.step('is a node whose proxy serves, which all nodes know without any change after the start', async () => {
    for (const gatehouse of cluster.gatehouses) {
      await until(`${gatehouse.node.nodeName} knows of all proxies`, async () =>
        ((await gatehouse.api('/api/v1/announcements')) as MembersView).members.every(({ serving }) => serving));
    }
  });

  await cluster.step('cannot be a machine that looks for duplicates first', async () => {
    await lab.client.exec('sysctl', ['-q', '-w', 'net.ipv6.conf.all.accept_dad=1', 'net.ipv6.conf.eth0.accept_dad=1', 'net.ipv6.conf.eth0.dad_transmits=1']);
    await lab.client.exec('ip', ['-6', 'address', 'add', `${VIP.ipv6}/${PREFIX_LENGTH.ipv6}`, 'dev', 'eth0']);
    await until('the kernel finds the duplicate', async () => (await lab.client.exec('ip', ['-6', 'address', 'show', 'dev', 'eth0'])).includes('dadfailed'));
    await lab.client.exec('ip', ['-6', 'address', 'delete', `${VIP.ipv6}/${PREFIX_LENGTH.ipv6}`, 'dev', 'eth0']);
    assert.equal((await lab.client.run('arping', ['-0', '-c', '2', '-W', '0.2', '-i', 'eth0', VIP.ipv4])).code, 0);
  });

  await cluster.step('against all nodes is reported and defended against once in ten seconds, and answered beside as before', async (st) => {
    const claimant = lab.router.spawn(PYTHON, [CLAIMANT, 'eth0', VIP.ipv4, VIP.ipv6, '11.5']);
    st.after(() => endProcess(claimant, 'SIGKILL'));
    if (claimant.stdout === null) throw new Error('the claimant has no output');
    await once(createInterface({ input: claimant.stdout }), 'line');
    await until('both are reported', () => conflicts(cluster).length === 2);
    for (const address of Object.values(VIP)) {
      // What the claimant says to all is heard, too, where it comes while one waits for an answer.
      const nodes = (await repliers(lab.client, address)).filter((mac) => mac !== lab.router.mac);
      assert.equal(nodes.length, 1, nodes.join());
    }
    const [code] = (await once(claimant, 'exit')) as [number];
    assert.equal(code, 0);
    await until('both are reported again', () => conflicts(cluster).length >= 4);
    const seen = conflicts(cluster);
    assert.equal(seen.length, 4, JSON.stringify(seen));
    for (const { mac, defended, address } of seen) {
      assert.deepEqual([mac, defended], [lab.router.mac, true]);
      assert.ok(Object.values(VIP).includes(String(address)));
    }
    for (const address of Object.values(VIP)) {
      const [first, second] = seen.filter((each) => each['address'] === address).map(({ atMs }) => Number(atMs));
      assert.ok((second ?? 0) - (first ?? 0) >= 9_900, `${first} ${second}`);
    }
  });
});

function conflicts({ gatehouses }: Cluster): readonly Readonly<Record<string, unknown>>[] {
  return gatehouses.flatMap(({ log }) => log.filter(({ message }) => String(message).startsWith('another station uses')));
}
