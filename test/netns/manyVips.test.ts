import { test } from 'node:test';
import { pool } from '../support/loadBalancer.ts';
import { until } from '../support/until.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { allAlive } from './failover.ts';
import { lacksLab } from './lab.ts';
import { serviceObjects, type LabManifest } from './labObjects.ts';
import { sniff, type Sniffer } from './sniffer.ts';

const skip = lacksLab();
const VIPS = 200;
const ANNOUNCES = { announces: 'yes' } as const;
/** Frames are paced by windows of this length. */
const WINDOW_MS = 10;

const ipv4Of = (index: number): string => `10.77.1.${index + 1}`;
const ipv6Of = (index: number): string => `fd77::1:${(index + 1).toString(16)}`;
const numbers = Array.from({ length: VIPS }, (_, index) => index);
const ALL: ReadonlySet<string> = new Set(numbers.flatMap((index) => [ipv4Of(index), ipv6Of(index)]));

/** When something is said to be had by whoever says so: addresses with seconds. */
interface Claim {
  readonly address: string;
  readonly atMs: number;
}

/** Gratuitous ARP of both forms, and unsolicited advertisements, about these VIPs. */
function claimsIn(lines: readonly string[]): readonly Claim[] {
  return lines.flatMap((line) => {
    const [, ipv4] = /who-has (\S+) .*tell \1,/.exec(line) ?? /Reply (\S+) is-at/.exec(line) ?? [];
    const [, ipv6] = /tgt is ([^,\s]+),/.exec(line) ?? [];
    const address = ipv4 ?? ipv6 ?? '';
    return ALL.has(address) ? [{ address, atMs: Number(line.split(' ')[0]) * 1_000 }] : [];
  });
}

/** How long it takes from the first frame until each VIP has been announced once, and how dense the frames are. */
function describe(claims: readonly Claim[]): string {
  const firsts = new Map<string, number>();
  for (const { address, atMs } of claims) if (!firsts.has(address)) firsts.set(address, atMs);
  const times = [...firsts.values()];
  const lengthMs = Math.max(...times) - Math.min(...times);
  const densest = Math.max(...claims.map(({ atMs }, index) => claims.slice(index).filter((other) => other.atMs < atMs + WINDOW_MS).length));
  return `${firsts.size} addresses announced within ${Math.round(lengthMs)} ms of the first; at most ${densest} frames in ${WINDOW_MS} ms`;
}

test(`${VIPS} Services with an address of each family`, { skip }, async (t) => {
  const cluster = await startCluster(t, { lab: { nodes: 2 }, objects: (lab) => ({
    others: [
      pool('many', ['10.77.1.1-10.77.1.250', 'fd77::1:1-fd77::1:ff']),
      { apiVersion: 'gatehouse.dev/v1', kind: 'L2Advertisement', metadata: { name: 'many' }, spec: { ipAddressPools: ['many'], nodeSelectors: [{ matchLabels: ANNOUNCES }] } },
      ...numbers.flatMap((index): readonly LabManifest[] => serviceObjects(lab, {
        name: `many-${index}`, vip: 200, on: [], annotations: { 'gatehouse.dev/load-balancer-ips': `${ipv4Of(index)},${ipv6Of(index)}` },
      })),
    ],
    labels: { 1: ANNOUNCES },
  }) });
  await allAlive(cluster);
  await until('node-1 owns all', async () => (await ownedBy(cluster, 'node-1')) === ALL.size);

  await cluster.step('that move to another node are all announced there, a few at a time', async (st) => {
    const sniffer = await sniffNode2(st, cluster);
    await cluster.change({ labels: { 2: ANNOUNCES } });
    await tell(st, sniffer, ALL);
  });

  await cluster.step('whose node dies are all announced by the one that is left', async (st) => {
    await cluster.change({ labels: { 1: ANNOUNCES, 2: ANNOUNCES } });
    const moving = await until('both nodes have their part', () => partOfFirst(cluster));
    const sniffer = await sniffNode2(st, cluster);
    await cluster.lab.cut(1);
    await tell(st, sniffer, moving);
  });
});

interface AnnouncementsView {
  readonly vips: readonly { readonly address: string; readonly owner: string | null }[];
}

/** How many of the VIPs are a node's, as the second one sees it. */
async function ownedBy(cluster: Cluster, node: string): Promise<number> {
  const { vips } = (await cluster.gatehouse(2).api('/api/v1/announcements')) as AnnouncementsView;
  return vips.filter(({ address, owner }) => ALL.has(address) && owner === node).length;
}

/** What the first node owns once the two nodes agree on who owns what; null: not yet. */
async function partOfFirst(cluster: Cluster): Promise<ReadonlySet<string> | null> {
  const views = await Promise.all([1, 2].map(async (number) => {
    const { vips } = (await cluster.gatehouse(number).api('/api/v1/announcements')) as AnnouncementsView;
    return vips.filter(({ address, owner }) => ALL.has(address) && owner === 'node-1').map(({ address }) => address).toSorted();
  }));
  const [one = [], other = []] = views;
  return one.length > VIPS / 2 && one.join() === other.join() ? new Set(one) : null;
}

/** What the second node says, as its port of the switch hears it. */
function sniffNode2(t: Parameters<typeof sniff>[0], { lab }: Cluster): Promise<Sniffer> {
  return sniff(t, lab.switch, 'arp or (icmp6 and ip6[40] == 136)', { link: 'node2', direction: 'in' });
}

/** Resolves once all of these have been announced, and says how that went. */
async function tell(t: Parameters<typeof sniff>[0], sniffer: Sniffer, moving: ReadonlySet<string>): Promise<void> {
  const claims = () => claimsIn(sniffer.lines).filter(({ address }) => moving.has(address));
  await until('all addresses are announced', () => new Set(claims().map(({ address }) => address)).size === moving.size);
  await sniffer.stop();
  t.diagnostic(describe(claims()));
}
