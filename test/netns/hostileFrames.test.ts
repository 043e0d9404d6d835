import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { until } from '../support/until.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { lacksLab, lacksScapy, PYTHON } from './lab.ts';
import { lanAddress } from './labAddresses.ts';
import { vipOf, type LabService } from './labObjects.ts';
import { repliers } from './neighbours.ts';
import { monotonicMs } from './probe.ts';
import { sniff } from './sniffer.ts';
import { stalls } from './stalls.ts';

const skip = lacksLab() || (await lacksScapy());
const echo: LabService = { name: 'echo', vip: 200 };
const VIP = vipOf(echo);
const FOREIGN = lanAddress(240);
const ODD_FRAMES = join(import.meta.dirname, 'fixture/oddFrames.py');
const FLOOD = join(import.meta.dirname, 'fixture/flood.py');
/** And some more. */
const LONGEST_GAP_OF_BURST_MS = 2500;
const FRAMES_PER_SECOND = 100_000;
const FLOOD_SECONDS = 2;

interface Answer {
  readonly src: string;
  readonly dst: string;
  /** What it says; null where a unicast question needs no answer to that (RFC 4861 section 7.2.4). */
  readonly mac: string | null;
  readonly solicited: 0 | 1 | null;
  /** It is of the form that tells everybody, which may also be its time. */
  readonly announces: boolean;
}

const ANSWERED = [
  'arp: request by broadcast', 'arp: request by unicast', 'arp: probe', "arp: request for the owner's own address",
  'ndp: solicitation to the group', 'ndp: solicitation by unicast', 'ndp: solicitation by unicast without link-layer option',
];
const DETECTION = 'ndp: duplicate address detection';
/** Defended once, and then not for 10 s (RFC 5227 section 2.4). */
const DEFENDED = ["arp: another station's announcement", "ndp: another station's advertisement"];

test('frames that ask for a VIP', { skip }, async (t) => {
  const cluster = await startCluster(t, { objects: () => ({ services: [echo] }) });
  const owner = await bothOn(cluster);

  await announced(t, cluster);

  await cluster.step('are answered once if they are in order, and otherwise not at all', async () => {
    const answers = await sendOddFrames(cluster, owner);
    const { mac } = cluster.lab.node(owner);
    for (const [name, all] of answers) {
      if (DEFENDED.some((each) => name.startsWith(each)) || name === DETECTION) continue;
      const heard = all.filter(({ announces }) => !announces);
      assert.equal(heard.length, ANSWERED.includes(name) ? 1 : 0, `${name}: ${JSON.stringify(heard)}`);
      for (const answer of heard) assert.deepEqual([answer.src, answer.mac ?? mac], [mac, mac], name);
    }
    const detection = answers.get(DETECTION)?.[0];
    assert.deepEqual([detection?.dst, detection?.solicited], ['33:33:00:00:00:01', 0]);
    assert.equal(answers.get('ndp: solicitation to the group')?.[0]?.solicited, 1);
    for (const name of DEFENDED) {
      const [first, again] = [answers.get(name) ?? [], answers.get(`${name} again`)];
      assert.ok(first.length >= 1, `${name} is not defended against`);
      assert.deepEqual(again, [], `${name} is defended against twice within 10 s`);
    }
  });

  await cluster.step(`are answered beside ${FRAMES_PER_SECOND} others a second`, async (st) => {
    const { lab } = cluster;
    const announcer = await cluster.gatehouse(owner).pid('announcer');
    const answers = () => until('the owner answers', async () => (await repliers(lab.client, VIP.ipv4)).join() === lab.node(owner).mac);
    const flooded = async (what: string, prefix: string): Promise<boolean> => {
      await answers();
      const [before, stallsBefore] = [await cpuSeconds(announcer), stalls(cluster)];
      const flood = lab.router.spawn(PYTHON, [FLOOD, 'eth0', lab.router.mac, lab.router.addresses.ipv4, prefix, String(FRAMES_PER_SECOND), String(FLOOD_SECONDS)]);
      if (flood.stdout === null) throw new Error('the flood has no output');
      const lines = createInterface({ input: flood.stdout });
      await once(lines, 'line');
      const ended = once(lines, 'line');
      const asked = await lab.client.run('arping', ['-i', 'eth0', '-c', '15', '-W', '0.1', VIP.ipv4]);
      const [sent] = (await ended) as [string];
      const times = [...asked.stdout.matchAll(/time=([0-9.]+) (m|u)sec/g)].map(([, value, unit]) => Number(value) / (unit === 'u' ? 1000 : 1));
      const used = (await cpuSeconds(announcer)) - before;
      st.diagnostic(`${what}: ${sent} frames in ${FLOOD_SECONDS} s, ${times.length} of 15 answered, worst ${Math.max(...times).toFixed(1)} ms, announcer ${used.toFixed(2)} s of CPU`);
      // Who was kept from running is silent for a moment, and says so: the machine itself could not carry the flood.
      await answers();
      if (stalls(cluster) !== stallsBefore) return false;
      assert.ok(times.length >= 14, asked.stdout);
      return true;
    };
    for (const [what, prefix] of [['for others', '10.77.1'], ['for VIPs among others', VIP.ipv4.replace(/\.\d+$/, '')]] as const) {
      await until(`a flood ${what} that the machine can carry`, () => flooded(what, prefix), 120_000);
    }
    assert.deepEqual(await repliers(lab.client, VIP.ipv4), [lab.node(owner).mac]);
  });
});

