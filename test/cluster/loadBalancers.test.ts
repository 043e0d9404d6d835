import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { freePort } from '../../bench/child.ts';
import type { PlainObject } from '../apiserver/admin.ts';
import { startCluster, type Cluster } from '../support/cluster.ts';
import { LACKS_OWN_ADDRESS, startClusterTcpEcho, startClusterUdpEcho } from '../support/clusterBackends.ts';
import { watchStatuses } from '../support/clusterHistory.ts';
import { addressesOf, apply, assignedCondition, awaitAddresses, entriesOf, eventsOf, poolPlace, servicePlace } from '../support/clusterObjects.ts';
import { awaitLine, balancerIn, poolIn, serveNamespace, sliceIn } from '../support/clusterServing.ts';
import { askTcp, openUdp } from '../support/echo.ts';
import { testRange } from '../support/loadBalancer.ts';
import { until } from '../support/until.ts';

const { prefix } = testRange();
const EXCLUDE = 'node.kubernetes.io/exclude-from-external-load-balancers';
/** Nobody's addresses, for tests that only look at who has which. */
const OFF = ['--vips', 'off'];

/** Waits until an echo answers at the address: `name:x`. */
async function awaitEcho(address: string, port: number, answer: string): Promise<void> {
  await until(`${address} answers ${answer || 'nothing'}`, async () => (await tryTcp(address, port)) === answer);
}

/** Empty: the connection was refused or reset. */
async function tryTcp(address: string, port: number): Promise<string> {
  try {
    return (await askTcp(address, port, 'x')).toString();
  } catch {
    return '';
  }
}

