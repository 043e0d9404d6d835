import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { watchDeparture } from './lab/departure.ts';
import { BACKEND_PORT } from '../netns/backends.ts';
import { allAlive } from '../netns/failover.ts';
import { lacksLab, type Lab, type LabNode } from '../netns/lab.ts';
import type { LabManifest } from '../netns/labObjects.ts';
import { monotonicMs, startProbe } from '../netns/probe.ts';
import { until } from '../support/until.ts';
import { bgpService, bgpVip, withEndpoints } from './lab/bgpObjects.ts';
import { allEstablished, peerOf } from './lab/bgpViews.ts';
import { HOLD_TIME_S, MULTIPATH_KINDS, startEcmp, type Ecmp, type EcmpOptions, type MultipathKind } from './lab/ecmp.ts';
import { PROGRAMS } from './lab/startRouter.ts';
import { startSpread, type Spread } from './lab/spread.ts';

const skip = lacksLab(...PROGRAMS.bird, ...PROGRAMS.frr);
const WEB = 1;
/** Whichever node a connection comes in by, it is led to the same endpoint. */
const STEADY = 2;
const ALL = [1, 2, 3] as const;
const EXCLUDED = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } as const;
/** In FRR's percent, of one, two and three endpoints. */
const WEIGHTS = [16, 33, 50] as const;
/** So many that chance does not make the order of weights another. */
const MANY_FLOWS = 300;
const QUESTIONS = 100;
/** Detection takes 150 ms; the rest is for machines that do much else. */
const BFD_LIMIT_MS = 1_500;
const HOLD_LIMIT_MS = HOLD_TIME_S * 1000 + 3_000;

