import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from './ask.ts';
import { BACKEND_PORT } from './backends.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { lacksLab, type LabNode } from './lab.ts';
import type { Addresses } from './labAddresses.ts';
import { vipOf, type LabService } from './labObjects.ts';
import { monotonicMs, startProbe } from './probe.ts';

const skip = lacksLab();
const echo: LabService = { name: 'echo', vip: 200, annotations: { 'gatehouse.dev/balance': 'maglev' } };
const VIP = vipOf(echo);
const FIRST_PORT = 40_000;
const FLOWS = 40;

test('with balance maglev', { skip }, async (t) => {
  const cluster = await startCluster(t, { objects: () => ({ services: [echo] }) });
  const { lab } = cluster;
  for (const address of Object.values(VIP)) await cluster.owner(address);

  await cluster.step('a flow reaches the same endpoint through every node, and flows are spread over all endpoints', async () => {
    for (const family of ['ipv4', 'ipv6'] as const) {
      for (const protocol of ['tcp', 'udp'] as const) {
        const names: (readonly (string | null | undefined)[])[] = [];
        for (const node of lab.nodes) {
          await leadThrough(cluster, node, family);
          const questions = Array.from({ length: FLOWS }, (_, index) => ({ protocol, address: VIP[family], port: BACKEND_PORT[protocol], localPort: FIRST_PORT + index }));
          names.push((await ask(lab.far, questions)).map(({ answer, error }) => answer?.name ?? error));
        }
        assert.deepEqual(names[1], names[0], `${family} ${protocol}`);
        assert.deepEqual(names[2], names[0], `${family} ${protocol}`);
        assert.ok(new Set(names[0]).size >= lab.nodes.length, String(names[0]));
      }
    }
  });

  await cluster.step('a connection whose endpoint sees a node\'s address cannot go on through another node, which ends it', async (st) => {
    const [one, other] = [lab.node(1), lab.node(2)];
    await leadThrough(cluster, one, 'ipv4');
    const probe = await startProbe(st, lab.far, { mode: 'kept', address: VIP.ipv4, port: BACKEND_PORT.tcp });
    const movedMs = monotonicMs();
    await leadThrough(cluster, other, 'ipv4');
    await probe.answered(monotonicMs() + 1000, 10);
    st.diagnostic(`after the router has chosen another node: ${probe.errors(movedMs).join(' ') || 'it went on'}, without an answer for ${Math.round(probe.outageMs(movedMs))} ms`);
    await probe.stop();
  });
});

/** What an ECMP router does when its set of nodes changes: packets to the VIP go through another node. */
async function leadThrough({ lab }: Cluster, node: LabNode, family: keyof Addresses): Promise<void> {
  const host = `${VIP[family]}/${family === 'ipv4' ? 32 : 128}`;
  await lab.router.exec('ip', [family === 'ipv4' ? '-4' : '-6', 'route', 'replace', host, 'via', node.addresses[family]]);
}
