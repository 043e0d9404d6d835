import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { L4Key } from '../../../../core/ir/l4.ts';
import { forwardedPort } from '../../testing/announcerFacts.ts';
import { NO_BGP_REPORT, type BgpReport } from '../bgpReport.ts';
import { createBgpDriver, type BgpDriver } from './bgpDriver.ts';
import { bgpWanted, wantedPeer, wantedRoute } from './testing/speakerFacts.ts';

interface TestDriver {
  readonly driver: BgpDriver;
  readonly done: string[];
  readonly reports: BgpReport[];
  readonly state: { problems: readonly string[]; failure: Error | null };
  readonly failures: unknown[];
}

/** A driver of a speaker that only remembers, under timers of the test. */
function createDriver(t: TestContext): TestDriver {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const [done, reports, failures]: [string[], BgpReport[], unknown[]] = [[], [], []];
  const state: TestDriver['state'] = { problems: [], failure: null };
  const driver = createBgpDriver({
    speaker: {
      start: async () => {
        done.push('start');
        if (state.failure !== null) throw state.failure;
      },
      want: () => {}, setServing: () => {}, linksChanged: () => {}, setAlive: () => {},
      setForwarded: (addresses) => void done.push(`forwarded ${[...addresses].join(' ')}`),
      report: () => ({ ...NO_BGP_REPORT, problems: state.problems }),
      stop: async (forGood) => void done.push(`stop ${forGood}`),
      abandon: () => void done.push('abandon'),
    },
    report: (report) => { reports.push(report); },
    failed: (error) => { failures.push(error); },
  });
  t.after(() => driver.abandon());
  return { driver, done, reports, state, failures };
}

const PORT = forwardedPort('192.0.2.1', { address: '10.0.0.1', port: 80 });
const PORTS = new Map<L4Key, typeof PORT>([[PORT.key, PORT]]);
const PROXIED = wantedRoute('192.0.2.1', ['default/tor'], { needsProxy: true });

test('it speaks once the kernel was told, and what could not be programmed is not said to be forwarded', (t) => {
  const { driver, done } = createDriver(t);
  driver.start();
  driver.kernelApplied(PORTS, { programmed: true, ports: 1, problems: [] });
  driver.kernelApplied(new Map(), { programmed: false, ports: 1, problems: ['nft'] });
  driver.kernelApplied(new Map(), { programmed: true, ports: 0, problems: [] });
  t.mock.timers.tick(60_000);
  assert.deepEqual(done, ['forwarded 192.0.2.1', 'start', 'forwarded ']);
});

test('a kernel that could not be told at first may be told a moment later: what it forwards from before is not given up at once', (t) => {
  const { driver, done } = createDriver(t);
  driver.start();
  driver.kernelApplied(PORTS, { programmed: false, ports: 0, problems: ['nft'] });
  t.mock.timers.tick(1_000);
  assert.deepEqual(done, []);
  driver.kernelApplied(PORTS, { programmed: true, ports: 1, problems: [] });
  assert.deepEqual(done, ['forwarded 192.0.2.1', 'start']);
});

test('nobody waits for the proxy on account of routes that nothing is ready behind', (t) => {
  const { driver, done } = createDriver(t);
  const peer = wantedPeer('default/tor', { gracefulRestart: { restartTimeMs: 120_000, longLivedStaleTimeMs: null } });
  const idle = (['none', 'elsewhere'] as const).map((endpoints, index) => wantedRoute(`192.0.2.${index}`, [], { needsProxy: true, endpoints }));
  driver.start();
  driver.want(bgpWanted([peer], idle));
  driver.kernelApplied(PORTS, { programmed: true, ports: 1, problems: [] });
  assert.deepEqual(done, ['forwarded 192.0.2.1', 'start']);
});

test('peers that keep routes are not told that this is all before the proxy serves, or for a while', (t) => {
  const restarted = (): TestDriver => {
    const made = createDriver(t);
    made.driver.start();
    made.driver.want(bgpWanted([wantedPeer('default/tor', { gracefulRestart: { restartTimeMs: 120_000, longLivedStaleTimeMs: null } })], [PROXIED]));
    made.driver.kernelApplied(PORTS, { programmed: true, ports: 1, problems: [] });
    return made;
  };
  const soon = restarted();
  assert.deepEqual(soon.done, ['forwarded 192.0.2.1']);
  soon.driver.setServing(true);
  assert.deepEqual(soon.done, ['forwarded 192.0.2.1', 'start']);
  t.mock.timers.reset();
  const never = restarted();
  t.mock.timers.tick(5_000);
  assert.deepEqual(never.done, ['forwarded 192.0.2.1', 'start']);
});

test('the proxy is waited for only where a peer keeps routes, and a route needs it', (t) => {
  const keeps = { restartTimeMs: 120_000, longLivedStaleTimeMs: null };
  for (const wanted of [
    bgpWanted([wantedPeer('default/tor')], [PROXIED]),
    bgpWanted([wantedPeer('default/tor', { gracefulRestart: keeps })], [wantedRoute('192.0.2.1', ['default/tor'])]),
  ]) {
    const { driver, done } = createDriver(t);
    driver.start();
    driver.want(wanted);
    driver.kernelApplied(PORTS, { programmed: true, ports: 1, problems: [] });
    assert.deepEqual(done, ['forwarded 192.0.2.1', 'start']);
    t.mock.timers.reset();
  }
});

test('a kernel that does not answer holds it up for a while only', (t) => {
  const { driver, done } = createDriver(t);
  driver.start();
  t.mock.timers.tick(4_999);
  assert.deepEqual(done, []);
  t.mock.timers.tick(1);
  assert.deepEqual(done, ['start']);
});

test('reports are told when they are another, twice a second at most, and counters now and then', (t) => {
  const { driver, reports, state } = createDriver(t);
  driver.start();
  for (let count = 0; count < 100; count += 1) {
    state.problems = [`problem ${count}`];
    driver.changed();
    t.mock.timers.tick(10);
  }
  assert.deepEqual(reports.map(({ problems }) => problems), [['problem 49'], ['problem 99']]);
  driver.changed();
  t.mock.timers.tick(1_000);
  assert.equal(reports.length, 2);
  state.problems = ['in silence'];
  t.mock.timers.tick(5_000);
  t.mock.timers.tick(500);
  assert.deepEqual(reports.at(-1)?.problems, ['in silence']);
});

test('a stop is reported to its end, and after it nothing is said', async (t) => {
  const { driver, done, reports, state } = createDriver(t);
  driver.start();
  state.problems = ['draining'];
  const stopping = driver.stop(true);
  driver.changed();
  t.mock.timers.tick(500);
  assert.deepEqual(reports.at(-1)?.problems, ['draining']);
  state.problems = ['over'];
  await stopping;
  driver.changed();
  driver.kernelApplied(PORTS, { programmed: true, ports: 1, problems: [] });
  t.mock.timers.tick(60_000);
  assert.deepEqual(reports.at(-1)?.problems, ['over']);
  assert.deepEqual(done, ['stop true']);
});

test('a speaker that cannot start is a failure', async (t) => {
  const { driver, state, failures } = createDriver(t);
  state.failure = new Error('no');
  driver.start();
  t.mock.timers.tick(5_000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(failures, [state.failure]);
});
