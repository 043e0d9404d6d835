import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownClusterKind, type ClusterKind } from './clusterKind.ts';
import { PATHS, rawPool, rawService, sourceRun } from './testing/sourceRun.ts';
import { KubeError } from '../../cluster/kubeApi.ts';
import { RESOURCES } from '../../cluster/resources.ts';
import { decodeObject } from '../../decode/decodeObject.ts';

const away = new KubeError('unreachable', 'connect ECONNREFUSED');

test('one first batch has everything of every kind, and start resolves after it', async (t) => {
  const run = sourceRun(t);
  for (let count = 0; count < 1_201; count += 1) run.api.put(PATHS.service, rawService(`s${count}`));
  run.api.put(PATHS.pool, rawPool('first'));
  await run.start();
  assert.equal(run.batches.length, 1);
  assert.equal(run.held.size, 1_202);
  assert.deepEqual(run.batches[0]?.deletes, []);
  const pages = run.api.requests.filter((request) => request.startsWith(`GET ${PATHS.service}?`));
  assert.equal(pages.length, 3);
});

test('nothing is delivered before the last kind is known', async (t) => {
  const run = sourceRun(t);
  const { promise: held, resolve } = Promise.withResolvers<void>();
  run.api.refuse = ({ path }) => (path === PATHS.ingress ? held : null);
  run.api.put(PATHS.service, rawService('web'));
  const started = run.start();
  await run.until(() => run.source.health().collections.filter(({ synced }) => synced).length === 12);
  const services = (): number | undefined => run.source.health().collections.find(({ kind }) => kind === 'Service')?.objects;
  run.api.put(PATHS.service, rawService('api'));
  await run.until(() => services() === 2);
  run.api.delete(PATHS.service, rawService('web'));
  await run.until(() => services() === 1);
  assert.deepEqual([run.batches.length, run.source.health().synced], [0, false]);
  resolve();
  await started;
  assert.deepEqual([run.batches.length, [...run.held.keys()]], [1, ['Service shop/api']]);
});

test('changes of one turn come as one batch', async (t) => {
  const run = sourceRun(t);
  run.api.put(PATHS.service, rawService('old'));
  await run.start();
  run.api.put(PATHS.service, rawService('a'));
  run.api.put(PATHS.service, rawService('b'));
  run.api.delete(PATHS.service, rawService('old'));
  await run.until(() => run.batches.length > 1);
  assert.deepEqual(run.batches[1]?.upserts.map(({ metadata }) => metadata.name), ['a', 'b']);
  assert.deepEqual(run.batches[1]?.deletes, [{ kind: 'Service', namespace: 'shop', name: 'old' }]);
});

test('what kubectl and field managers keep in an object is not held', async (t) => {
  const run = sourceRun(t);
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', note: 'kept' };
  run.api.put(PATHS.service, rawService('web', { annotations, managedFields: [{ manager: 'kubectl' }] }));
  await run.start();
  assert.deepEqual([...(run.get('Service', 'shop', 'web')?.metadata.annotations ?? [])], [['note', 'kept']]);
});

test('a change of nothing that is decoded only refreshes the version', async (t) => {
  const run = sourceRun(t);
  run.api.put(PATHS.service, rawService('web', { labels: { a: 'b' } }));
  await run.start();
  const before = run.get('Service', 'shop', 'web');
  run.api.put(PATHS.service, rawService('web', { labels: { a: 'b' }, managedFields: [{ manager: 'x' }] }));
  await run.until(() => run.batches.length > 1);
  const batch = run.batches[1];
  assert.deepEqual([batch?.upserts.length, batch?.deletes.length, batch?.refreshed?.length], [0, 0, 1]);
  const after = run.get('Service', 'shop', 'web');
  assert.notEqual(after?.metadata.resourceVersion, before?.metadata.resourceVersion);
  assert.equal(after?.metadata.resourceVersion, String(run.api.version));
});

test('the status of an Ingress is refreshed, as nothing is translated from it', async (t) => {
  const run = sourceRun(t);
  const raw = (ip: string) => ({ ...rawService('web'), kind: 'Ingress', spec: { rules: [] }, status: { loadBalancer: { ingress: [{ ip }] } } });
  run.api.put(PATHS.ingress, raw('192.0.2.1'));
  await run.start();
  run.api.put(PATHS.ingress, raw('192.0.2.2'));
  await run.until(() => run.batches.length > 1);
  assert.deepEqual([run.batches[1]?.upserts.length, run.batches[1]?.refreshed?.length], [0, 1]);
  const after = run.get('Ingress', 'shop', 'web');
  assert.deepEqual(after?.kind === 'Ingress' && after.statusLoadBalancer.map(({ ip }) => ip), ['192.0.2.2']);
});

