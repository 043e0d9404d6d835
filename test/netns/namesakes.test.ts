import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { until } from '../support/until.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { startGatehouseNode } from './gatehouseNode.ts';
import { lacksLab, type LabNode } from './lab.ts';
import { nodeObjects, poolOf, serviceObjects, vipOf, writeObjects, type LabService } from './labObjects.ts';
import { repliers } from './neighbours.ts';
import { stalls } from './stalls.ts';

const skip = lacksLab();
const echo: LabService = { name: 'echo', vip: 200 };
const VIP = vipOf(echo);

interface VipView {
  readonly address: string;
  readonly owner: string | null;
  readonly reason: string;
  readonly interfaces: readonly string[];
}

interface View {
  readonly running: boolean;
  readonly problems: readonly string[];
  readonly vips: readonly VipView[];
}

for (const isKeyed of [false, true]) {
  test(`a second machine under the name of a node owns nothing, says why, and changes nothing for the others, ${isKeyed ? 'with' : 'without'} a key`, { skip }, (t) => startNamesake(t, isKeyed));
}

async function startNamesake(t: TestContext, isKeyed: boolean): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-lab-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const key = join(folder, 'key');
  await writeFile(key, 'a-key-that-all-nodes-have');
  const args = isKeyed ? ['--membership-key-file', key] : [];
  const cluster = await startCluster(t, { objects: () => ({ services: [echo] }), without: [3], lab: { nodes: 3 }, args });
  const { lab } = cluster;
  await until('the two hear each other', () => othersAlive(cluster));
  let stallsBefore = stalls(cluster);
  let owners = await until('both name the same owners, who answer', () => agreedOwners(cluster));
  const [owner] = owners;
  await writeObjects(folder, [...poolOf(), ...nodeObjects(lab), ...serviceObjects(lab, echo)]);
  // The third machine is started as if it were the owner's node.
  const twin: LabNode = { ...lab.node(3), nodeName: lab.node(owner).nodeName };
  const gatehouse = await startGatehouseNode(t, twin, { folder, args });
  const problems = await until('it says why', async () => {
    const view = (await gatehouse.api('/api/v1/announcements')) as View;
    return view.problems.length > 0 ? view.problems : null;
  });
  // Where the other one was heard first, which is at either of its addresses.
  const { ipv4, ipv6 } = lab.node(owner).addresses;
  assert.match(problems.join(), new RegExp(`another machine is ${twin.nodeName}, at (?:${ipv4}|${ipv6}); this one has the addresses .*${twin.addresses.ipv4}`));
  await until('nothing has changed', async () => {
    const answers: (readonly string[])[] = [];
    for (let look = 0; look < 3; look += 1) for (const address of Object.values(VIP)) answers.push(await repliers(lab.client, address));
    assert.ok(!answers.flat().includes(twin.mac), 'it answers nothing');
    const areAlive = await othersAlive(cluster);
    if (stalls(cluster) === stallsBefore) {
      assert.deepEqual(answers, [...owners, ...owners, ...owners].map((number) => [lab.node(number).mac]));
      assert.ok(areAlive, 'they still hear each other');
      return true;
    }
    // One of the two was kept from running, so that it was silent, and the other one may have taken over: they agree anew.
    stallsBefore = stalls(cluster);
    owners = await until('both name the same owners again', () => agreedOwners(cluster));
    return false;
  }, 120_000);
  const view = (await gatehouse.api('/api/v1/announcements')) as View;
  assert.deepEqual(view.vips.flatMap(({ interfaces }) => interfaces), []);
  assert.match(await gatehouse.status(), /another machine is/);
  const told = cluster.gatehouses.flatMap(({ log }) => log).filter(({ msg, message }) => String(msg ?? message).includes('another machine speaks under the name of a node'));
  assert.ok(told.length > 0 && told.length <= 2, `${told.length} lines`);
}

/** Each of the two that are rightful hears the other. */
async function othersAlive(cluster: Cluster): Promise<boolean> {
  for (const gatehouse of cluster.gatehouses) {
    const { members } = (await gatehouse.api('/api/v1/announcements')) as { readonly members: readonly { readonly state: string }[] };
    if (members.filter(({ state }) => state === 'alive').length !== 1) return false;
  }
  return true;
}

/**
 * Numbers of the nodes that own the VIPs, IPv4 first; null while one of the two can own nothing yet, they say different things, or others
 * answer.
 */
async function agreedOwners(cluster: Cluster): Promise<readonly [number, number] | null> {
  const views = await Promise.all(cluster.gatehouses.map((gatehouse) => gatehouse.api('/api/v1/announcements') as Promise<View>));
  const numberOf = async (address: string): Promise<number | null> => {
    const decided = views.map(({ vips }) => vips.find((vip) => vip.address === address));
    // What one has while the other has just started may move to that as soon as it can.
    if (!decided.every((vip) => vip?.reason.includes('of 2 that can') === true)) return null;
    const named = new Set(decided.map((vip) => vip?.owner));
    const node = cluster.lab.nodes.find(({ nodeName }) => named.size === 1 && named.has(nodeName));
    return node !== undefined && (await repliers(cluster.lab.client, address)).join() === node.mac ? node.number : null;
  };
  const [ipv4, ipv6] = [await numberOf(VIP.ipv4), await numberOf(VIP.ipv6)];
  return ipv4 === null || ipv6 === null ? null : [ipv4, ipv6];
}
