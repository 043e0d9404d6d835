import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foreignKinds } from './foreignKinds.ts';
import type { RawObject } from './testing/memoryApi.ts';
import { PATHS, rawPool, sourceRun, type SourceRun } from './testing/sourceRun.ts';
import { KubeError } from '../../cluster/kubeApi.ts';
import { silentLogger } from '../../../core/log/logger.ts';

const OPENELB = '/apis/network.kubesphere.io/v1alpha2';
const METALLB = foreignKinds(['metallb']);

function conf(as: number, more: object = {}): RawObject {
  return { metadata: { name: 'default' }, spec: { as, ...more } };
}

function peer(name: string, more: object = {}): RawObject {
  return { metadata: { name }, spec: { conf: { neighborAddress: `192.0.2.${name.length}`, peerAs: 65_000, ...more } } };
}

function legacy(config: string): RawObject {
  return { metadata: { name: 'config', namespace: 'metallb-system' }, data: { config } };
}

function asOf(run: SourceRun, name: string): number | null {
  const object = run.get('BGPPeer', '', name);
  return object?.kind === 'BGPPeer' ? object.myASN : null;
}

const fieldsOf = (run: SourceRun): readonly string[] => run.problems().map(({ field }) => field);

test('Peers of OpenELB follow the BgpConf, which is another kind', async (t) => {
  const run = sourceRun(t, { kinds: [], foreignKinds: foreignKinds(['openelb']) });
  run.api.put(`${OPENELB}/bgppeers`, peer('a'));
  run.api.put(`${OPENELB}/bgppeers`, peer('bb'));
  run.api.put(`${OPENELB}/bgpconfs`, conf(64_512, { asPerRack: { x: 1 } }));
  await run.start();
  assert.deepEqual([asOf(run, 'a'), asOf(run, 'bb')], [64_512, 64_512]);
  run.api.put(`${OPENELB}/bgpconfs`, conf(64_513, { asPerRack: { x: 1 } }));
  await run.until(() => asOf(run, 'a') === 64_513);
  assert.deepEqual([asOf(run, 'bb'), run.batches.length], [64_513, 2]);
  // A field of the BgpConf that is not taken over says nothing about the peers.
  assert.deepEqual(fieldsOf(run), ['BgpConf default: spec.asPerRack']);
  run.api.delete(`${OPENELB}/bgppeers`, peer('bb'));
  await run.until(() => asOf(run, 'bb') === null);
  assert.equal(asOf(run, 'a'), 64_513);
});

test('A peer that is switched off is gone, one that becomes faulty keeps its last good form', async (t) => {
  const run = sourceRun(t, { kinds: [], foreignKinds: foreignKinds(['openelb']) });
  run.api.put(`${OPENELB}/bgpconfs`, conf(64_512));
  for (const name of ['a', 'bb']) run.api.put(`${OPENELB}/bgppeers`, peer(name));
  await run.start();
  run.api.put(`${OPENELB}/bgppeers`, peer('a', { adminDown: true }));
  await run.until(() => asOf(run, 'a') === null);
  run.api.put(`${OPENELB}/bgppeers`, peer('bb', { peerAs: -5 }));
  await run.until(() => fieldsOf(run).includes('spec.conf.peerAs'));
  assert.equal(asOf(run, 'bb'), 64_512);
  run.api.delete(`${OPENELB}/bgpconfs`, conf(64_512));
  await run.until(() => fieldsOf(run).length > 2);
  assert.equal(asOf(run, 'bb'), 64_512);
});

test('What another product writes into the status of its objects delivers nothing', async (t) => {
  const run = sourceRun(t, { kinds: [], foreignKinds: METALLB });
  run.api.put(PATHS.metallbPool, rawPool('a'));
  await run.start();
  run.api.put(PATHS.metallbPool, { ...rawPool('a'), status: { assignedIPv4: 3 } });
  run.api.put(PATHS.metallbPool, rawPool('b', '198.51.100.0/24'));
  await run.until(() => run.held.size === 2);
  assert.deepEqual(run.batches.map(({ upserts, refreshed }) => upserts.length + (refreshed ?? []).length), [1, 1]);
});