test('a change of a label value is a change, though maps hold it', async (t) => {
  const run = sourceRun(t);
  run.api.put(PATHS.service, rawService('web', { labels: { a: 'b' } }));
  await run.start();
  run.api.put(PATHS.service, rawService('web', { labels: { a: 'c' } }));
  await run.until(() => run.batches.length > 1);
  assert.equal(run.batches[1]?.upserts.length, 1);
});

test('an object that changes and then only gets a new version in one turn is a change', async (t) => {
  const run = sourceRun(t);
  run.api.put(PATHS.service, rawService('web', { labels: { a: 'b' } }));
  await run.start();
  run.api.put(PATHS.service, rawService('web', { labels: { a: 'c' } }));
  run.api.put(PATHS.service, rawService('web', { labels: { a: 'c' } }));
  await run.until(() => run.batches.length > 1);
  assert.deepEqual([run.batches[1]?.upserts.length, run.batches[1]?.refreshed?.length], [1, 0]);
  assert.equal(run.get('Service', 'shop', 'web')?.metadata.resourceVersion, String(run.api.version));
});

test('an object that can no longer be decoded keeps its last good form and is a problem until it is mended', async (t) => {
  const run = sourceRun(t);
  run.api.put(PATHS.service, rawService('web'));
  await run.start();
  run.api.put(PATHS.service, { ...rawService('web'), spec: 'broken' });
  await run.until(() => run.problems().length > 0);
  assert.deepEqual(run.problems().map(({ object, severity }) => [object?.name, severity]), [['web', 'error']]);
  assert.notEqual(run.get('Service', 'shop', 'web'), undefined);
  run.api.put(PATHS.service, rawService('web'));
  await run.until(() => run.problems().length === 0);
});

test('a broken object that is deleted is gone with its problem and its last good form', async (t) => {
  const run = sourceRun(t);
  run.api.put(PATHS.service, rawService('web'));
  await run.start();
  run.api.put(PATHS.service, { ...rawService('web'), spec: 'broken' });
  await run.until(() => run.problems().length > 0);
  run.api.delete(PATHS.service, rawService('web'));
  await run.until(() => run.problems().length === 0);
  assert.equal(run.held.size, 0);
});

test('a cut watch goes on from where it was, without a list', async (t) => {
  const run = sourceRun(t);
  await run.start();
  const lists = run.api.requests.filter((request) => request.startsWith('GET')).length;
  await run.until(() => run.api.openWatches === 13);
  run.api.cutWatches(away);
  run.api.put(PATHS.service, rawService('web'));
  await run.until(() => run.sleeps.length === 13);
  run.wake();
  await run.until(() => run.held.size === 1);
  assert.equal(run.api.requests.filter((request) => request.startsWith('GET')).length, lists);
});

test('a bookmark moves on where a cut watch resumes', async (t) => {
  const run = sourceRun(t);
  await run.start();
  await run.until(() => run.api.openWatches === 13);
  run.api.put(PATHS.ingress.replace('ingresses', 'ingressclasses'), { metadata: { name: 'c' }, spec: { controller: 'x/y' } });
  run.api.bookmark();
  run.api.compact();
  const lists = run.api.requests.filter((request) => request.startsWith('GET')).length;
  run.api.cutWatches();
  await run.until(() => run.source.health().collections.every(({ watchRestarts }) => watchRestarts === 1));
  assert.equal(run.api.requests.filter((request) => request.startsWith('GET')).length, lists);
});

test('after a compaction a new list finds what is gone, what is new and what changed', async (t) => {
  const run = sourceRun(t);
  run.api.put(PATHS.service, rawService('stays'));
  run.api.put(PATHS.service, rawService('goes'));
  run.api.put(PATHS.service, rawService('changes'));
  await run.start();
  await run.until(() => run.api.openWatches === 13);
  const kept = run.get('Service', 'shop', 'stays');
  run.api.refuse = () => away;
  run.api.cutWatches(away);
  run.api.delete(PATHS.service, rawService('goes'));
  run.api.put(PATHS.service, rawService('comes'));
  run.api.put(PATHS.service, rawService('changes', { labels: { a: 'b' } }));
  run.api.compact();
  await run.until(() => run.sleeps.length === 13);
  assert.equal(run.batches.length, 1);
  run.api.refuse = () => null;
  run.wake();
  await run.until(() => run.held.has('Service shop/comes') && !run.held.has('Service shop/goes'));
  assert.deepEqual([...run.held.keys()].sort(), ['Service shop/changes', 'Service shop/comes', 'Service shop/stays']);
  assert.equal(run.get('Service', 'shop', 'stays'), kept);
  assert.equal(run.get('Service', 'shop', 'changes')?.metadata.labels.get('a'), 'b');
});

