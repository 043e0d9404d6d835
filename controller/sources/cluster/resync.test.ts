import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KubeError } from '../../cluster/kubeApi.ts';
import { PATHS, rawService, sourceRun } from './testing/sourceRun.ts';

/** Watches of Services are accepted and never tell anything. */
const neverOpens = new Promise<void>(() => {});

test('a new list shows what a dead watch has not told, before it resolves', async (t) => {
  const run = sourceRun(t);
  run.api.put(PATHS.service, rawService('gone'));
  run.api.refuse = ({ path }, kind) => (kind === 'watch' && path === PATHS.service ? neverOpens : null);
  await run.start();
  run.api.put(PATHS.service, rawService('new'));
  run.api.delete(PATHS.service, rawService('gone'));
  await run.source.resync(['Service']);
  assert.deepEqual([...run.held.keys()], ['Service shop/new']);
});

test('after a new list the watch goes on from there', async (t) => {
  const run = sourceRun(t);
  await run.start();
  await run.source.resync(['Service']);
  run.api.put(PATHS.service, rawService('later'));
  await run.until(() => run.held.size === 1);
  assert.equal(run.source.health().collections.filter(({ synced }) => synced).length, run.source.health().collections.length);
});

test('a new list that nothing differs in delivers nothing', async (t) => {
  const run = sourceRun(t);
  run.api.put(PATHS.service, rawService('web'));
  await run.start();
  await run.source.resync(['Service']);
  assert.equal(run.batches.length, 1);
});

test('two who want a new list at once both get one that began after they asked', async (t) => {
  const run = sourceRun(t);
  await run.start();
  const before = run.api.requests.filter((request) => request.startsWith(`GET ${PATHS.service}?`)).length;
  await Promise.all([run.source.resync(['Service']), run.source.resync(['Service'])]);
  assert.equal(run.api.requests.filter((request) => request.startsWith(`GET ${PATHS.service}?`)).length, before + 2);
});

test('nobody waits for a new list of a source that stops', async (t) => {
  const run = sourceRun(t);
  await run.start();
  run.api.refuse = ({ path }, kind) => (kind === 'request' && path === PATHS.service ? neverOpens : null);
  const resync = run.source.resync(['Service']);
  await run.source.stop();
  await resync;
});

test('a kind that the API server does not know, or does not show, keeps nobody waiting', async (t) => {
  for (const [code, status] of [['notFound', 404], ['forbidden', 403]] as const) {
    let nowMs = 0;
    const run = sourceRun(t, { clock: { now: () => nowMs } });
    await run.start();
    run.api.refuse = ({ path }) => (path === PATHS.pool ? new KubeError(code, 'no', { status }) : null);
    const resync = run.source.resync(['Service', 'IPAddressPool']);
    let isDone = false;
    const done = resync.then(() => {
      isDone = true;
    });
    await run.until(() => {
      nowMs += 1_000;
      run.wake();
      return isDone;
    });
    await done;
  }
});