describe('Services of type LoadBalancer of a cluster', { concurrency: 3, skip: LACKS_OWN_ADDRESS }, () => {
  let cluster: Cluster;
  /** The condition of a Service is False, with this reason. */
  const awaitRefusal = (name: string, namespace: string, reason: string): Promise<boolean> =>
    until(`${name} is refused as ${reason}`, async () => {
      const condition = assignedCondition(await cluster.admin.get(servicePlace(name, namespace)));
      return condition?.status === 'False' && condition.reason === reason;
    });
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster.stop());

  test('are carried over TCP and UDP, and say so in status, condition, Event, pool and ServiceVIPStatus', async (t) => {
    const [namespace, port] = ['carried', await freePort()];
    await apply(cluster, [{ apiVersion: 'v1', kind: 'Node', metadata: { name: namespace } } as PlainObject]);
    await serveNamespace(t, cluster, namespace);
    const [tcp, udp] = [await startClusterTcpEcho(t, 'tcp'), await startClusterUdpEcho(t, 'udp')];
    const ports = [{ name: 'main', port, protocol: 'TCP' }, { name: 'datagrams', port, protocol: 'UDP' }];
    await apply(cluster, [
      poolIn(namespace, 'lan', [`${prefix}.10-${prefix}.12`]),
      balancerIn(namespace, 'echo', port, { ports }),
      sliceIn(namespace, 'echo', { backend: tcp }),
      sliceIn(namespace, 'echo', { port: 'datagrams', protocol: 'UDP', backend: udp }),
    ]);
    const [address] = await awaitAddresses(cluster, servicePlace('echo', namespace));
    assert.equal(address, `${prefix}.10`);
    await awaitEcho(address, port, 'tcp:x');
    const client = await openUdp(t, address, port);
    assert.equal(await client.ask('x', AbortSignal.timeout(10_000)), 'udp:x');
    const service = await cluster.admin.get(servicePlace('echo', namespace));
    // Before Kubernetes 1.30 there is no ipMode.
    assert.deepEqual(entriesOf(service).map(({ ipMode: _ipMode, ...entry }) => entry), [
      { ip: address, ports: [{ port, protocol: 'TCP' }, { port, protocol: 'UDP' }] },
    ]);
    const condition = assignedCondition(service);
    assert.deepEqual([condition?.status, condition?.reason, condition?.message], ['True', 'Assigned', `has ${address} of pool lan`]);
    const event = await until('the Event is there', async () => (await eventsOf(cluster, servicePlace('echo', namespace))).find(({ reason }) => reason === 'IPAllocated'));
    assert.deepEqual([event.type, event.message, event.count], ['Normal', `Assigned IP [${address}] from pool "lan"`, 1]);
    await until('the pool counts it', async () => {
      const pool = await cluster.admin.get(poolPlace('lan', namespace));
      const status = pool?.['status'] as { readonly assignedIPv4?: number; readonly availableIPv4?: number } | undefined;
      return status?.assignedIPv4 === 1 && status.availableIPv4 === 2;
    });
    await until('the node says that it carries it', async () => {
      const said = await cluster.admin.list({ apiVersion: 'gatehouse.dev/v1', kind: 'ServiceVIPStatus', namespace });
      // Made first, and given its status then.
      return said.some(({ status = null }) => JSON.stringify(status).includes(`"${address}"`));
    });
    await cluster.admin.delete(servicePlace('echo', namespace));
    await awaitEcho(address, port, '');
    await until('nobody says it any more', async () => (await cluster.admin.list({ apiVersion: 'gatehouse.dev/v1', kind: 'ServiceVIPStatus', namespace })).length === 0);
  });

  test('of another class stay as they are, to the byte, and external IPs are neither announced nor bound', async (t) => {
    const [namespace, port] = ['foreign', await freePort()];
    const served = await serveNamespace(t, cluster, namespace);
    const backend = await startClusterTcpEcho(t, 'tcp');
    // An address of this very machine, so that it could be bound.
    const externalIP = backend.address;
    await apply(cluster, [balancerIn(namespace, 'theirs', port, { loadBalancerClass: 'example.com/other' }), balancerIn(namespace, 'external', port, { externalIPs: [externalIP] })]);
    await cluster.admin.patch(servicePlace('theirs', namespace), { status: { loadBalancer: { ingress: [{ ip: `${prefix}.28` }] } } }, 'status');
    const before = JSON.stringify(await cluster.admin.get(servicePlace('theirs', namespace)));
    await apply(cluster, [poolIn(namespace, 'lan', [`${prefix}.20-${prefix}.29`]), sliceIn(namespace, 'theirs', { backend }), sliceIn(namespace, 'external', { backend })]);
    assert.deepEqual(await awaitAddresses(cluster, servicePlace('external', namespace)), [`${prefix}.20`]);
    await awaitEcho(`${prefix}.20`, port, 'tcp:x');
    assert.equal(await tryTcp(externalIP, port), '');
    assert.equal(await tryTcp(`${prefix}.28`, port), '');
    assert.ok((await served.gatehouse.status()).listeners.every(({ address }) => address !== externalIP));
    // Further changes have been through the writer by now.
    await apply(cluster, [balancerIn(namespace, 'last', port)]);
    await awaitAddresses(cluster, servicePlace('last', namespace));
    assert.equal(JSON.stringify(await cluster.admin.get(servicePlace('theirs', namespace))), before);
    assert.deepEqual(await eventsOf(cluster, servicePlace('theirs', namespace)), []);
  });

  test('have addresses of the families they ask for', async (t) => {
    const namespace = 'families';
    await serveNamespace(t, cluster, namespace, OFF);
    await apply(cluster, [
      poolIn(namespace, 'lan', ['203.0.113.64/28', '2001:db8:64::/124'], { avoidBuggyIPs: false }),
      balancerIn(namespace, 'four', 80, { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'] }),
      balancerIn(namespace, 'six', 80, { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv6'] }),
      balancerIn(namespace, 'both', 80, { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6', 'IPv4'] }),
      balancerIn(namespace, 'maybe', 80, { ipFamilyPolicy: 'PreferDualStack' }),
    ]);
    const familiesOf = async (name: string, count: number): Promise<readonly string[]> =>
      (await awaitAddresses(cluster, servicePlace(name, namespace), count)).map((address) => (address.includes(':') ? 'IPv6' : 'IPv4'));
    assert.deepEqual(await familiesOf('four', 1), ['IPv4']);
    assert.deepEqual(await familiesOf('six', 1), ['IPv6']);
    assert.deepEqual((await familiesOf('both', 2)).toSorted(), ['IPv4', 'IPv6']);
    assert.deepEqual((await familiesOf('maybe', 2)).toSorted(), ['IPv4', 'IPv6']);
    const [before] = await awaitAddresses(cluster, servicePlace('four', namespace));
    await cluster.admin.patch(servicePlace('four', namespace), { spec: { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv4', 'IPv6'] } });
    const upgraded = await awaitAddresses(cluster, servicePlace('four', namespace), 2);
    assert.ok(before !== undefined && upgraded.includes(before), `${before} is not among ${upgraded.join()}`);
  });

  test('keep what they have of a drained pool, get nothing new from it, and move only when their address goes', async (t) => {
    const namespace = 'pools';
    const [first, second] = ['203.0.113.80', '203.0.113.81'];
    await serveNamespace(t, cluster, namespace, OFF);
    await apply(cluster, [poolIn(namespace, 'lan', ['203.0.113.80/30'], { reserved: [{ address: first, service: `${namespace}/late` }] }), balancerIn(namespace, 'early', 80)]);
    assert.deepEqual(await awaitAddresses(cluster, servicePlace('early', namespace)), [second]);
    await cluster.admin.patch(poolPlace('lan', namespace), { spec: { drain: true } });
    await apply(cluster, [balancerIn(namespace, 'waiting', 80)]);
    await until('it waits', async () => assignedCondition(await cluster.admin.get(servicePlace('waiting', namespace)))?.status === 'False');
    assert.deepEqual(addressesOf(await cluster.admin.get(servicePlace('early', namespace))), [second]);
    await cluster.admin.patch(poolPlace('lan', namespace), { spec: { drain: false } });
    assert.deepEqual(await awaitAddresses(cluster, servicePlace('waiting', namespace)), ['203.0.113.82']);
    await apply(cluster, [balancerIn(namespace, 'late', 80)]);
    assert.deepEqual(await awaitAddresses(cluster, servicePlace('late', namespace)), [first]);
    await cluster.admin.patch(poolPlace('lan', namespace), { spec: { addresses: ['203.0.113.80-203.0.113.81', '203.0.113.88/31'] } });
    await until('who had an address that is gone has another', async () => /^203\.0\.113\.8[89]$/.test(addressesOf(await cluster.admin.get(servicePlace('waiting', namespace))).join()));
    assert.deepEqual(addressesOf(await cluster.admin.get(servicePlace('early', namespace))), [second]);
    assert.deepEqual(addressesOf(await cluster.admin.get(servicePlace('late', namespace))), [first]);
    await cluster.admin.delete(poolPlace('lan', namespace));
    for (const name of ['early', 'late', 'waiting']) await awaitAddresses(cluster, servicePlace(name, namespace), 0);
  });

  test('are told why they have no address, and get the one that a change of type sets free', async (t) => {
    const namespace = 'waiters';
    await serveNamespace(t, cluster, namespace, OFF);
    const only = '203.0.113.96';
    await apply(cluster, [poolIn(namespace, 'lan', [`${only}/32`]), balancerIn(namespace, 'holder', 80)]);
    await awaitAddresses(cluster, servicePlace('holder', namespace));
    await apply(cluster, [balancerIn(namespace, 'waiter', 80)]);
    await awaitRefusal('waiter', namespace, 'PoolExhausted');
    const told = await until('an Event says why', async () => (await eventsOf(cluster, servicePlace('waiter', namespace))).find(({ type }) => type === 'Warning'));
    assert.equal(told.source.host, namespace);
    await cluster.admin.patch(servicePlace('holder', namespace), { spec: { type: 'ClusterIP' } });
    assert.deepEqual(await awaitAddresses(cluster, servicePlace('waiter', namespace)), [only]);
    await until('nothing of ours is left', async () => {
      const holder = await cluster.admin.get(servicePlace('holder', namespace));
      return addressesOf(holder).length === 0 && assignedCondition(holder) === undefined;
    });
  });

  test('ask for an address outside every pool, or one that another has, and keep nothing that they should not', async (t) => {
    const namespace = 'wishes';
    await serveNamespace(t, cluster, namespace, OFF);
    await apply(cluster, [
      poolIn(namespace, 'lan', ['203.0.113.112/30']),
      balancerIn(namespace, 'holder', 80, { loadBalancerIP: '203.0.113.113' }),
    ]);
    assert.deepEqual(await awaitAddresses(cluster, servicePlace('holder', namespace)), ['203.0.113.113']);
    await apply(cluster, [balancerIn(namespace, 'rival', 80, { loadBalancerIP: '203.0.113.113' }), balancerIn(namespace, 'astray', 80, { loadBalancerIP: '192.0.2.200' })]);
    await awaitRefusal('rival', namespace, 'AddressInUse');
    await awaitRefusal('astray', namespace, 'AddressOutsidePools');
    await cluster.admin.delete(servicePlace('holder', namespace));
    assert.deepEqual(await awaitAddresses(cluster, servicePlace('rival', namespace)), ['203.0.113.113']);
  });

  test('are left alone by a Node that load balancers must not use', async (t) => {
    const [namespace, port] = ['excluded', await freePort()];
    await apply(cluster, [{ apiVersion: 'v1', kind: 'Node', metadata: { name: namespace, labels: { [EXCLUDE]: '' } } } as PlainObject]);
    const served = await serveNamespace(t, cluster, namespace);
    await apply(cluster, [poolIn(namespace, 'lan', [`${prefix}.40-${prefix}.41`]), balancerIn(namespace, 'echo', port), sliceIn(namespace, 'echo', { backend: await startClusterTcpEcho(t, 'tcp') })]);
    const [address = ''] = await awaitAddresses(cluster, servicePlace('echo', namespace));
    await awaitLine(served, 'echo', ({ forwarding, reason }) => forwarding === 'none' && reason.includes(EXCLUDE));
    assert.equal(await tryTcp(address, port), '');
    await cluster.admin.patch({ apiVersion: 'v1', kind: 'Node', name: namespace }, { metadata: { labels: { [EXCLUDE]: null } } });
    await awaitEcho(address, port, 'tcp:x');
  });

  test('with externalTrafficPolicy Local are served by endpoints of this Node only', async (t) => {
    const [namespace, port] = ['local', await freePort()];
    const served = await serveNamespace(t, cluster, namespace);
    const [far, near] = [await startClusterTcpEcho(t, 'far'), await startClusterTcpEcho(t, 'near')];
    await apply(cluster, [
      poolIn(namespace, 'lan', [`${prefix}.50-${prefix}.51`]),
      balancerIn(namespace, 'echo', port, { externalTrafficPolicy: 'Local' }),
      sliceIn(namespace, 'echo', { backend: far, more: { nodeName: 'elsewhere' } }),
    ]);
    const [address = ''] = await awaitAddresses(cluster, servicePlace('echo', namespace));
    await awaitLine(served, 'echo', ({ ports }) => ports[0]?.endpoints === 0);
    assert.equal(await tryTcp(address, port), '');
    await apply(cluster, [sliceIn(namespace, 'echo', { backend: near, more: { nodeName: namespace } })]);
    await awaitEcho(address, port, 'near:x');
    for (let round = 0; round < 10; round += 1) assert.equal(await tryTcp(address, port), 'near:x');
  });

  test('keep their addresses over a restart of the only Gatehouse, with changes made meanwhile, and nothing flaps', async (t) => {
    const [namespace, port] = ['restart', await freePort()];
    const served = await serveNamespace(t, cluster, namespace);
    const history = await watchStatuses(t, cluster, namespace);
    const backend = await startClusterTcpEcho(t, 'tcp');
    await apply(cluster, [poolIn(namespace, 'lan', [`${prefix}.60-${prefix}.69`]), ...['m', 'x', 'z'].map((name) => balancerIn(namespace, name, port)), sliceIn(namespace, 'x', { backend })]);
    const addresses = await Promise.all(['m', 'x', 'z'].map((name) => awaitAddresses(cluster, servicePlace(name, namespace))));
    await awaitEcho(addresses[1]?.[0] ?? '', port, 'tcp:x');
    await served.gatehouse.stop();
    await cluster.admin.delete(servicePlace('m', namespace));
    await apply(cluster, [balancerIn(namespace, 'a', port)]);
    const versions = await Promise.all(['x', 'z'].map(async (name) => (await cluster.admin.get(servicePlace(name, namespace)))?.metadata.resourceVersion));
    await served.restart();
    await awaitAddresses(cluster, servicePlace('a', namespace));
    await awaitEcho(addresses[1]?.[0] ?? '', port, 'tcp:x');
    assert.deepEqual(await Promise.all(['x', 'z'].map(async (name) => (await cluster.admin.get(servicePlace(name, namespace)))?.metadata.resourceVersion)), versions);
    assert.deepEqual(['x', 'z', 'm'].map((name) => history.shown.get(name)?.filter((shown) => shown !== '').length), [1, 1, 1]);
    assert.ok([...history.shown.values()].every((shown) => shown.lastIndexOf('') <= 0), JSON.stringify([...history.shown]));
  });
});