test('BIRD and FRR spread a VIP over three nodes, and move what a node has carried when it goes', { skip }, async (t) => {
  const ecmp = await startEcmp(t, web);
  const { cluster, routers, settings } = ecmp;
  const { lab } = cluster;
  await allAlive(cluster);
  const established = () => Promise.all(cluster.gatehouses.map((gatehouse) => allEstablished(gatehouse, MULTIPATH_KINDS)));
  const configure = (options: EcmpOptions) => cluster.change({ others: [...settings(options), ...web(lab)] });
  const watched = async (): Promise<void> => {
    for (const gatehouse of cluster.gatehouses) {
      for (const kind of MULTIPATH_KINDS) {
        await until(`BFD of ${gatehouse.node.nodeName} with ${kind}`, async () => (await peerOf(gatehouse, kind)).bfd?.state === 'Up');
      }
    }
    for (const { peer } of routers) {
      for (const { name } of peer.options.neighbors) await until(`BFD of ${peer.kind} with ${name}`, async () => (await peer.session(name)).bfdUp);
    }
  };
  await established();
  await sentTo(ecmp, ALL);
  const spreads = await Promise.all(routers.map(({ client }) => startSpread(t, client, { address: bgpVip(WEB).ipv4, port: BACKEND_PORT.udp })));

  await cluster.step('flows are on all nodes, of both families', async (st) => {
    for (const family of ['ipv4', 'ipv6'] as const) {
      for (const { kind, client } of routers) {
        const spread = await startSpread(st, client, { address: bgpVip(WEB)[family], port: BACKEND_PORT.udp });
        const names = await spread.owners(0);
        await spread.stop();
        const counts = Object.entries(Object.groupBy(names, (name) => name)).map(([name, list]) => `${name}: ${list?.length ?? 0}`).toSorted();
        st.diagnostic(`${kind}, ${family}: ${counts.join(', ')}`);
        assert.equal(counts.length, ALL.length, counts.join(', '));
      }
    }
  });

  await cluster.step('FRR weighs nodes by their endpoints (link bandwidth), BIRD takes all for equal', async (st) => {
    const before = await incarnations(ecmp);
    await cluster.change({ others: [...settings({ linkBandwidth: true }), ...web(lab, ({ number }) => number)] });
    const frr = await weighed(ecmp, 'frr', WEIGHTS);
    const bird = await weighed(ecmp, 'bird', [1, 1, 1]);
    st.diagnostic(`one, two and three endpoints: weights of FRR ${frr.join(', ')}; of BIRD, which knows no link bandwidth, ${bird.join(', ')}`);
    for (const { kind, client } of routers) {
      const spread = await startSpread(st, client, { address: bgpVip(WEB).ipv4, port: BACKEND_PORT.udp, flows: MANY_FLOWS });
      const owners = await spread.owners(0);
      await spread.stop();
      const [one = 0, two = 0, three = 0] = lab.nodes.map(({ nodeName }) => owners.filter((owner) => owner.startsWith(`${nodeName}/`)).length);
      st.diagnostic(`${kind}, flows by node: ${one}, ${two}, ${three}`);
      if (kind === 'frr') assert.ok(one < two && one < three);
    }
    await configure({});
    await weighed(ecmp, 'frr', [1, 1, 1]);
    assert.deepEqual(await incarnations(ecmp), before);
  });

  await cluster.step('without BFD, a node that dies is left after the hold time', async (st) => {
    await dies(st, ecmp, { spreads, victim: 3, limitMs: HOLD_LIMIT_MS, name: `hold time ${HOLD_TIME_S} s` });
    await established();
  });

  await cluster.step('BFD begins where a session is, and ends none', async () => {
    const before = await incarnations(ecmp);
    await configure({ bfd: true });
    await watched();
    assert.deepEqual(await incarnations(ecmp), before);
  });

  await cluster.step('graceful restart is agreed on in new sessions', async () => {
    const before = await incarnations(ecmp);
    await configure({ bfd: true, gracefulRestart: true });
    await until('all sessions are new', async () => {
      const now = await incarnations(ecmp);
      return [...before].every(([name, incarnation]) => now.get(name) !== incarnation);
    });
    await watched();
    await sentTo(ecmp, ALL);
  });

  await cluster.step('with BFD, a node that dies is left after its detection time, graceful restart or not', async (st) => {
    await dies(st, ecmp, { spreads, victim: 2, limitMs: BFD_LIMIT_MS, name: 'BFD 3 x 50 ms', watchesBfd: true });
    await established();
  });
  await Promise.all(spreads.map((spread) => spread.stop()));

  await cluster.step('BFD is given up again', async () => {
    await configure({ gracefulRestart: true });
    await until('nobody speaks BFD', async () => {
      const peers = await Promise.all(cluster.gatehouses.flatMap((gatehouse) => MULTIPATH_KINDS.map((kind) => peerOf(gatehouse, kind))));
      return peers.every(({ bfd }) => bfd === null);
    });
    // Both routers take AdminDown for an end of the BGP session too.
    await established();
    await sentTo(ecmp, ALL);
  });

  await cluster.step('the announcer is killed: routers keep the node, and no request is lost', async (st) => {
    const before = await incarnations(ecmp);
    const own = cluster.lab.node(1).addresses.ipv4;
    await nothingLost(st, ecmp, 'announcer killed', async () => {
      await cluster.gatehouse(1).kill('announcer', 'SIGKILL');
      await until('the sessions of node 1 are new', async () => {
        for (const router of routers) assert.ok((await router.nextHops(WEB)).includes(own), `${router.kind} has left node 1`);
        const now = await incarnations(ecmp);
        return [...before].every(([name, incarnation]) => !name.endsWith(' node1') || now.get(name) !== incarnation);
      });
      await established();
    });
    await sentTo(ecmp, ALL);
  });

  await cluster.step('Gatehouse is restarted (SIGTERM): no request is lost', async (st) => {
    await nothingLost(st, ecmp, 'SIGTERM and a new start', async () => {
      assert.equal(await cluster.gatehouse(1).stop(), 0);
      await cluster.startAgain(1);
      await established();
    });
    await sentTo(ecmp, ALL);
  });

  await cluster.step('a node is drained by its label: no request is lost', async (st) => {
    await nothingLost(st, ecmp, 'label', async () => {
      await cluster.change({ labels: { 2: EXCLUDED } });
      await sentTo(ecmp, [1, 3]);
    });
    await cluster.change({ labels: {} });
    await sentTo(ecmp, ALL);
  });

  await cluster.step('Gatehouse ends for good (SIGINT): no request is lost', async (st) => {
    await nothingLost(st, ecmp, 'SIGINT', async () => {
      cluster.gatehouse(3).process.kill('SIGINT');
      await sentTo(ecmp, [1, 2]);
    });
  });
});

/** Two VIPs, by default with an endpoint on each node. */
function web(lab: Lab, endpoints: (node: LabNode) => number = () => 1): LabManifest[] {
  return [
    ...bgpService(lab, { name: 'web', vip: WEB, policy: 'Local', on: lab.nodes.map((node) => withEndpoints(node, endpoints(node))) }),
    ...bgpService(lab, { name: 'steady', vip: STEADY, on: lab.nodes.map((node) => withEndpoints(node, 1)), annotations: { 'gatehouse.dev/balance': 'maglev' } }),
  ];
}

