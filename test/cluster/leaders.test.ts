import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startCluster, type Cluster } from '../support/cluster.ts';
import { LACKS_OWN_ADDRESS } from '../support/clusterBackends.ts';
import { addressesOf, servicePlace } from '../support/clusterObjects.ts';
import { poolOf, startReplicas, type Replica, type ReplicaGroup } from '../support/clusterReplicas.ts';
import { startLane } from '../support/lane.ts';
import { until } from '../support/until.ts';

/** Cases wait for leases most of the time, which takes no CPU: they run side by side. */
const SIDE_BY_SIDE = { concurrency: true, skip: LACKS_OWN_ADDRESS };

/** Requests that change something, other than the Lease, by everybody but `writer`; nothing where the API server does not tell. */
function writesOfOthers(group: ReplicaGroup, writer: Replica): readonly string[] {
  const others = group.replicas.filter((replica) => replica !== writer).flatMap((replica) => group.writes(replica) ?? []);
  return others.map(({ user, method, path }) => `${user}: ${method} ${path}`);
}

/** Resolves once it has written nothing for a second. */
async function idle(group: ReplicaGroup, replica: Replica): Promise<void> {
  let last = { count: -1, atMs: performance.now() };
  await until(`${replica.name} has nothing more to write`, () => {
    const count = group.writes(replica)?.length ?? 0;
    if (count !== last.count) last = { count, atMs: performance.now() };
    return performance.now() - last.atMs > 1_000;
  });
}

