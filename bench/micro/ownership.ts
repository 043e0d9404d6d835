/**
 * Milliseconds that one decision about all VIPs takes, with 3 to 100 nodes, and one step of the announcer's engine when a node dies:
 * from the news to the answers.
 */
import { NO_BGP } from '../../controller/announcer/bgp/bgpWanted.ts';
import { AnnouncerEngine } from '../../controller/announcer/engine.ts';
import { ONE_INTERFACE } from '../../controller/announcer/engine/testing/simulatedLan.ts';
import { decideOwners } from '../../controller/announcer/ownership/decideOwners.ts';
import { mapOfVips, members, pool, vipOf } from '../../controller/announcer/ownership/testing/given.ts';

const ROUNDS = 21;

function median(run: () => void): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const startMs = performance.now();
    run();
    return performance.now() - startMs;
  });
  return times.sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN;
}

for (const [count, nodeCount] of [[100, 3], [1_000, 3], [1_000, 10], [1_000, 100], [10_000, 10]] as const) {
  const nodes = Array.from({ length: nodeCount }, (_, index) => `node-${index}`);
  const vips = mapOfVips(pool(count).map((address) => vipOf(address, nodes)));
  const alive = members(nodes);
  const decideMs = median(() => void decideOwners({ vips, alive, knownNodes: nodeCount, quorum: false }));
  const engine = new AnnouncerEngine({ settings: { nodeName: 'node-0', quorum: false }, inherited: null });
  let monotonicMs = 0;
  const give = (event: Parameters<AnnouncerEngine['handle']>[0]): void => void engine.handle(event, { monotonicMs, wallMs: monotonicMs });
  give({ type: 'interfaces', interfaces: ONE_INTERFACE });
  give({ type: 'wanted', generation: 1, wanted: { ports: new Map(), vips, nodes: new Map(nodes.map((node) => [node, []])), bgp: NO_BGP } });
  give({ type: 'kernel', generation: 1, report: { programmed: true, ports: 0, problems: [] } });
  give({ type: 'settled' });
  const fewer = members(nodes.slice(0, -1));
  let isFewer = false;
  const stepMs = median(() => {
    monotonicMs += 1_000;
    isFewer = !isFewer;
    give({ type: 'membership', alive: isFewer ? fewer : alive, members: [], accused: false });
  });
  const row = [`${count} VIPs`, `${nodeCount} nodes`, `decision ${decideMs.toFixed(2)} ms`, `engine's step ${stepMs.toFixed(2)} ms`];
  console.log(row.map((cell) => cell.padEnd(24)).join(''));
}
