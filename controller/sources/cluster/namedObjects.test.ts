import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATHS, rawSecret, sourceRun, type SourceRun } from './testing/sourceRun.ts';
import { KubeError } from '../../cluster/kubeApi.ts';
import type { ObjectRef } from '../../../core/ir/objectRef.ts';

const forbidden = new KubeError('forbidden', 'secrets is forbidden', { status: 403 });
const away = new KubeError('unreachable', 'connect ECONNREFUSED');

function secret(name: string, namespace = 'shop'): ObjectRef {
  return { kind: 'Secret', namespace, name };
}

function valueOf(run: SourceRun, name: string): string | undefined {
  const object = run.get('Secret', 'shop', name);
  return object?.kind === 'Secret' ? object.data.get('key')?.toString() : undefined;
}

test('a wanted Secret is known, and delivered, when want resolves; no Secret is listed', async (t) => {
  const run = sourceRun(t, { kinds: [] });
  run.api.put(PATHS.secret, rawSecret('tls'));
  run.api.put(PATHS.secret, rawSecret('other'));
  await run.source.want([]);
  await startEmpty(run);
  const wanted = run.source.want([secret('tls')]);
  assert.notEqual(wanted, null);
  await wanted;
  assert.deepEqual([...run.held.keys()], ['Secret shop/tls']);
  assert.equal(run.source.want([secret('tls')]), null);
  assert.deepEqual(run.api.requests.filter((request) => request === `GET ${PATHS.secret}`), []);
});

test('what is not there counts as known, and comes by the watch once it is made', async (t) => {
  const run = sourceRun(t, { kinds: [] });
  await startEmpty(run);
  await run.source.want([secret('tls')]);
  assert.equal(run.source.want([secret('tls')]), null);
  await run.until(() => run.api.openWatches === 1);
  run.api.put(PATHS.secret, rawSecret('tls'));
  await run.until(() => run.held.has('Secret shop/tls'));
});

test('changes and deletion of a wanted Secret are followed', async (t) => {
  const run = sourceRun(t, { kinds: [] });
  run.api.put(PATHS.secret, rawSecret('tls', 'one'));
  await startEmpty(run);
  await run.source.want([secret('tls')]);
  await run.until(() => run.api.openWatches === 1);
  run.api.put(PATHS.secret, rawSecret('tls', 'two'));
  await run.until(() => valueOf(run, 'tls') === 'two');
  run.api.delete(PATHS.secret, rawSecret('tls'));
  await run.until(() => run.held.size === 0);
});

test('a Secret deleted between its reading and its watch is found gone', async (t) => {
  const run = sourceRun(t, { kinds: [] });
  run.api.put(PATHS.secret, rawSecret('tls'));
  await startEmpty(run);
  run.api.refuse = (_request, kind) => {
    if (kind === 'watch') run.api.delete(PATHS.secret, rawSecret('tls'));
    return null;
  };
  await run.source.want([secret('tls')]);
  await run.until(() => run.held.size === 0);
});

test('a Secret that is deleted while the API server forgets is found gone', async (t) => {
  const run = sourceRun(t, { kinds: [] });
  run.api.put(PATHS.secret, rawSecret('tls'));
  await startEmpty(run);
  await run.source.want([secret('tls')]);
  await run.until(() => run.api.openWatches === 1);
  run.api.refuse = () => away;
  run.api.cutWatches(away);
  run.api.delete(PATHS.secret, rawSecret('tls'));
  run.api.put(PATHS.secret, rawSecret('other'));
  run.api.compact();
  await run.until(() => run.sleeps.length === 1);
  assert.equal(run.held.size, 1);
  run.api.refuse = () => null;
  run.wake();
  await run.until(() => run.held.size === 0);
});

test('a cut watch of a Secret goes on without another reading', async (t) => {
  const run = sourceRun(t, { kinds: [] });
  run.api.put(PATHS.secret, rawSecret('tls', 'one'));
  await startEmpty(run);
  await run.source.want([secret('tls')]);
  await run.until(() => run.api.openWatches === 1);
  run.api.bookmark();
  const reads = run.api.requests.filter((request) => request.startsWith('GET')).length;
  run.api.cutWatches();
  run.api.put(PATHS.secret, rawSecret('tls', 'two'));
  await run.until(() => valueOf(run, 'tls') === 'two');
  assert.equal(run.api.requests.filter((request) => request.startsWith('GET')).length, reads);
});

test('a Secret nobody wants any more is dropped after a grace, one that is wanted again is kept', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const run = sourceRun(t, { kinds: [] });
  for (const name of ['a', 'b']) run.api.put(PATHS.secret, rawSecret(name));
  await startEmpty(run);
  await run.source.want([secret('a'), secret('b')]);
  assert.equal(run.source.want([]), null);
  t.mock.timers.tick(4_999);
  assert.equal(run.source.want([secret('b')]), null);
  t.mock.timers.tick(1);
  await run.until(() => !run.held.has('Secret shop/a'));
  t.mock.timers.tick(60_000);
  assert.deepEqual([...run.held.keys()], ['Secret shop/b']);
  assert.deepEqual(run.batches.at(-1)?.deletes, [secret('a')]);
  await run.until(() => run.api.openWatches === 1);
});

test('want gives up waiting for a server that does not answer, does not wait again, and delivers later', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const run = sourceRun(t, { kinds: [], named: { patienceMs: 0 } });
  run.api.put(PATHS.secret, rawSecret('tls'));
  await startEmpty(run);
  run.api.refuse = () => away;
  await run.source.want([secret('tls')]);
  assert.deepEqual([run.held.size, run.source.want([secret('tls')])], [0, null]);
  run.api.refuse = () => null;
  await run.until(() => run.sleeps.length === 1);
  run.wake();
  await run.until(() => run.held.size === 1);
});