describe('Gatehouses side by side', SIDE_BY_SIDE, () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster.stop());

  test('of three that start at once exactly one writes, all serve, and one that is told to end makes room at once', async (t) => {
    const group = await startReplicas(t, cluster, { namespace: 'at-once', names: ['one', 'two', 'three'], addresses: ['198.51.100.0/26'] });
    const leader = await group.leader();
    await group.addressed(await group.addServices('first', 12));
    assert.deepEqual(writesOfOthers(group, leader), []);
    assert.deepEqual(await group.eventHosts(), new Set([leader.name]));
    for (const replica of group.replicas) await group.browse(replica);
    const during = group.addServices('during', 20);
    assert.equal(await leader.stop(), 0);
    const next = await group.leader();
    await group.addressed([...(await during), ...(await group.addServices('second', 4))]);
    assert.ok((await group.eventHosts()).has(next.name));
    assert.deepEqual(group.history.faults(), []);
  });

  test('when the leader is killed while Services come, another leads within the lease, and each gets one address, once', async (t) => {
    const group = await startReplicas(t, cluster, { namespace: 'killed', names: ['one', 'two'], addresses: ['198.51.100.64-198.51.100.127'] });
    const leader = await group.leader();
    const coming = group.addServices('coming', 30);
    await until('the first Services have addresses', () => [...group.history.shown.values()].filter((shown) => shown.at(-1) !== '').length >= 5);
    await leader.kill();
    const services = await coming;
    const next = await group.leader();
    assert.notEqual(next, leader);
    await group.addressed(services);
    await group.addressed(await group.addServices('later', 3));
    for (const replica of group.replicas.filter(({ running }) => running)) await group.browse(replica);
    assert.deepEqual(group.history.faults(), []);
  });

  test('a leader that is paused past its lease writes nothing when it goes on, follows, and may lead again later', async (t) => {
    const group = await startReplicas(t, cluster, { namespace: 'paused', names: ['one', 'two'], addresses: ['198.51.100.128-198.51.100.159'] });
    const paused = await group.leader();
    await group.addressed(await group.addServices('before', 4));
    // Whoever is stopped while it sends a request sends the rest of it when it goes on.
    await idle(group, paused);
    paused.running = false;
    paused.process.kill('SIGSTOP');
    // What it finds when it goes on: Services without an address, and a pool that it would have given them others from.
    const waiting = await group.addServices('meanwhile', 6);
    const next = await group.leader(paused);
    await group.addressed(waiting);
    await cluster.admin.patch({ ...poolOf(group.namespace, []), namespace: group.namespace, name: 'lan' }, { spec: { addresses: ['198.51.100.128-198.51.100.143', '203.0.113.0/28'] } });
    await group.addressed(await group.addServices('still-meanwhile', 6));
    const [written, told] = [group.writes(paused)?.length, await eventCount(cluster, group, paused)];
    paused.running = true;
    paused.process.kill('SIGCONT');
    await until('the paused one knows who leads', async () => {
      const { leader } = await paused.status();
      assert.notEqual(leader?.self, true);
      return leader?.name?.startsWith(next.name);
    });
    await until('the paused one has seen what was given', async () => sameAsCluster(cluster, group, paused));
    await group.addressed(await group.addServices('after', 4));
    assert.equal(group.writes(paused)?.length, written);
    assert.equal(await eventCount(cluster, group, paused), told);
    await next.kill();
    assert.equal(await group.leader(), paused);
    await group.addressed(await group.addServices('again', 2));
    assert.deepEqual(group.history.faults(), []);
  });

  test('while the API server is away nobody leads or writes and everything serves, and when it is back one leads and no status has changed', async (t) => {
    // Its own: the others need theirs.
    const lost = await startCluster();
    t.after(() => lost.stop());
    const group = await startReplicas(t, lost, { namespace: 'away', names: ['one', 'two', 'three'], addresses: ['198.51.100.160-198.51.100.191'] });
    await group.leader();
    const services = await group.addServices('given', 6);
    await group.addressed(services);
    await until('all show what was given', async () => (await Promise.all(group.replicas.map((replica) => sameAsCluster(lost, group, replica)))).every(Boolean));
    const versions = await versionsOf(lost, group, services);
    const lanes = group.replicas.map((replica) => startLane(t, replica.name, () => group.browse(replica)));
    await lost.pause();
    await until('nobody leads', async () => (await Promise.all(group.replicas.map(leads))).every((leading) => !leading));
    // Past the lease of whoever led: now anybody might take it.
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    for (const replica of group.replicas) assert.equal(await leads(replica), false);
    await lost.resume();
    await group.leader();
    await group.addressed(await group.addServices('afterwards', 3));
    assert.deepEqual(await versionsOf(lost, group, services), versions);
    assert.deepEqual((await Promise.all(lanes.map((lane) => lane.stop()))).flat(), []);
    assert.ok(lanes.every((lane) => lane.turns() > 100));
    assert.deepEqual(group.history.faults(), []);
  });
});

async function leads(replica: Replica): Promise<boolean> {
  return (await replica.status()).leader?.self === true;
}

/** How often Events of the replica have happened. */
async function eventCount(cluster: Cluster, { namespace }: ReplicaGroup, replica: Replica): Promise<number> {
  const events = (await cluster.admin.list({ apiVersion: 'v1', kind: 'Event', namespace })) as unknown as readonly { readonly source: { readonly host: string }; readonly count: number }[];
  return events.filter(({ source }) => source.host === replica.name).reduce((sum, { count }) => sum + count, 0);
}

async function versionsOf(cluster: Cluster, { namespace }: ReplicaGroup, services: readonly string[]): Promise<readonly unknown[]> {
  return Promise.all(services.map(async (name) => (await cluster.admin.get(servicePlace(name, namespace)))?.metadata.resourceVersion));
}

/** Whether a replica shows the very addresses that the API server has. */
async function sameAsCluster(cluster: Cluster, { namespace }: ReplicaGroup, replica: Replica): Promise<boolean> {
  const shown = new Map((await replica.status()).services.map(({ name, addresses }) => [name, addresses.join()]));
  const services = await cluster.admin.list({ apiVersion: 'v1', kind: 'Service', namespace });
  const given = services.filter((service) => (service['spec'] as { readonly type: string }).type === 'LoadBalancer');
  return given.every((service) => shown.get(String(service.metadata.name)) === addressesOf(service).join());
}
