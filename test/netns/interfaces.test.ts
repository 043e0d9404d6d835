import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/until.ts';
import { ask } from './ask.ts';
import { BACKEND_PORT } from './backends.ts';
import { BRIDGE } from './cables.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { lacksLab, type LabNode } from './lab.ts';
import { lanAddress, nodeHost, PREFIX_LENGTH } from './labAddresses.ts';
import { vipOf, type LabService } from './labObjects.ts';
import { repliers } from './neighbours.ts';

const skip = lacksLab();
const echo: LabService = { name: 'echo', vip: 200 };
const VIPS = Object.values(vipOf(echo));

test('interfaces of the one node that announces', { skip }, async (t) => {
  const cluster = await startCluster(t, { lab: { nodes: 1 }, objects: () => ({ services: [echo] }) });
  const { lab } = cluster;
  const node = lab.node(1);
  for (const address of VIPS) await cluster.owner(address);

  await cluster.step('a second one on the same network leaves the VIP with one MAC address, and speaks when the first has no link', async () => {
    await lab.switch.exec('ip', ['link', 'add', 'second', 'type', 'veth', 'peer', 'name', 'eth1', 'netns', node.name]);
    await lab.switch.exec('ip', ['link', 'set', 'second', 'master', BRIDGE, 'up']);
    await node.exec('ip', ['link', 'set', 'eth1', 'up']);
    const second = await macOfLink(node, 'eth1');
    await until('the second interface is announced on', async () => used(cluster, 'eth1'));
    await answeredBy(cluster, node.mac);
    await lab.cut(1);
    await answeredBy(cluster, second);
    await lab.restore(1);
    await answeredBy(cluster, node.mac);
    await node.exec('ip', ['link', 'delete', 'eth1']);
    await answeredBy(cluster, node.mac);
  });

  await cluster.step('one that is renamed, or has another MAC address, answers on under what it is now', async () => {
    await node.exec('ip', ['link', 'set', 'eth0', 'address', '02:00:00:00:77:01']);
    await answeredBy(cluster, '02:00:00:00:77:01');
    await node.exec('ip', ['link', 'set', 'eth0', 'down']);
    await node.exec('ip', ['link', 'set', 'eth0', 'name', 'lan7']);
    await bringUp(node, 'lan7');
    await answeredBy(cluster, '02:00:00:00:77:01');
    await node.exec('ip', ['link', 'set', 'lan7', 'down']);
    await node.exec('ip', ['link', 'set', 'lan7', 'name', 'eth0']);
    await bringUp(node, 'eth0');
    await answeredBy(cluster, '02:00:00:00:77:01');
  });

  await cluster.step('one that is removed and made anew answers again', async () => {
    await node.exec('ip', ['link', 'delete', 'eth0']);
    await until('nobody answers', async () => (await repliers(lab.client, VIPS[0] ?? '')).length === 0);
    await lab.switch.exec('ip', ['link', 'add', 'node1', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', node.name]);
    await lab.switch.exec('ip', ['link', 'set', 'node1', 'master', BRIDGE, 'up']);
    await bringUp(node, 'eth0');
    await answeredBy(cluster, await macOfLink(node, 'eth0'));
  });

  await cluster.step('one that becomes a port of a bridge leaves the VIP to the bridge', async () => {
    await node.exec('ip', ['link', 'add', 'br0', 'address', '02:00:00:00:77:02', 'type', 'bridge', 'forward_delay', '0']);
    await node.exec('ip', ['address', 'flush', 'dev', 'eth0', 'scope', 'global']);
    await node.exec('ip', ['link', 'set', 'eth0', 'master', 'br0']);
    await bringUp(node, 'br0');
    await answeredBy(cluster, '02:00:00:00:77:02');
    const [outcome] = await ask(lab.client, [{ protocol: 'tcp', address: VIPS[0] ?? '', port: BACKEND_PORT.tcp }]);
    assert.equal(outcome?.answer?.name, 'node-1/1');
  });

  await cluster.step('none of all this is reported as a conflict', () => {
    assert.deepEqual(cluster.gatehouse(1).log.filter(({ message }) => String(message).startsWith('another station uses')), []);
    return Promise.resolve();
  });
});

async function answeredBy({ lab }: Cluster, mac: string): Promise<void> {
  for (const address of VIPS) {
    await until(`${address} is answered by ${mac} alone`, async () => {
      const macs = await repliers(lab.client, address);
      return macs.length === 1 && macs[0] === mac;
    });
  }
}

async function used(cluster: Cluster, name: string): Promise<boolean> {
  const { interfaces } = (await cluster.gatehouse(1).api('/api/v1/announcements')) as { readonly interfaces: readonly { readonly name: string; readonly unused: string }[] };
  return interfaces.some((each) => each.name === name && each.unused === '');
}

async function bringUp(node: LabNode, link: string): Promise<void> {
  const { ipv4, ipv6 } = lanAddress(nodeHost(node.number));
  await node.exec('ip', ['link', 'set', link, 'up']);
  await node.exec('ip', ['address', 'replace', `${ipv4}/${PREFIX_LENGTH.ipv4}`, 'dev', link]);
  await node.exec('ip', ['address', 'replace', `${ipv6}/${PREFIX_LENGTH.ipv6}`, 'dev', link, 'nodad']);
}

async function macOfLink(node: LabNode, name: string): Promise<string> {
  return (await node.exec('cat', [`/sys/class/net/${name}/address`])).trim();
}
