import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/until.ts';
import { ask, askOften, type Question } from './ask.ts';
import { BACKEND_PORT } from './backends.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { lacksLab } from './lab.ts';
import type { LabHost } from './labHost.ts';
import { vipOf, type LabService } from './labObjects.ts';
import { startSequence, type Sequence } from './sequence.ts';

const skip = lacksLab('conntrack');
const FAMILIES = ['ipv4', 'ipv6'] as const;
const PROTOCOLS = ['tcp', 'udp'] as const;
const FAR = ['10.78.0.0/24', 'fd77:1::/64'];
const TIMES = 10;

interface Flow {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly sequence: Sequence;
}

type TestContext = Parameters<typeof startSequence>[0];

/** A flow of each protocol to each address of a Service. */
async function startFlows(t: TestContext, from: LabHost, service: LabService): Promise<readonly Flow[]> {
  const wanted = Object.values(vipOf(service)).flatMap((address: string) => PROTOCOLS.map((protocol) => ({ protocol, address })));
  return Promise.all(wanted.map(async ({ protocol, address }) =>
    ({ protocol, address, sequence: await startSequence(t, from, { protocol, address, port: BACKEND_PORT[protocol] }) })));
}

/** All come back, nothing is wrong, and those of these protocols come from where they came before. */
async function assertGoOn(flows: readonly Flow[], where: readonly Flow['protocol'][] = PROTOCOLS): Promise<void> {
  await Promise.all(flows.map(({ sequence }) => sequence.goesOn()));
  for (const { protocol, address, sequence } of flows) {
    assert.deepEqual(sequence.errors(), [], `${protocol} to ${address}`);
    if (where.includes(protocol)) assert.equal(sequence.peers().size, 1, `${protocol} to ${address}: ${[...sequence.peers()].join(', ')}`);
  }
}

function questionsTo(service: LabService): readonly Question[] {
  return Object.values(vipOf(service)).flatMap((address: string) => PROTOCOLS.map((protocol) => ({ protocol, address, port: BACKEND_PORT[protocol] })));
}

/** Names of nodes whose endpoints answer new questions, with the client as they see it. */
async function answersTo(from: LabHost, service: LabService, times = TIMES): Promise<readonly { readonly node: string; readonly client: string }[]> {
  const outcomes = (await Promise.all(questionsTo(service).map((question) => askOften(from, question, times)))).flat();
  return outcomes.map(({ answer, error }) => ({ node: answer?.name.split('/')[0] ?? String(error), client: answer?.client ?? '' }));
}

const stop = (flows: readonly Flow[]) => Promise.all(flows.map(({ sequence }) => sequence.stop()));