test('an ERROR event of a compaction has the kind listed again', async (t) => {
  const run = sourceRun(t);
  await run.start();
  await run.until(() => run.api.openWatches === 13);
  run.api.send({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } });
  await run.until(() => run.source.health().collections.every(({ lists }) => lists === 2));
});

test('an event nobody knows has the kind listed again', async (t) => {
  const run = sourceRun(t);
  await run.start();
  await run.until(() => run.api.openWatches === 13);
  run.api.send({ type: 'ADDED', object: { nothing: true } });
  await run.until(() => run.source.health().collections.every(({ lists }) => lists === 2));
});

test('while the API server is away nothing is deleted and nothing is delivered', async (t) => {
  const run = sourceRun(t);
  run.api.put(PATHS.service, rawService('web'));
  await run.start();
  run.api.refuse = () => away;
  run.api.cutWatches(away);
  for (let round = 0; round < 20; round += 1) {
    await run.until(() => run.sleeps.length === 13);
    run.wake();
    await new Promise(setImmediate);
  }
  assert.deepEqual([run.batches.length, run.held.size], [1, 1]);
  assert.ok(run.source.health().collections.every(({ state }) => state === 'away'));
});

test('start waits for an API server that is away, and stop ends the wait', async (t) => {
  const run = sourceRun(t);
  run.api.refuse = () => away;
  const started = run.start();
  await run.until(() => run.sleeps.length === 14);
  await run.source.stop();
  await started;
  assert.equal(run.batches.length, 0);
});

test('stop is idempotent, and a source that was stopped delivers nothing', async (t) => {
  const run = sourceRun(t);
  await run.source.stop();
  await run.source.stop();
  await run.start();
  assert.deepEqual([run.batches.length, run.api.requests.length], [0, 0]);
});

test('a kind the API server does not know counts as empty, with a problem that says what to apply', async (t) => {
  let nowMs = 0;
  const run = sourceRun(t, { clock: { now: () => nowMs } });
  run.api.refuse = ({ path }) => (path === PATHS.pool ? new KubeError('notFound', '404', { status: 404 }) : null);
  const started = run.start();
  await run.until(() => run.sleeps.includes(500));
  nowMs += 500;
  run.wake();
  await started;
  const [problem] = run.problems();
  assert.equal(problem?.severity, 'warning');
  assert.match(problem?.rule ?? '', /ipaddresspools\.gatehouse\.dev.*crds/);
  run.api.put(PATHS.pool, rawPool('first'));
  run.api.refuse = () => null;
  await run.until(() => run.sleeps.includes(10_000));
  run.wake();
  await run.until(() => run.held.has('IPAddressPool gatehouse/first') && run.problems().length === 0);
});

test('a kind that is taken out of the API server takes its objects along after some time', async (t) => {
  let nowMs = 0;
  const run = sourceRun(t, { clock: { now: () => nowMs } });
  run.api.put(PATHS.pool, rawPool('first'));
  await run.start();
  await run.until(() => run.api.openWatches === 13);
  run.api.refuse = ({ path }) => (path === PATHS.pool ? new KubeError('notFound', '404', { status: 404 }) : null);
  run.api.cutWatches();
  while (run.held.size > 0) {
    await run.until(() => run.sleeps.length > 0);
    assert.ok(nowMs <= 10_000);
    nowMs += 500;
    run.wake();
    await new Promise(setImmediate);
    await new Promise(setImmediate);
  }
  assert.ok(nowMs >= 5_000);
});

test('a kind that RBAC refuses is a problem that names the rule, and what was known stays', async (t) => {
  const run = sourceRun(t);
  run.api.put(PATHS.service, rawService('web'));
  await run.start();
  await run.until(() => run.api.openWatches === 13);
  run.api.refuse = ({ path }) => (path === PATHS.service ? new KubeError('forbidden', 'services is forbidden', { status: 403 }) : null);
  run.api.cutWatches();
  for (let round = 0; run.problems().length === 0; round += 1) {
    assert.ok(round < 20);
    await run.until(() => run.sleeps.length > 0 || run.problems().length > 0);
    run.wake();
  }
  assert.match(run.problems()[0]?.rule ?? '', /watch services.*apiGroups: \[""\], resources: \["services"\], verbs: \["list", "watch"\].*is forbidden/);
  assert.equal(run.held.size, 1);
  run.api.refuse = () => null;
  await run.until(() => run.sleeps.length > 0);
  run.wake();
  await run.until(() => run.problems().length === 0);
});