/** Weights of the nodes at a router, once they are these. */
async function weighed({ cluster: { lab }, routers }: Ecmp, kind: MultipathKind, wanted: readonly number[]): Promise<readonly number[]> {
  const router = routers.find((each) => each.kind === kind);
  let last: readonly number[] = [];
  try {
    return await until(`${kind} weighs the nodes ${wanted.join()}`, async () => {
      const weights = await router?.weights(WEB);
      last = lab.nodes.map(({ addresses }) => weights?.get(addresses.ipv4) ?? 0);
      return last.join() === wanted.join() && last;
    });
  } catch (error) {
    throw new Error(`${kind} weighs the nodes ${last.join()}`, { cause: error });
  }
}

async function sentTo({ routers }: Ecmp, nodes: readonly number[]): Promise<void> {
  for (const router of routers) for (const vip of [WEB, STEADY]) await router.sends(vip, nodes);
}

/** By router and node: the present session. */
async function incarnations({ routers }: Ecmp): Promise<ReadonlyMap<string, string>> {
  const all = await Promise.all(routers.flatMap(({ peer }) =>
    peer.options.neighbors.map(async ({ name }) => [`${peer.kind} ${name}`, (await peer.session(name)).incarnation] as const)));
  return new Map(all);
}

interface Death {
  /** Of the routers, in their order. */
  readonly spreads: readonly Spread[];
  readonly victim: number;
  readonly limitMs: number;
  readonly name: string;
  readonly watchesBfd?: boolean;
}

/** Pulls a node's cable, which its routers do not see, and tells how long its flows were not answered; then restores it. */
async function dies(t: TestContext, ecmp: Ecmp, { spreads, victim, limitMs, name, watchesBfd = false }: Death): Promise<void> {
  const { cluster: { lab }, routers } = ecmp;
  const owners = await Promise.all(spreads.map((spread) => spread.owners(monotonicMs())));
  const departures = watchesBfd ? await Promise.all(routers.map(({ peer }) => watchDeparture(t, peer.namespace, lab.node(victim).addresses.ipv4, bgpVip(WEB).ipv4))) : [];
  const cutMs = monotonicMs();
  await lab.cut(victim);
  t.after(() => lab.restore(victim));
  const others = ALL.filter((number) => number !== victim);
  await sentTo(ecmp, others);
  const withoutMs = monotonicMs();
  for (const [index, spread] of spreads.entries()) {
    const now = await spread.owners(withoutMs);
    assert.ok(!now.some((owner) => owner.startsWith(`node-${victim}/`)));
    const own = (owners[index] ?? []).flatMap((owner, flow) => (owner.startsWith(`node-${victim}/`) ? [flow] : []));
    const outages = own.map((flow) => spread.outageMs(flow, cutMs));
    t.diagnostic(`${routers[index]?.kind}, ${name}: ${own.length} flows of node ${victim}, unanswered for ${Math.round(Math.max(...outages))} ms at most`);
    assert.ok(own.length > 0 && Math.max(...outages) < limitMs);
  }
  for (const [index, departure] of departures.entries()) {
    const { silenceMs, ownMs } = await departure.times();
    t.diagnostic(`${routers[index]?.kind}: BFD down after ${silenceMs.toFixed(1)} ms of silence, its kernel sends elsewhere ${ownMs.toFixed(1)} ms later`);
  }
  await lab.restore(victim);
  await sentTo(ecmp, ALL);
}

/** Clients behind both routers ask all the time, each time anew. */
async function nothingLost(t: TestContext, { routers }: Ecmp, name: string, happens: () => Promise<void>): Promise<void> {
  const probes = await Promise.all(routers.map(({ client }) => startProbe(t, client, { mode: 'connections', address: bgpVip(STEADY).ipv4, port: BACKEND_PORT.tcp })));
  await Promise.all(probes.map((probe) => probe.answered(0, QUESTIONS)));
  const beforeMs = monotonicMs();
  await happens();
  await Promise.all(probes.map((probe) => probe.answered(monotonicMs(), QUESTIONS)));
  for (const [index, probe] of probes.entries()) {
    const errors = probe.errors(beforeMs);
    const asked = probe.attempts.filter(({ startedMs }) => startedMs >= beforeMs).length;
    t.diagnostic(`${routers[index]?.kind}, ${name}: ${errors.length} of ${asked} requests lost${errors.length > 0 ? `: ${errors.join(' ')}` : ''}`);
    await probe.stop();
    // Those too that are under way while the router changes its mind, and meet another node in their middle.
    assert.deepEqual(errors, []);
  }
}
