import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { request, startFreshConnections, type Outcome } from './fixture/freshConnections.ts';
import { readDescriptors } from './fixture/processFacts.ts';
import { hostsDelta, startProxy, type RunningProxy } from './fixture/runningProxy.ts';

const LANES = 8;

/** Runs `disturb` under a loop of fresh connections; answers what became of them. */
async function countOutcomes(running: RunningProxy, disturb: () => Promise<void>): Promise<Record<Outcome, number>> {
  const load = startFreshConnections(running.port, LANES);
  try {
    await disturb();
  } finally {
    await load.stop();
  }
  return load.stop();
}

function report(t: TestContext, counts: Record<Outcome, number>): void {
  t.diagnostic(`answered ${counts.answered}, refused ${counts.refused}, reset ${counts.reset}, silent ${counts.silent}`);
}

/** Resolves once each of two workers has answered: whatever was down is back. */
async function waitForBothWorkers(port: number): Promise<void> {
  const seen = new Set<string>();
  while (seen.size < 2) {
    const { outcome, body } = await request(port);
    if (outcome === 'answered') seen.add(JSON.parse(body).worker);
  }
}

test('a proxy killed with -9 three times under fresh connections refuses none', async (t) => {
  const running = await startProxy(t);
  const counts = await countOutcomes(running, async () => {
    for (let kills = 0; kills < 3; kills += 1) {
      for (let count = 0; count < 50; count += 1) await request(running.port);
      const serving = once(running.told, 'serving');
      process.kill(running.proxy.pid ?? 0, 'SIGKILL');
      await serving;
    }
  });
  report(t, counts);
  assert.equal(counts.refused, 0);
  assert.equal(counts.silent, 0);
  assert.ok(counts.answered > 0);
  // What the dead process had accepted is lost: at most one connection per lane and kill.
  assert.ok(counts.reset <= 3 * LANES, `${counts.reset} resets`);
});

for (const [path, fate] of [['/throw', 'throws'], ['/reject', 'leaves a rejection unhandled'], ['/grow', 'runs out of heap']] as const) {
  test(`a worker that ${fate} is replaced alone, and no connection is refused`, async (t) => {
    const running = await startProxy(t);
    const pid = running.proxy.pid;
    const counts = await countOutcomes(running, async () => {
      for (let deaths = 0; deaths < 3; deaths += 1) assert.equal((await request(running.port, path)).outcome, 'reset');
      await waitForBothWorkers(running.port);
    });
    report(t, counts);
    assert.equal(counts.refused, 0);
    assert.equal(counts.silent, 0);
    assert.ok(counts.answered > 0);
    assert.equal(running.proxy.pid, pid, 'the process lives on');
  });
}

test('a worker that never returns from a request is ended and replaced', async (t) => {
  const running = await startProxy(t);
  assert.equal((await request(running.port, '/hang')).outcome, 'reset');
  await waitForBothWorkers(running.port);
  assert.deepEqual(running.exits, []);
});

test('a worker stuck in native code, which nothing can end, costs the process; the next one serves', async (t) => {
  const { port, told, exits } = await startProxy(t);
  const serving = once(told, 'serving');
  assert.equal((await request(port, '/sleep')).outcome, 'reset');
  await serving;
  assert.equal((await request(port)).outcome, 'answered');
  assert.deepEqual(exits.map(({ code }) => code), [70]);
});

test('an abort in native code ends the process; a new one serves what waited', async (t) => {
  const running = await startProxy(t);
  const counts = await countOutcomes(running, async () => {
    const serving = once(running.told, 'serving');
    assert.equal((await request(running.port, '/abort')).outcome, 'reset');
    await serving;
  });
  report(t, counts);
  assert.equal(counts.refused, 0);
  assert.equal(running.exits[0]?.signal, 'SIGABRT');
});

test('twenty dead workers leave no descriptor behind in the proxy', async (t) => {
  const { proxy, port } = await startProxy(t);
  const pid = proxy.pid ?? 0;
  const dieTenTimes = async (): Promise<void> => {
    for (let deaths = 0; deaths < 10; deaths += 1) await request(port, '/throw');
    await waitForBothWorkers(port);
    // A collect is answered by both workers, after whatever adopted sockets had to be released.
    await proxy.collect(false);
  };
  await dieTenTimes();
  const before = readDescriptors(pid).size;
  await dieTenTimes();
  await dieTenTimes();
  assert.equal(readDescriptors(pid).size, before);
});

test('with one worker left the other one\'s connections are answered while it is away', async (t) => {
  const { port } = await startProxy(t);
  await request(port, '/throw');
  const answers = await Promise.all(Array.from({ length: 40 }, () => request(port)));
  assert.deepEqual(answers.filter(({ outcome }) => outcome !== 'answered'), []);
});

test('a delta that ends every worker that tries it costs neither the service nor what comes after it', async (t) => {
  const { port, told, proxy, exits } = await startProxy(t);
  const load = startFreshConnections(port, LANES);
  proxy.apply(hostsDelta(2, ['poison.test']));
  await waitForBothWorkers(port);
  for (let count = 0; count < 50; count += 1) await request(port);
  const applied = once(told, 'applied');
  proxy.apply(hostsDelta(3, ['cured.test'], ['poison.test']));
  // Only when what poisons is taken back does the sum of both reach the workers.
  assert.deepEqual(await applied, [3]);
  const counts = await load.stop();
  report(t, counts);
  assert.equal(counts.refused + counts.silent, 0);
  assert.deepEqual(exits, []);
});
