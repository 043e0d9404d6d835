import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { KernelReport } from '../../controller/announcer/report.ts';
import type { Namespace } from '../../test/netns/namespace.ts';
import { ENDPOINTS_PER_SERVICE } from '../../test/support/serviceFiles.ts';
import { until } from '../../test/support/until.ts';
import { startBackendWithin } from '../backend.ts';
import { isInstalled } from '../child.ts';
import { corePlan } from '../corePlan.ts';
import { tcpBulk } from '../load/bulk.ts';
import type { Load } from '../load/load.ts';
import { keepAliveRequests, newConnections } from '../load/requests.ts';
import { measure, type Contender, type Effort } from '../measure.ts';
import { printRow } from '../table.ts';
import { startCrossing, type Crossing, type Lane } from './crossing.ts';

/** A comparison of ways through the kernel. */
interface KernelRow {
  readonly name: string;
  readonly backend: 'web' | 'iperf';
  readonly load: Load;
}

const ROWS: readonly KernelRow[] = [
  { name: 'Kernel forwarding, bulk', backend: 'iperf', load: tcpBulk },
  { name: 'Kernel forwarding, small messages', backend: 'web', load: keepAliveRequests },
  { name: 'Kernel forwarding, a new connection per request', backend: 'web', load: newConnections },
];
const PORTS = { web: 8080, iperf: 5201 } as const;
/** In Gatehouse's table beside the one that is measured. */
const OTHER_PORTS = 1_000;

/** Where the client goes in each lane, and what its node does before. Ours first. */
interface Way {
  readonly name: string;
  readonly prepare: (lane: Lane) => Promise<void>;
  readonly address: (lane: Lane) => string;
}

const WAYS: readonly Way[] = [
  { name: 'Gatehouse', prepare: forwardByGatehouse, address: ({ vip }) => vip },
  { name: 'direct', prepare: () => Promise.resolve(), address: firstEndpoint },
  { name: 'one DNAT rule', prepare: forwardByOneRule, address: ({ vip }) => vip },
];

/**
 * Runs the rows whose name contains `name`, in network namespaces: the same packets through three nodes, of which one has Gatehouse's
 * whole table, one no table at all, and one a single rule.
 */
export async function runKernelRows(name: string, { folder, effort, print }: { readonly folder: string; readonly effort: Effort; readonly print: (text: string) => void }): Promise<void> {
  const rows = ROWS.filter((row) => row.name.includes(name));
  const can = rows.filter((row) => {
    const lacks = missing() ?? row.load.missing();
    if (lacks !== null) print(`${row.name}: left out, ${lacks}\n`);
    return lacks === null;
  });
  if (can.length === 0) return;
  const crossing = await startCrossing(WAYS.length);
  try {
    for (const backend of new Set(can.map((row) => row.backend))) await serve(crossing.endpoint, backend, folder);
    for (const [index, way] of WAYS.entries()) await way.prepare(laneOf(crossing, index));
    for (const row of can) print(await runRow(row, crossing, effort));
  } finally {
    await crossing.remove();
  }
}

function missing(): string | null {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  for (const program of ['ip', 'ss', 'nft', 'sysctl', 'unshare']) if (!isInstalled(program)) return `${program} is not installed`;
  if (spawnSync('unshare', ['--net', 'nft', 'list', 'ruleset']).status !== 0) return 'nftables cannot be used in network namespaces here';
  return null;
}

async function runRow({ name, backend, load }: KernelRow, crossing: Crossing, effort: Effort): Promise<string> {
  const within = ['ip', 'netns', 'exec', crossing.client.name];
  const contenders = WAYS.map((way, index): Contender => ({
    name: way.name,
    run: (seconds) => load.run({ address: way.address(laneOf(crossing, index)), port: PORTS[backend], seconds, host: 'bench.test', tls: false, cores: corePlan().load, within }),
  }));
  const others = `${OTHER_PORTS} x ${ENDPOINTS_PER_SERVICE} others in Gatehouse's table`;
  return printRow(`${name} (${load.describe}; ${others})`, load.unit, await measure(contenders, effort));
}

async function serve(endpoint: Namespace, kind: KernelRow['backend'], folder: string): Promise<void> {
  const port = PORTS[kind];
  await startBackendWithin(['ip', 'netns', 'exec', endpoint.name], kind, { folder, cores: corePlan().backend, port });
  await until(`${kind} listens`, async () => (await endpoint.exec('ss', ['-Hltn', `sport = :${port}`])) !== '');
}

async function forwardByGatehouse({ node, vip, endpoints }: Lane): Promise<void> {
  const wanted = { address: vip, ports: Object.values(PORTS), endpoints: endpoints.map((address) => ({ address })), others: OTHER_PORTS };
  const child = node.spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'forwarder.ts'), JSON.stringify(wanted)]);
  if (child.stdout === null) throw new Error('the forwarder has no output');
  child.stderr?.pipe(process.stderr);
  const line = await Promise.race([once(createInterface({ input: child.stdout }), 'line').then(([text]) => String(text)), once(child, 'exit').then(() => null)]);
  if (line === null) throw new Error('the forwarder has ended');
  const { programmed, problems } = JSON.parse(line) as KernelReport;
  if (!programmed) throw new Error(`Gatehouse's table is not in the kernel: ${problems.join(' ')}`);
}

async function forwardByOneRule(lane: Lane): Promise<void> {
  await lane.node.exec('nft', ['-f', '-'], `table ip plain {
  chain arriving {
    type nat hook prerouting priority dstnat;
    ip daddr ${lane.vip} dnat to ${firstEndpoint(lane)}
  }
  chain leaving {
    type nat hook postrouting priority srcnat;
    oifname "inside" masquerade
  }
}
`);
}

function firstEndpoint({ endpoints }: Lane): string {
  return endpoints[0] ?? '';
}

function laneOf({ lanes }: Crossing, index: number): Lane {
  const lane = lanes[index];
  if (lane === undefined) throw new Error(`there is no lane ${index}`);
  return lane;
}
