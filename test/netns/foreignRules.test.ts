import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/until.ts';
import { ask } from './ask.ts';
import { BACKEND_PORT } from './backends.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { lacksLab } from './lab.ts';
import { vipOf, type LabService } from './labObjects.ts';
import { monotonicMs, startProbe } from './probe.ts';

const skip = lacksLab();
const echo: LabService = { name: 'echo', vip: 200 };
const proxied: LabService = { name: 'proxied', vip: 201, annotations: { 'gatehouse.dev/forwarding': 'proxy' } };
const SERVICES = [echo, proxied];

test('other rules on the nodes', { skip }, async (t) => {
  const cluster = await startCluster(t, { lab: { nodes: 2 }, objects: () => ({ services: SERVICES }) });
  const { lab } = cluster;
  for (const service of SERVICES) for (const address of Object.values(vipOf(service))) await cluster.owner(address);

  await cluster.step('that send VIPs elsewhere, or reject them, as kube-proxy\'s do, have no say', async () => {
    for (const node of lab.nodes) await node.exec('nft', ['-f', '-'], rulesLikeKubeProxy());
    await everybodyIsServed(cluster);
    for (const node of lab.nodes) {
      assert.doesNotMatch(await node.exec('nft', ['list', 'table', 'inet', 'rival']), /counter packets [1-9]/);
      await node.exec('nft', ['delete', 'table', 'inet', 'rival']);
    }
  });

  await cluster.step('that are loaded after a flush of everything leave VIPs unserved for a moment only, which is logged', async (st) => {
    const probe = await startProbe(st, lab.router, { mode: 'datagrams', address: vipOf(echo).ipv4, port: BACKEND_PORT.udp });
    const later = 'table inet firewall { chain input { type filter hook input priority 0; ct state invalid drop; }; }';
    const flushedMs = monotonicMs();
    for (const node of lab.nodes) await node.exec('nft', ['-f', '-'], `flush ruleset\n${later}\n`);
    await until('every table is back', async () => (await Promise.all(lab.nodes.map((node) => node.run('nft', ['list', 'table', 'inet', 'gatehouse'])))).every(({ code }) => code === 0));
    await everybodyIsServed(cluster);
    // The flow that went on meanwhile is not left to what conntrack remembers of the gap.
    await probe.answered(monotonicMs(), 20);
    st.diagnostic(`without answers for ${Math.round(probe.outageMs(flushedMs))} ms`);
    await probe.stop();
    for (const { log } of cluster.gatehouses) assert.ok(log.some(({ message }) => String(message).includes('taken away by somebody')));
  });
});

/** DNAT to nowhere at dstnat in both hooks, and REJECT for packets to VIPs in the filter hooks. */
function rulesLikeKubeProxy(): string {
  const vips = (family: 'ipv4' | 'ipv6') => `{ ${SERVICES.map((service) => vipOf(service)[family]).join(', ')} }`;
  const nat = [`ip daddr ${vips('ipv4')} tcp dport ${BACKEND_PORT.tcp} counter dnat ip to 10.79.9.9`, `ip6 daddr ${vips('ipv6')} tcp dport ${BACKEND_PORT.tcp} counter dnat ip6 to fd77:2:9::9`];
  const chain = (name: string, type: string, rules: readonly string[]) => [`chain ${name} {`, `type ${type}; policy accept;`, ...rules, '}'].join('\n');
  return [
    'table inet rival {',
    chain('pre', 'nat hook prerouting priority -100', nat),
    chain('out', 'nat hook output priority -100', nat),
    chain('forward', 'filter hook forward priority 0', [`ip daddr ${vips('ipv4')} counter reject`, `ip6 daddr ${vips('ipv6')} counter reject`]),
    '}',
    '',
  ].join('\n');
}

async function everybodyIsServed({ lab }: Cluster): Promise<void> {
  const questions = SERVICES.flatMap((service) => Object.values(vipOf(service)).flatMap((address: string) => [
    { protocol: 'tcp' as const, address, port: BACKEND_PORT.tcp }, { protocol: 'udp' as const, address, port: BACKEND_PORT.udp },
  ]));
  for (const from of [lab.client, lab.far, lab.node(1), lab.node(2).pods]) {
    assert.deepEqual((await ask(from, questions)).filter(({ answer }) => answer === null), [], from.name);
  }
}
