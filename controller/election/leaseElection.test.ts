import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { silentLogger } from '../../core/log/logger.ts';
import { systemClock } from '../../core/time/clock.ts';
import { createManualClock } from '../../core/time/manualClock.ts';
import { newIdentity } from './identity.ts';
import { createLeaseElection, type LeaseElection, type LeaseElectionOptions } from './leaseElection.ts';
import { leaseApi, SHORT_TIMINGS } from './testing/leaseApi.ts';
import { startLeaseServer, type LeaseServer } from './testing/leaseServer.ts';

const LEASE = { namespace: 'gatehouse', name: 'gatehouse' };

async function openServer(t: TestContext, port = 0): Promise<LeaseServer> {
  const server = await startLeaseServer(port);
  t.after(() => server.close());
  return server;
}

function join(t: TestContext, server: Pick<LeaseServer, 'url'>, more: Partial<LeaseElectionOptions> = {}): LeaseElection {
  const api = leaseApi(server.url);
  const election = createLeaseElection({
    ...LEASE,
    api,
    identity: newIdentity('node'),
    clock: systemClock,
    wallClock: { now: Date.now },
    random: Math.random,
    logger: silentLogger,
    timings: SHORT_TIMINGS,
    ...more,
  });
  t.after(async () => {
    await election.stop();
    api.close();
  });
  return election;
}

/** Resolves once it is so; asked after each change. */
function until(election: LeaseElection, isSo: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const end = election.onChange(() => {
      if (!isSo()) return;
      end();
      resolve();
    });
    if (!isSo()) return;
    end();
    resolve();
  });
}

async function leads(election: LeaseElection): Promise<void> {
  await until(election, () => election.isLeader());
}

async function leadsNoMore(election: LeaseElection): Promise<void> {
  await until(election, () => !election.isLeader());
}

test('one of two leads, both know who, and a release hands the Lease over', async (t) => {
  const server = await openServer(t);
  const first = join(t, server, { identity: 'first_1' });
  await first.start();
  await leads(first);
  const second = join(t, server, { identity: 'second_1' });
  await second.start();
  await until(second, () => second.holder() === 'first_1');
  assert.deepEqual([first.isLeader(), second.isLeader(), first.holder()], [true, false, 'first_1']);

  const taken = leads(second);
  await first.stop();
  assert.equal(first.isLeader(), false);
  assert.deepEqual(server.writes.findLast(({ spec }) => spec['holderIdentity'] === '')?.spec['leaseDurationSeconds'], 1);
  await taken;
  assert.equal(second.holder(), 'second_1');
  assert.equal(server.lease?.spec['leaseTransitions'], 1);
  assert.deepEqual([first.counts().losses.stopped, second.counts().acquisitions], [1, 1]);
});

test('a Lease is written as client-go writes it, and keeps what we do not know of', async (t) => {
  const server = await openServer(t);
  const extra = { labels: { app: 'x' }, annotations: { a: 'b' }, managedFields: [{ manager: 'kubectl' }] };
  server.lease = { metadata: { ...extra, name: 'gatehouse', namespace: 'gatehouse', uid: 'u', resourceVersion: '77' }, spec: { strategy: 's' } };
  const election = join(t, server, { identity: 'first_1' });
  await election.start();
  await leads(election);
  const [written] = server.writes;
  const { acquireTime, renewTime, ...spec } = written?.spec ?? {};
  assert.deepEqual(spec, { strategy: 's', holderIdentity: 'first_1', leaseDurationSeconds: 1, leaseTransitions: 1 });
  for (const time of [acquireTime, renewTime]) assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  const { uid, resourceVersion, ...metadata } = written?.metadata ?? {};
  assert.deepEqual([uid, resourceVersion], ['u', '1']);
  assert.deepEqual(metadata, { labels: { app: 'x' }, annotations: { a: 'b' }, name: 'gatehouse', namespace: 'gatehouse' });
});