test('with namespaces given, kinds are read there, ours also in our own, cluster-scoped ones as ever', async (t) => {
  const run = sourceRun(t, { namespaces: ['shop', 'blog'], kinds: ['Service', 'IPAddressPool', 'Node'] });
  run.api.put(PATHS.service, rawService('web', {}, 'shop'));
  run.api.put(PATHS.service, rawService('web', {}, 'blog'));
  run.api.put(PATHS.service, rawService('web', {}, 'other'));
  run.api.put(PATHS.pool, rawPool('ours'));
  run.api.put(PATHS.pool, rawPool('theirs', '192.0.2.0/24', 'other'));
  await run.start();
  assert.deepEqual([...run.held.keys()].sort(), ['IPAddressPool gatehouse/ours', 'Service blog/web', 'Service shop/web']);
  assert.deepEqual(run.source.health().collections.map(({ kind, namespace }) => `${kind} ${namespace}`), [
    'Service shop', 'Service blog', 'IPAddressPool shop', 'IPAddressPool blog', 'IPAddressPool gatehouse', 'Node ',
  ]);
});

/** MetalLB's pools, and for each also a second pool: one foreign object can be several of ours. */
const METALLB_POOLS: ClusterKind = {
  ...ownClusterKind('IPAddressPool'),
  label: 'IPAddressPool.metallb.io',
  resource: { ...RESOURCES.IPAddressPool, group: 'metallb.io', version: 'v1beta1' },
  decode: (value) => {
    const decoded = decodeObject(value, null);
    const { object, ref } = decoded;
    if (object === null || ref === null) return [decoded];
    const name = `${ref.name}-twin`;
    const twin = { ...object, metadata: { ...object.metadata, name } };
    return [decoded, { object: twin, ref: { ...ref, name }, problems: [] }];
  },
};

test('one foreign object can be several of ours, which come and go with it', async (t) => {
  const run = sourceRun(t, { kinds: ['IPAddressPool'], foreignKinds: [METALLB_POOLS] });
  run.api.put(PATHS.metallbPool, rawPool('a'));
  await run.start();
  assert.deepEqual([...run.held.keys()], ['IPAddressPool gatehouse/a', 'IPAddressPool gatehouse/a-twin']);
  run.api.delete(PATHS.metallbPool, rawPool('a'));
  await run.until(() => run.held.size === 0);
});

test('an object defined twice is that of the earlier kind, is reported, and falls to the other when that goes', async (t) => {
  const run = sourceRun(t, { kinds: ['IPAddressPool'], foreignKinds: [METALLB_POOLS] });
  run.api.put(PATHS.metallbPool, rawPool('a', '198.51.100.0/24'));
  run.api.put(PATHS.pool, rawPool('a', '192.0.2.0/24'));
  await run.start();
  const addresses = (): unknown => {
    const pool = run.get('IPAddressPool', 'gatehouse', 'a');
    return pool?.kind === 'IPAddressPool' ? pool.addresses : null;
  };
  assert.deepEqual(addresses(), ['192.0.2.0/24']);
  assert.match(run.problems()[0]?.rule ?? '', /defined once; IPAddressPool gatehouse\/a defines it already/);
  run.api.delete(PATHS.pool, rawPool('a'));
  await run.until(() => run.problems().length === 0);
  assert.deepEqual(addresses(), ['198.51.100.0/24']);
});

test('a decoder that throws costs its object and no other', async (t) => {
  const broken: ClusterKind = {
    ...ownClusterKind('Service'),
    decode: (value) => {
      const decoded = decodeObject(value, null);
      if (decoded.ref?.name === 'bad') throw new Error('oops');
      return [decoded];
    },
  };
  const run = sourceRun(t, { kinds: [], foreignKinds: [broken] });
  run.api.put(PATHS.service, rawService('bad'));
  run.api.put(PATHS.service, rawService('good'));
  await run.start();
  assert.deepEqual([...run.held.keys()], ['Service shop/good']);
  assert.match(run.problems()[0]?.rule ?? '', /fault of Gatehouse/);
});

test('health counts lists, restarts of watches and objects', async (t) => {
  const run = sourceRun(t, { kinds: ['Service'] });
  run.api.put(PATHS.service, rawService('web'));
  await run.start();
  await run.until(() => run.api.openWatches === 1);
  run.api.bookmark();
  run.api.cutWatches();
  await run.until(() => run.source.health().collections[0]?.watchRestarts === 1);
  const health = run.source.health();
  assert.equal(health.synced, true);
  const { lastEventAtMs, ...rest } = health.collections[0] ?? { lastEventAtMs: null };
  assert.deepEqual(rest, { kind: 'Service', namespace: '', synced: true, state: 'watching', objects: 1, lists: 1, watchRestarts: 1 });
  assert.ok(lastEventAtMs !== null);
});

test('with namespaces named, Services of the publish Service\'s namespace are read as well, and nothing else of it', async (t) => {
  const run = sourceRun(t, { namespaces: ['shop'], serviceNamespaces: ['edge'] });
  await run.start();
  const read = run.source.health().collections.filter(({ namespace }) => namespace === 'edge').map(({ kind }) => kind);
  assert.deepEqual(read, ['Service', 'EndpointSlice']);
});
