import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_BGP_REPORT, type BgpReport } from './bgpReport.ts';
import type { BgpSpeaker } from './bgpSpeaker.ts';
import { NO_BGP, type BgpWanted } from './bgpWanted.ts';
import { createLazyBgpSpeaker } from './lazyBgpSpeaker.ts';
import { PEER } from './testing/bgpFacts.ts';

const WANTED: BgpWanted = { ...NO_BGP, peers: new Map([[PEER.name, PEER]]) };
const REPORT: BgpReport = { ...NO_BGP_REPORT, problems: ['loaded'] };

function bench() {
  const calls: string[] = [];
  const failures: unknown[] = [];
  const loading = Promise.withResolvers<BgpSpeaker>();
  const real: BgpSpeaker = {
    start: async () => void calls.push('start'),
    want: ({ peers }) => void calls.push(`want ${peers.size}`),
    setServing: (serving) => void calls.push(`serving ${serving}`),
    setForwarded: ({ size }) => void calls.push(`forwarded ${size}`),
    linksChanged: ({ length }) => void calls.push(`links ${length}`),
    setAlive: ({ size }) => void calls.push(`alive ${size}`),
    report: () => REPORT,
    stop: async (forGood) => void calls.push(`stop ${forGood}`),
    abandon: () => void calls.push('abandon'),
  };
  let loads = 0;
  const lazy = createLazyBgpSpeaker({
    load: () => {
      loads += 1;
      return loading.promise;
    },
    failed: (error) => failures.push(error),
  });
  return { lazy, calls, failures, loads: () => loads, arrive: () => loading.resolve(real), fail: () => loading.reject(new Error('no such file')) };
}

test('nothing is loaded while there is no peer', async () => {
  const { lazy, loads } = bench();
  await lazy.start();
  lazy.want(NO_BGP);
  lazy.setServing(true);
  assert.deepEqual([loads(), lazy.report()], [0, NO_BGP_REPORT]);
  await lazy.stop(true);
});

test('with the first peer it is loaded once, and told all that was told before', async () => {
  const { lazy, calls, loads, arrive } = bench();
  await lazy.start();
  lazy.setServing(true);
  lazy.setForwarded(new Set(['192.0.2.1']));
  lazy.want(WANTED);
  lazy.want(WANTED);
  lazy.setAlive(new Set(['one', 'two']));
  assert.equal(loads(), 1);
  arrive();
  await lazy.stop(false);
  assert.deepEqual(calls, [], 'it ended before there was one');
  const other = bench();
  other.lazy.want(WANTED);
  other.arrive();
  await new Promise(setImmediate);
  assert.deepEqual(other.calls, ['links 0', 'alive 0', 'serving false', 'forwarded 0', 'want 1']);
  await other.lazy.start();
  other.lazy.setServing(true);
  assert.equal(other.lazy.report(), REPORT);
  await other.lazy.stop(true);
  assert.deepEqual(other.calls.slice(5), ['start', 'serving true', 'stop true']);
});

test('a start before it is loaded is its start, and what cannot be loaded is told', async () => {
  const { lazy, calls, arrive } = bench();
  await lazy.start();
  lazy.want(WANTED);
  arrive();
  await new Promise(setImmediate);
  assert.equal(calls.at(-1), 'start');
  lazy.abandon();
  assert.equal(calls.at(-1), 'abandon');
  const other = bench();
  other.lazy.want(WANTED);
  other.fail();
  await other.lazy.stop(true);
  assert.equal(other.failures.length, 1);
});