test('a Secret that RBAC refuses is known at once, and a problem of it', async (t) => {
  const run = sourceRun(t, { kinds: [] });
  await startEmpty(run);
  run.api.refuse = () => forbidden;
  await run.source.want([secret('tls')]);
  await run.until(() => run.problems().length === 1);
  assert.deepEqual(run.problems()[0]?.object, secret('tls'));
  assert.match(run.problems()[0]?.rule ?? '', /get and watch secrets in namespace shop.*is forbidden/);
});

test('beyond the limit of watches objects are asked for, and get a watch when one is free', async (t) => {
  const run = sourceRun(t, { kinds: [], named: { maxWatches: 2, graceMs: 0 } });
  for (const name of ['a', 'b', 'c']) run.api.put(PATHS.secret, rawSecret(name, 'one'));
  await startEmpty(run);
  await run.source.want([secret('a'), secret('b'), secret('c')]);
  assert.deepEqual(run.source.health().named, { watched: 2, polled: 1, unknown: 0 });
  run.api.put(PATHS.secret, rawSecret('c', 'two'));
  await run.until(() => run.sleeps.includes(37_500));
  assert.equal(valueOf(run, 'c'), 'one');
  run.wake();
  await run.until(() => valueOf(run, 'c') === 'two');
  run.api.delete(PATHS.secret, rawSecret('c'));
  await run.until(() => run.sleeps.length > 0);
  run.wake();
  await run.until(() => !run.held.has('Secret shop/c'));
  void run.source.want([secret('b'), secret('c')]);
  await new Promise((resolve) => setTimeout(resolve, 1));
  await run.until(() => run.source.health().named.polled === 0);
  run.api.put(PATHS.secret, rawSecret('c', 'three'));
  await run.until(() => valueOf(run, 'c') === 'three');
});

test('polled Secrets are never watched, however many watches are free; ConfigMaps are', async (t) => {
  const run = sourceRun(t, { kinds: [], secrets: 'polled' });
  run.api.put(PATHS.secret, rawSecret('a', 'one'));
  run.api.put(PATHS.configMap, { metadata: { name: 'tcp', namespace: 'shop' }, data: {} });
  await startEmpty(run);
  await run.source.want([secret('a'), { kind: 'ConfigMap', namespace: 'shop', name: 'tcp' }]);
  assert.deepEqual(run.source.health().named, { watched: 1, polled: 1, unknown: 0 });
  run.api.put(PATHS.secret, rawSecret('a', 'two'));
  await run.until(() => run.sleeps.includes(37_500));
  run.wake();
  await run.until(() => valueOf(run, 'a') === 'two');
  await run.source.want([secret('a')]);
  assert.deepEqual(run.api.requests.filter((request) => request.includes(`${PATHS.secret}?`)), []);
});

test('a polled Secret that RBAC refuses asks for no more than the right to get it', async (t) => {
  const run = sourceRun(t, { kinds: [], secrets: 'polled' });
  await startEmpty(run);
  run.api.refuse = () => forbidden;
  await run.source.want([secret('tls')]);
  await run.until(() => run.problems().length === 1);
  assert.match(run.problems()[0]?.rule ?? '', /must be allowed to get secrets in namespace shop/);
});

test('names that are none are never asked for', async (t) => {
  const run = sourceRun(t, { kinds: [] });
  await startEmpty(run);
  const refs = ['..', 'a/b', '', 'A', '%2e'].map((name) => secret(name));
  assert.equal(run.source.want([...refs, { kind: 'Service', namespace: 'shop', name: 'web' }]), null);
  assert.deepEqual(run.api.requests, []);
});

test('with all Secrets listed only ConfigMaps are asked for by name', async (t) => {
  const run = sourceRun(t, { kinds: [], secrets: 'all' });
  run.api.put(PATHS.secret, rawSecret('tls'));
  run.api.put(PATHS.configMap, { metadata: { name: 'tcp', namespace: 'shop' }, data: { '80': 'a/b:80' } });
  await run.start();
  assert.equal(run.source.want([secret('other')]), null);
  await run.source.want([{ kind: 'ConfigMap', namespace: 'shop', name: 'tcp' }]);
  assert.deepEqual([...run.held.keys()], ['Secret shop/tls', 'ConfigMap shop/tcp']);
});

test('a thousand wanted Secrets are read sixteen at a time', async (t) => {
  const run = sourceRun(t, { kinds: [] });
  await startEmpty(run);
  let running = 0;
  let most = 0;
  run.api.refuse = async (_request, kind) => {
    if (kind === 'watch') return null;
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    running -= 1;
    return null;
  };
  await run.source.want(Array.from({ length: 1_000 }, (_, count) => secret(`s${count}`)));
  assert.equal(most, 16);
  assert.deepEqual(run.source.health().named, { watched: 256, polled: 744, unknown: 0 });
});

test('stop ends a want that waits', async (t) => {
  const run = sourceRun(t, { kinds: [] });
  await startEmpty(run);
  run.api.refuse = () => new Promise(() => {});
  const wanted = run.source.want([secret('tls')]);
  run.api.refuse = () => null;
  void run.source.stop();
  await wanted;
});

/** A source of no kinds has its first batch at once. */
async function startEmpty(run: SourceRun): Promise<void> {
  await run.start();
  assert.equal(run.batches.length, 1);
}
