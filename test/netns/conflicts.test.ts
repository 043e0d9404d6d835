import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { until } from '../support/until.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { allAlive } from './failover.ts';
import { showLog } from './gatehouseNode.ts';
import { lacksLab, lacksScapy, PYTHON } from './lab.ts';
import { PREFIX_LENGTH } from './labAddresses.ts';
import { vipOf, type LabService } from './labObjects.ts';
import { endProcess } from './namespace.ts';
import { repliers } from './neighbours.ts';
import { stalls } from './stalls.ts';

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

  await cluster.step('is no conflict where it is another node that has just started', (st) => {
    st.after(() => {
      if (!st.passed) for (const gatehouse of cluster.gatehouses) showLog(st, gatehouse, 0);
    });
    assert.deepEqual(conflicts(cluster).filter((each) => !isOfProxies(cluster, each)), []);
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
    const claimant = lab.router.spawn(PYTHON, [CLAIMANT, 'eth0', VIP.ipv4, VIP.ipv6]);
    st.after(() => endProcess(claimant, 'SIGKILL'));
    if (claimant.stdout === null) throw new Error('the claimant has no output');
    await once(createInterface({ input: claimant.stdout }), 'line');
    const addresses = Object.values(VIP);
    const stallsBefore = stalls(cluster);
    const reportsOf = (address: string) => conflicts(cluster).filter((each) => each['address'] === address);
    await until('both are reported', () => addresses.every((address) => reportsOf(address).length > 0));
    for (const address of addresses) {
      await until(`one node answers for ${address} beside the claimant`, async () => {
        // What the claimant says to all is heard, too, where it comes while one waits for an answer.
        const nodes = (await repliers(lab.client, address)).filter((mac) => mac !== lab.router.mac);
        // An owner that was kept from running is silent for a moment, and may be replaced.
        if (stalls(cluster) === stallsBefore) assert.equal(nodes.length, 1, nodes.join());
        return nodes.length === 1;
      });
    }
    // It claims until then: who is silent for a moment hears nothing meanwhile, and one that is replaced reports no more.
    const isReportedAgain = (address: string) => timesByNode(reportsOf(address)).some((times) => times.length >= 2);
    await until('a node has reported each again', () => addresses.every(isReportedAgain), 60_000);
    assert.equal(claimant.exitCode, null, 'it claims on');
    for (const { mac, defended } of addresses.flatMap(reportsOf)) assert.deepEqual([mac, defended], [lab.router.mac, true]);
    for (const address of addresses) {
      const times = timesByNode(reportsOf(address));
      if (stalls(cluster) === stallsBefore) assert.equal(times.length, 1, 'its owner alone');
      for (const atMs of times) assert.ok(atMs.every((later, at) => at === 0 || later - (atMs[at - 1] ?? 0) >= 9_900), atMs.join(' '));
    }
  });
});

type Reported = Readonly<Record<string, unknown>>;

/** Of all nodes, `node` being who says so. */
function conflicts({ gatehouses }: Cluster): readonly Reported[] {
  return gatehouses.flatMap(({ node, log }) =>
    log.filter(({ message }) => String(message).startsWith('another station uses')).map((line) => ({ ...line, node: node.nodeName })));
}

/**
 * Two proxies have begun to serve in the same moment: before it heard of the other one, a node took from that an address that needs a proxy
 * (docs/decisions/0016-ownership.md, two owners). An owner that keeps it cannot tell that from a stranger, and brings clients back.
 */
function isOfProxies({ gatehouses }: Cluster, { address, mac, atMs }: Reported): boolean {
  if (!Object.values(vipOf(proxied)).includes(String(address))) return false;
  const taker = gatehouses.find(({ node }) => node.mac === mac);
  return taker?.log.some((line) =>
    line['type'] === 'moved' && line['address'] === address && line['from'] !== null && line['to'] === taker.node.nodeName
    && Number(line['atMs']) <= Number(atMs)) === true;
}

/**
 * When each node that has reported did so, ms. Each is a host that may defend once in ten seconds: an owner that is new knows nothing of
 * the former one.
 */
function timesByNode(reported: readonly Reported[]): readonly (readonly number[])[] {
  return [...Map.groupBy(reported, ({ node }) => node).values()].map((each) => each.map(({ atMs }) => Number(atMs)));
}