test('The ConfigMap of the old MetalLB is read by its name, and no more once there are IPAddressPools', async (t) => {
  const run = sourceRun(t, { kinds: [], foreignKinds: METALLB });
  run.api.put(PATHS.configMap, legacy('{ typo: 1, address-pools: [{ name: old, protocol: layer2, addresses: [192.0.2.0/24] }] }'));
  await run.start();
  assert.deepEqual([...run.held.keys()], ['IPAddressPool metallb-system/old', 'L2Advertisement metallb-system/old']);
  assert.deepEqual(fieldsOf(run), ['data.config: typo']);
  const asked = run.api.requests.filter((request) => request.includes('configmaps'));
  assert.ok(asked.every((request) => request.includes('/configmaps/config') || request.includes('fieldSelector=metadata.name%3Dconfig')), asked.join());
  run.api.put(PATHS.metallbPool, rawPool('new', '192.0.2.0/24', 'metallb-system'));
  await run.until(() => run.get('IPAddressPool', 'metallb-system', 'new') !== undefined);
  assert.deepEqual([...run.held.keys()], ['IPAddressPool metallb-system/new']);
  assert.deepEqual(run.problems().map(({ field, effect }) => [field, effect.includes('delete it')]), [['data.config', true]]);
  run.api.delete(PATHS.metallbPool, rawPool('new', '', 'metallb-system'));
  await run.until(() => run.held.size === 2);
});

test('A ConfigMap that becomes faulty changes nothing, one that is deleted takes everything along', async (t) => {
  const run = sourceRun(t, { kinds: [], foreignKinds: METALLB });
  const pools = (address: string): RawObject => legacy(`address-pools: [{ name: old, protocol: layer2, addresses: [${address}] }]`);
  run.api.put(PATHS.configMap, pools('192.0.2.0/24'));
  await run.start();
  for (const faulty of [legacy('address-pools: [[['), pools('192.0.2.0/99')]) {
    const before = run.problems();
    run.api.put(PATHS.configMap, faulty);
    await run.until(() => run.problems() !== before && run.problems().length > 0);
    assert.equal(run.held.size, 2);
  }
  run.api.delete(PATHS.configMap, legacy(''));
  await run.until(() => run.held.size === 0);
  assert.deepEqual(run.problems(), []);
});

test('Of an own object and one of MetalLB of the same kind, namespace and name the own one counts', async (t) => {
  const run = sourceRun(t, { kinds: ['IPAddressPool'], foreignKinds: METALLB });
  run.api.put(PATHS.metallbPool, rawPool('a', '198.51.100.0/24'));
  run.api.put(PATHS.pool, rawPool('a', '192.0.2.0/24'));
  await run.start();
  const group = (): string => {
    const pool = run.get('IPAddressPool', 'gatehouse', 'a');
    return pool?.kind === 'IPAddressPool' ? pool.group : '';
  };
  assert.equal(group(), 'gatehouse.dev');
  assert.deepEqual(run.problems().map(({ effect }) => effect), ['metallb.io IPAddressPool gatehouse/a is ignored']);
  run.api.delete(PATHS.pool, rawPool('a'));
  await run.until(() => group() === 'metallb.io');
  assert.deepEqual(run.problems(), []);
});

test('Kinds that are not installed are no problem, are noted once, and are read when they come', async (t) => {
  const notes: string[] = [];
  const note = (message: string, fields?: Readonly<Record<string, unknown>>): void => void notes.push(`${message}: ${String(fields?.['kind'])}`);
  let nowMs = 0;
  const clock = { now: () => nowMs };
  const run = sourceRun(t, { kinds: [], foreignKinds: foreignKinds(['openelb']), logger: { ...silentLogger, info: note }, clock });
  let installed = false;
  run.api.refuse = () => (installed ? null : new KubeError('notFound', '404', { status: 404 }));
  run.api.put(`${OPENELB}/eips`, { metadata: { name: 'office' }, spec: { address: '192.0.2.0/24' } });
  const started = run.start();
  await run.until(() => run.sleeps.filter((ms) => ms < 10_000).length === 3);
  nowMs += 1_000;
  run.wake();
  await started;
  assert.deepEqual([run.held.size, run.problems()], [0, []]);
  assert.deepEqual(new Set(notes.map((text) => text.split(': ')[1])), new Set(['BgpConf.network.kubesphere.io', 'BgpPeer.network.kubesphere.io', 'Eip.network.kubesphere.io']));
  assert.equal(notes.length, 3);
  installed = true;
  run.wake();
  await run.until(() => run.held.size === 2);
  assert.ok(notes.includes('a kind of another product is installed now and read: Eip.network.kubesphere.io'), notes.join());
});

test('With namespaces given, MetalLB is read there and in its own', async (t) => {
  const run = sourceRun(t, { kinds: [], foreignKinds: METALLB, namespaces: ['shop'] });
  for (const namespace of ['shop', 'metallb-system', 'other']) run.api.put(PATHS.metallbPool, rawPool(`p-${namespace}`, '192.0.2.0/24', namespace));
  await run.start();
  assert.deepEqual([...run.held.keys()].toSorted(), ['IPAddressPool metallb-system/p-metallb-system', 'IPAddressPool shop/p-shop']);
});
