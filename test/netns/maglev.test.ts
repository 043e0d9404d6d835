import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/until.ts';
import { ask } from './ask.ts';
import { BACKEND_PORT } from './backends.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { lacksLab, type LabNode } from './lab.ts';
import type { Addresses } from './labAddresses.ts';
import { vipOf, type LabService } from './labObjects.ts';
import { startSequence, type Sequence } from './sequence.ts';

const skip = lacksLab();
const echo: LabService = { name: 'echo', vip: 200, annotations: { 'gatehouse.dev/balance': 'maglev' } };
/** Guarded: the far client is let in, the router is not. */
const guarded: LabService = { name: 'guarded', vip: 201, annotations: echo.annotations ?? {}, spec: { loadBalancerSourceRanges: ['10.78.0.0/24', 'fd77:1::/64'] } };
const VIP = vipOf(echo);
const FIRST_PORT = 40_000;
const FLOWS = 40;
const FAMILIES = ['ipv4', 'ipv6'] as const;
const PROTOCOLS = ['tcp', 'udp'] as const;
/** More than fits a packet of the lab, so that each is sent in fragments. */
const LONG_DATAGRAM = 4_000;

test('with balance maglev', { skip }, async (t) => {
  const cluster = await startCluster(t, { objects: () => ({ services: [echo, guarded] }) });
  const { lab } = cluster;
  for (const address of Object.values(VIP)) await cluster.owner(address);
  for (const node of lab.nodes) await handsOver(node, lab.nodes.length - 1);

  await cluster.step('a flow reaches the same endpoint through every node, which sees the client, and flows are spread over all endpoints', async () => {
    for (const family of FAMILIES) {
      for (const protocol of PROTOCOLS) {
        const names: (readonly (string | null | undefined)[])[] = [];
        for (const node of lab.nodes) {
          await leadThrough(cluster, node, family);
          const questions = Array.from({ length: FLOWS }, (_, index) => ({ protocol, address: VIP[family], port: BACKEND_PORT[protocol], localPort: FIRST_PORT + index }));
          const outcomes = await ask(lab.far, questions);
          names.push(outcomes.map(({ answer, error }) => answer?.name ?? error));
          for (const { answer } of outcomes) assert.equal(answer?.client, lab.far.addresses[family], `${family} ${protocol}`);
        }
        assert.deepEqual(names[1], names[0], `${family} ${protocol}`);
        assert.deepEqual(names[2], names[0], `${family} ${protocol}`);
        assert.ok(new Set(names[0]).size >= lab.nodes.length, String(names[0]));
      }
    }
  });

  await cluster.step('connections and datagrams, in fragments too, go on while the router leads them from node to node, and nothing is lost', async (st) => {
    for (const family of FAMILIES) {
      const flows = await Promise.all([{ protocol: 'tcp' }, { protocol: 'tcp' }, { protocol: 'udp' }, { protocol: 'udp', octets: LONG_DATAGRAM }].map((flow) =>
        startFlow(st, cluster, family, flow as Flow)));
      for (let round = 0; round < 3; round += 1) {
        for (const node of lab.nodes) {
          await leadThrough(cluster, node, family);
          await Promise.all(flows.map((flow) => flow.goesOn()));
        }
      }
      for (const flow of flows) {
        assert.deepEqual(flow.errors(), []);
        assert.equal(flow.peers().size, 1, [...flow.peers()].join(', '));
        assert.match([...flow.peers()].join(), new RegExp(` ${lab.far.addresses[family]}$`));
        await flow.stop();
      }
      st.diagnostic(`${family}: ${flows.map((flow) => `${flow.now().back} of ${flow.now().sent}`).join(', ')} messages came back`);
    }
  });

  await cluster.step('source ranges count wherever a packet comes in', async () => {
    for (const [family, node] of [['ipv4', lab.node(1)], ['ipv4', lab.node(2)], ['ipv6', lab.node(3)]] as const) {
      await leadThrough(cluster, node, family, guarded);
      const question = { protocol: 'tcp', address: vipOf(guarded)[family], port: BACKEND_PORT.tcp } as const;
      const [inside, [outside]] = await Promise.all([ask(lab.far, [question, question, question]), ask(lab.router, [question])]);
      for (const { answer } of inside) assert.equal(answer?.client, lab.far.addresses[family]);
      assert.equal(outside?.error, 'timeout');
    }
  });

  await cluster.step('nodes and endpoints reach the VIP as ever, by an address of their node', async () => {
    for (const from of lab.nodes.flatMap((node) => [node, node.pods])) {
      const questions = FAMILIES.flatMap((family) => PROTOCOLS.flatMap((protocol) =>
        Array.from({ length: 6 }, () => ({ protocol, address: VIP[family], port: BACKEND_PORT[protocol] }))));
      for (const { answer, error } of await ask(from, questions)) assert.match(answer?.name ?? String(error), /^node-/, from.name);
    }
  });

  await cluster.step('a change of endpoints moves no connection that still comes in by the same node, not even one whose endpoint leaves', async (st) => {
    await leadThrough(cluster, lab.node(1), 'ipv4');
    const flows = await Promise.all(Array.from({ length: 12 }, () => startFlow(st, cluster, 'ipv4', { protocol: 'tcp' })));
    const reached = flows.flatMap((flow) => [...flow.peers()].map((peer) => peer.slice(0, 6)));
    assert.ok(new Set(reached).size === lab.nodes.length, String(reached));
    for (const on of [lab.nodes.slice(0, 2), lab.nodes]) {
      await cluster.change({ services: [{ ...echo, on }, guarded] });
      await Promise.all(flows.map((flow) => flow.goesOn()));
    }
    assert.deepEqual(flows.flatMap((flow) => flow.errors()), []);
    await Promise.all(flows.map((flow) => flow.stop()));
  });

  await cluster.step('an endpoint that has left and another way in at once end a connection', async (st) => {
    await leadThrough(cluster, lab.node(1), 'ipv4');
    const flow = await startFlowTo(st, cluster, 'node-3');
    assert.match([...flow.peers()].join(), new RegExp(` ${lab.far.addresses.ipv4}$`));
    await cluster.change({ services: [{ ...echo, on: [lab.node(2)] }, guarded] });
    await flow.goesOn();
    assert.deepEqual(flow.errors(), []);
    await leadThrough(cluster, lab.node(2), 'ipv4');
    await until('it has ended', () => flow.errors().length > 0);
    st.diagnostic(`it ended with ${flow.errors()[0] ?? ''}`);
    await flow.stop();
    await cluster.change({ services: [echo, guarded] });
  });

  await cluster.step('a Gatehouse that ends and comes back costs no connection, wherever it comes in', async (st) => {
    await leadThrough(cluster, lab.node(1), 'ipv4');
    const flow = await startFlowTo(st, cluster, 'node-3');
    assert.match([...flow.peers()].join(), new RegExp(` ${lab.far.addresses.ipv4}$`));
    await cluster.gatehouse(3).stop();
    for (const node of [lab.node(2), lab.node(1), lab.node(3)]) {
      await leadThrough(cluster, node, 'ipv4');
      await flow.goesOn();
    }
    await cluster.startAgain(3);
    for (const node of lab.nodes) {
      await leadThrough(cluster, node, 'ipv4');
      await flow.goesOn();
    }
    assert.deepEqual(flow.errors(), []);
    await flow.stop();
  });
});