/** The one owner of both addresses of the Service; each may have another, so that the VIPs are narrowed to one node. */
async function bothOn(cluster: Cluster): Promise<number> {
  await cluster.change({ labels: { 1: { only: 'this' } }, advertisement: { nodeSelectors: [{ matchLabels: { only: 'this' } }] } });
  for (const address of Object.values(VIP)) assert.equal(await cluster.owner(address, { not: [2, 3] }), 1);
  return 1;
}

/** Resolves when the burst of announcements of a take-over is over: what is heard later is an answer. */
async function announced(t: TestContext, { lab }: Cluster): Promise<void> {
  const sniffer = await sniff(t, lab.client, `(arp and src host ${VIP.ipv4}) or (icmp6 and ip6[40] == 136)`);
  let [heard, sinceMs] = [0, monotonicMs()];
  await until('nothing is announced for a while', () => {
    if (sniffer.lines.length !== heard) [heard, sinceMs] = [sniffer.lines.length, monotonicMs()];
    return monotonicMs() - sinceMs > LONGEST_GAP_OF_BURST_MS;
  });
  await sniffer.stop();
}

async function sendOddFrames({ lab }: Cluster, owner: number): Promise<ReadonlyMap<string, readonly Answer[]>> {
  const child = lab.client.spawn(PYTHON, [ODD_FRAMES, 'eth0']);
  if (child.stdout === null || child.stderr === null) throw new Error('scapy has no output');
  const said = text(child.stderr);
  const node = lab.node(owner);
  child.stdin?.end(JSON.stringify({
    mac: lab.client.mac, ipv4: lab.client.addresses.ipv4, ipv6: lab.client.addresses.ipv6,
    vip4: VIP.ipv4, vip6: VIP.ipv6, foreign4: FOREIGN.ipv4, foreign6: FOREIGN.ipv6,
    ownerMac: node.mac, ownerIpv4: node.addresses.ipv4, answered: [...ANSWERED, DETECTION], waitSeconds: 0.15,
  }));
  const printed = await text(child.stdout);
  if (printed === '') throw new Error(`scapy failed: ${await said}`);
  return new Map(Object.entries(JSON.parse(printed) as Record<string, readonly Answer[]>));
}

/** What a process has used so far, both kinds. */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

/** USER_HZ, 100 on every Linux that Node.js runs on. */
const CLOCK_TICKS = 100;
