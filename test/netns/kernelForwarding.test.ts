import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/until.ts';
import { ask, askOften } from './ask.ts';
import { BACKEND_PORT } from './backends.ts';
import { startCluster } from './cluster.ts';
import { lacksLab } from './lab.ts';
import { vipOf, type LabService } from './labObjects.ts';
import { monotonicMs, startProbe } from './probe.ts';

const skip = lacksLab();
const echo: LabService = { name: 'echo', vip: 200 };
const faithful: LabService = { name: 'faithful', vip: 201, spec: { sessionAffinity: 'ClientIP' } };
const guarded: LabService = { name: 'guarded', vip: 202, spec: { loadBalancerSourceRanges: ['10.78.0.0/24', 'fd77:1::/64'] } };
const TIMES = 40;

test('what the kernel forwards', { skip }, async (t) => {
  const cluster = await startCluster(t, { lab: { nodes: 2 }, objects: () => ({ services: [echo, faithful, guarded] }) });
  const { lab } = cluster;
  for (const service of [echo, faithful, guarded]) for (const address of Object.values(vipOf(service))) await cluster.owner(address);

  await cluster.step('goes to one endpoint for one client with sessionAffinity ClientIP', async () => {
    for (const address of Object.values(vipOf(faithful))) {
      for (const [protocol, port] of [['tcp', BACKEND_PORT.tcp], ['udp', BACKEND_PORT.udp]] as const) {
        const names = (await askOften(lab.client, { protocol, address, port }, TIMES)).map(({ answer, error }) => answer?.name ?? error);
        assert.equal(new Set(names).size, 1, `${protocol} ${address}: ${[...new Set(names)].join(' ')}`);
      }
    }
  });

  await cluster.step('comes from loadBalancerSourceRanges only', async () => {
    for (const address of Object.values(vipOf(guarded))) {
      const question = { protocol: 'tcp', address, port: BACKEND_PORT.tcp } as const;
      const [[inside], [outside]] = await Promise.all([ask(lab.far, [question]), ask(lab.client, [question])]);
      assert.match(inside?.answer?.name ?? String(inside?.error), /^node-/, address);
      assert.equal(outside?.answer, null, address);
    }
  });

  await cluster.step('moves to other endpoints at once when its own are gone, UDP flows too', async (st) => {
    for (const family of ['ipv4', 'ipv6'] as const) {
      const probe = await startProbe(st, lab.router, { mode: 'datagrams', address: vipOf(echo)[family], port: BACKEND_PORT.udp });
      const first = probe.attempts.at(-1)?.answer?.slice(0, 6);
      const stays = lab.nodes.filter(({ nodeName }) => nodeName !== first);
      const changedMs = monotonicMs();
      await cluster.change({ services: [{ ...echo, on: stays }, faithful, guarded] });
      await until('the flow moves', () => probe.attempts.at(-1)?.answer?.startsWith(stays[0]?.nodeName ?? ''));
      await probe.answered(monotonicMs(), TIMES);
      st.diagnostic(`${family}: longest time without an answer ${Math.round(probe.outageMs(changedMs))} ms`);
      await probe.stop();
      await cluster.change({ services: [echo, faithful, guarded] });
    }
  });
});

test('a connection stays where it is while endpoints and Services come and go, and the announcer', { skip }, async (t) => {
  // One node, for an address that moves to another takes its connections away.
  const cluster = await startCluster(t, { lab: { nodes: 1 }, objects: () => ({ services: [echo, faithful] }) });
  for (const address of Object.values(vipOf(faithful))) await cluster.owner(address);
  const probes = await Promise.all(Object.values(vipOf(faithful)).map((address) => startProbe(t, cluster.lab.client, { mode: 'kept', address, port: BACKEND_PORT.tcp })));
  const startedMs = monotonicMs();
  for (const services of [[faithful], [faithful, guarded, { ...echo, on: [] }], [echo, faithful, guarded]]) await cluster.change({ services });
  await cluster.gatehouse(1).kill('announcer', 'SIGKILL');
  await cluster.gatehouse(1).pid('announcer');
  await cluster.change({ services: [echo, faithful] });
  await Promise.all(probes.map((probe) => probe.answered(monotonicMs(), TIMES)));
  assert.deepEqual(probes.flatMap((probe) => probe.errors(startedMs)), []);
  await Promise.all(probes.map((probe) => probe.stop()));
});