test('with balance maglev, and a node that never had a Gatehouse', { skip }, async (t) => {
  const cluster = await startCluster(t, { objects: () => ({ services: [echo] }), without: [3] });
  const { lab } = cluster;
  await cluster.owner(VIP.ipv4);
  for (const node of lab.nodes.slice(0, 2)) await handsOver(node, 1);

  await cluster.step('its endpoints are reached, see an address of the node that a connection came in by, and lose it with another way in', async (st) => {
    await leadThrough(cluster, lab.node(1), 'ipv4');
    const flow = await startFlowTo(st, cluster, 'node-3');
    assert.match([...flow.peers()].join(), new RegExp(` ${lab.node(1).addresses.ipv4}$`));
    await leadThrough(cluster, lab.node(2), 'ipv4');
    await until('it has ended', () => flow.errors().length > 0);
    st.diagnostic(`it ended with ${flow.errors()[0] ?? ''}`);
    await flow.stop();
  });
});

interface Flow {
  readonly protocol: 'tcp' | 'udp';
  readonly octets?: number;
}

function startFlow(t: Parameters<typeof startSequence>[0], { lab }: Cluster, family: keyof Addresses, flow: Flow): Promise<Sequence> {
  return startSequence(t, lab.far, { ...flow, address: VIP[family], port: BACKEND_PORT[flow.protocol] });
}

/** A TCP connection whose endpoint is on a certain node: ports of the client decide, so it takes a few. */
async function startFlowTo(t: Parameters<typeof startSequence>[0], cluster: Cluster, nodeName: string): Promise<Sequence> {
  for (;;) {
    const flow = await startFlow(t, cluster, 'ipv4', { protocol: 'tcp' });
    if (flow.now().name.startsWith(`${nodeName}/`)) return flow;
    await flow.stop();
  }
}

/** A node knows that many others to hand flows over to. */
async function handsOver(node: LabNode, count: number): Promise<void> {
  await until(`${node.nodeName} hands over to ${count} nodes`, async () => {
    const { stdout } = await node.run('nft', ['list', 'chain', 'ip6', 'gatehouse', 'remembered']);
    return stdout.split('goto').length - 1 === count;
  });
}

/** What an ECMP router does when its set of nodes changes: packets to the VIP go through another node. */
async function leadThrough({ lab }: Cluster, node: LabNode, family: keyof Addresses, service = echo): Promise<void> {
  const host = `${vipOf(service)[family]}/${family === 'ipv4' ? 32 : 128}`;
  await lab.router.exec('ip', [family === 'ipv4' ? '-4' : '-6', 'route', 'replace', host, 'via', node.addresses[family]]);
}