test('flows that go on while their Service is changed', { skip }, async (t) => {
  // Sticky, and where other VIPs come and go none of these moves: a connection ends where its VIP does.
  const cluster = await startCluster(t, { lab: { nodes: 2 }, objects: (lab) => ({ services: [{ name: 'red', vip: 200, on: [lab.node(1)] }], advertisement: { sticky: true } }) });
  const { lab } = cluster;

  await cluster.step('a VIP that another Service is given at once: TCP stays with the old one, UDP and what is new is the new one\'s', async (st) => {
    const red: LabService = { name: 'red', vip: 200, on: [lab.node(1)] };
    const blue: LabService = { name: 'blue', vip: 200, on: [lab.node(2)] };
    await owners(cluster, red);
    const flows = await startFlows(st, lab.client, red);
    await cluster.change({ services: [{ ...red, vip: 201 }, blue] });
    await assertServed(lab.client, blue, 'node-2');
    await assertGoOn(flows, ['tcp']);
    for (const { protocol, address, sequence } of flows) {
      if (protocol === 'udp') await until(`the UDP flow to ${address} is blue's`, () => sequence.now().name.startsWith('node-2/'));
      assert.match(sequence.now().name, protocol === 'tcp' ? /^node-1\// : /^node-2\//, `${protocol} to ${address}`);
    }
    await assertServed(lab.client, { ...red, vip: 201 }, 'node-1');
    await cluster.change({ services: [blue] });
    await assertGoOn(flows, ['tcp']);
    await stop(flows);
  });

  await cluster.step('externalTrafficPolicy Cluster to Local and back: what is open stays where it is, what is new does as it says', async (st) => {
    const flip: LabService = { name: 'flip', vip: 202 };
    const local: LabService = { ...flip, policy: 'Local' };
    await cluster.change({ services: [flip] });
    const owner = await owners(cluster, flip);
    const flows = await startFlows(st, lab.client, flip);
    assert.deepEqual(new Set((await answersTo(lab.client, flip)).map(({ node }) => node)), new Set(['node-1', 'node-2']));

    await cluster.change({ services: [local] });
    assert.deepEqual(await owners(cluster, local), owner);
    for (const { node, client } of await answersTo(lab.client, local)) {
      const family = client.includes(':') ? 'ipv6' : 'ipv4';
      assert.deepEqual({ node, client }, { node: `node-${owner[family]}`, client: lab.client.addresses[family] });
    }
    await assertGoOn(flows);

    await cluster.change({ services: [flip] });
    await assertGoOn(flows);
    assert.deepEqual(new Set((await answersTo(lab.client, flip)).map(({ node }) => node)), new Set(['node-1', 'node-2']));
    await stop(flows);
  });

  await cluster.step('loadBalancerSourceRanges without the client: what is open goes on until conntrack forgets it, nothing new begins', async (st) => {
    const open: LabService = { name: 'guarded', vip: 203 };
    const guarded: LabService = { ...open, spec: { loadBalancerSourceRanges: FAR } };
    await cluster.change({ services: [open] });
    const owner = await owners(cluster, open);
    const flows = await startFlows(st, lab.client, open);
    await cluster.change({ services: [guarded] });
    await assertGoOn(flows);
    // What docs/kernel-forwarding.md says to do against that.
    for (const family of FAMILIES) {
      const [client, vip] = [lab.client.addresses[family], vipOf(guarded)[family]];
      await lab.node(owner[family]).exec('conntrack', ['-D', '-f', family, '-s', client, '-d', vip]);
    }
    assert.deepEqual((await answersTo(lab.far, guarded, 1)).filter(({ client }) => client === ''), []);
    const back = flows.map(({ sequence }) => sequence.now().back);
    const refused = await Promise.all(questionsTo(guarded).map((question) => ask(lab.client, [question])));
    assert.deepEqual(refused.flat().map(({ error }) => error), refused.map(() => 'timeout'));
    assert.deepEqual(flows.map(({ sequence }) => sequence.now().back), back);
    await cluster.change({ services: [open] });
    assert.deepEqual((await answersTo(lab.client, open, 1)).filter(({ client }) => client === ''), []);
    await stop(flows);
  });

  await cluster.step('sessionAffinityConfig: a client that stays away for timeoutSeconds may come to another endpoint', async () => {
    const faithful: LabService = { name: 'faithful', vip: 204, spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } } } };
    await cluster.change({ services: [faithful] });
    const owner = await owners(cluster, faithful);
    for (const family of FAMILIES) {
      const question: Question = { protocol: 'tcp', address: vipOf(faithful)[family], port: BACKEND_PORT.tcp };
      const names = (await askOften(lab.client, question, TIMES)).map(({ answer, error }) => answer?.name ?? String(error));
      assert.deepEqual([...new Set(names)], names.slice(0, 1));
      const node = lab.node(owner[family]);
      await until('another endpoint answers', async () => {
        await until('the kernel forgets the client', async () => !/\bexpires\b/.test(await node.exec('nft', ['list', 'table', 'inet', 'gatehouse'])));
        const [again] = await ask(lab.client, [question]);
        assert.match(again?.answer?.name ?? String(again?.error), /^node-/);
        return again?.answer?.name !== names[0];
      });
    }
  });
});

/** Who owns the VIPs of a Service. */
async function owners(cluster: Cluster, service: LabService): Promise<{ readonly ipv4: number; readonly ipv6: number }> {
  const { ipv4, ipv6 } = vipOf(service);
  return { ipv4: await cluster.owner(ipv4), ipv6: await cluster.owner(ipv6) };
}

async function assertServed(from: LabHost, service: LabService, node: string): Promise<void> {
  const answers = await answersTo(from, service);
  assert.deepEqual([...new Set(answers.map((answer) => answer.node))], [node]);
}