test('a leader that dies without a word is followed after its lease', async (t) => {
  const server = await openServer(t);
  const script = fileURLToPath(new URL('testing/candidateProcess.ts', import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, server.url.href], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  assert.deepEqual(await once(lines, 'line'), ['leader']);
  const second = join(t, server);
  await second.start();
  await until(second, () => second.holder() === 'child_1');
  child.kill('SIGKILL');
  await leads(second);
  assert.equal(server.lease?.spec['leaseTransitions'], 1);
});

test('a process paused past its lease says no at its very first question, before it has heard of anything', async (t) => {
  const server = await openServer(t);
  const script = fileURLToPath(new URL('testing/candidateProcess.ts', import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, server.url.href], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  const said: string[] = [];
  lines.on('line', (line) => said.push(line));
  await once(lines, 'line');
  const second = join(t, server);
  await second.start();
  await until(second, () => second.holder() === 'child_1');
  // It is stopped in the midst of work, with timers and answers waiting; that work ends with the question.
  child.stdin.write('busy 100\n');
  child.kill('SIGSTOP');
  await leads(second);
  const writes = server.writes.length;
  child.kill('SIGCONT');
  while (!said.some((line) => line.startsWith('after'))) await once(lines, 'line');
  const answers = said.slice(1);
  assert.equal(answers.includes('leader') || answers.includes('after: leader'), false, said.join(', '));
  assert.equal(second.isLeader(), true);
  assert.equal(server.writes.slice(writes).every(({ spec }) => spec['holderIdentity'] !== 'child_1'), true);
});

test('while the API server is away the leader ends by its own clock, and comes back with it', async (t) => {
  const server = await openServer(t);
  const election = join(t, server, { identity: 'first_1' });
  await election.start();
  await leads(election);
  const { lease } = server;
  await server.close();
  await leadsNoMore(election);
  assert.equal(election.counts().losses.lapsed, 1);
  assert.ok(election.counts().failures > 0);
  assert.equal(election.holder(), 'first_1', 'as last seen');
  const back = await openServer(t, Number(server.url.port));
  back.lease = lease;
  await leads(election);
  assert.equal(election.counts().acquisitions, 2);
});

test('an API server that answers nothing, or errors, takes the right to lead away after the deadline, and gives it back', async (t) => {
  for (const mode of ['silent', 'errors'] as const) {
    const server = await openServer(t);
    const election = join(t, server);
    await election.start();
    await leads(election);
    server.mode = mode;
    await leadsNoMore(election);
    server.mode = 'healthy';
    await leads(election);
    await election.stop();
  }
});

test('a storm of conflicts shorter than the deadline changes nothing, a longer one ends the term', async (t) => {
  const server = await openServer(t);
  const election = join(t, server);
  await election.start();
  await leads(election);
  server.mode = 'conflicts';
  await server.next('PUT');
  await server.next('PUT');
  await server.next('PUT');
  server.mode = 'healthy';
  const { length } = server.writes;
  while (server.writes.length === length) await server.next('PUT');
  assert.deepEqual([election.isLeader(), election.counts().acquisitions], [true, 1]);
  server.mode = 'conflicts';
  await leadsNoMore(election);
  server.mode = 'healthy';
  await leads(election);
});

test('a Lease that is deleted ends the term; the next begins after a lease', async (t) => {
  const server = await openServer(t);
  const election = join(t, server);
  await election.start();
  await leads(election);
  server.lease = null;
  await leadsNoMore(election);
  assert.equal(election.counts().losses.erased, 1);
  await leads(election);
  assert.equal(server.writes.filter(({ spec }) => spec['leaseTransitions'] === 0).length > 1, true);
});

test('a Lease full of nonsense is overwritten after a lease', async (t) => {
  const server = await openServer(t);
  server.lease = {
    metadata: { name: 'gatehouse', namespace: 'gatehouse', uid: 'u', resourceVersion: '5' },
    spec: { holderIdentity: 7, leaseDurationSeconds: 'long', renewTime: {}, leaseTransitions: -1, acquireTime: null },
  };
  const election = join(t, server, { identity: 'first_1' });
  await election.start();
  await leads(election);
  assert.deepEqual([server.lease?.spec['holderIdentity'], server.lease?.spec['leaseTransitions']], ['first_1', 1]);
});

test('an answer that is no Lease is a failure like any other', async (t) => {
  const server = await openServer(t);
  server.lease = [] as unknown as typeof server.lease;
  const election = join(t, server);
  await election.start();
  await server.next('GET');
  await server.next('GET');
  assert.equal(election.isLeader(), false);
  assert.ok(election.counts().failures > 0);
  server.lease = null;
  await leads(election);
});

test('isLeader asks the clock: it is false, and says so to listeners, though no timer has fired', async (t) => {
  const server = await openServer(t);
  const clock = createManualClock();
  const election = join(t, server, { clock });
  await election.start();
  await leads(election);
  clock.advance(SHORT_TIMINGS.renewDeadlineMs);
  const changed = new Promise<boolean>((resolve) => {
    const end = election.onChange(() => {
      end();
      resolve(election.isLeader());
    });
  });
  assert.equal(election.isLeader(), false);
  assert.equal(election.isLeader(), false);
  assert.equal(await changed, false);
  assert.equal(election.counts().losses.lapsed, 1);
});

test('a listener that throws does not keep others from hearing, and one that has left hears nothing', async (t) => {
  const server = await openServer(t);
  const election = join(t, server);
  let heard = 0;
  election.onChange(() => {
    throw new Error('a fault of the listener');
  });
  election.onChange(() => {
    heard += 1;
  })();
  await election.start();
  await leads(election);
  assert.equal(heard, 0);
});

test('start and stop may be called twice, in any order, with the API server away', async (t) => {
  const server = await openServer(t);
  await server.close();
  const unstarted = join(t, server);
  await unstarted.stop();
  await unstarted.start();
  assert.equal(unstarted.isLeader(), false);
  const election = join(t, server);
  await election.start();
  await election.start();
  await Promise.all([election.stop(), election.stop()]);
  assert.equal(election.isLeader(), false);
});

test('times that cannot work together are refused when the election is made', (t) => {
  assert.throws(() => join(t, { url: new URL('http://127.0.0.1:1/') }, { timings: { renewDeadlineMs: 20_000 } }), RangeError);
});
