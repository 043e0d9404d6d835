import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_BGP } from '../announcer/bgp/bgpWanted.ts';
import type { AnnouncerWanted } from '../announcer/wanted.ts';
import { startWhenWanted, type AnnouncerControl } from './announcerControl.ts';

const NOTHING: AnnouncerWanted = { ports: new Map(), vips: new Map(), nodes: new Map(), bgp: NO_BGP };
const VIP = { address: '192.0.2.1', candidates: [], interfaces: [], sharing: 'owner', sticky: false, ownership: 'hash', needsProxy: false, services: [] } as const;
const SOMETHING: AnnouncerWanted = { ...NOTHING, vips: new Map([['192.0.2.1', VIP]]) };

function fakeAnnouncer(): { readonly control: AnnouncerControl; readonly calls: string[] } {
  const calls: string[] = [];
  const control: AnnouncerControl = {
    start: () => void calls.push('start'),
    want: (wanted, generation) => void calls.push(`want ${wanted.vips.size} at ${generation}`),
    setProxy: ({ serving }) => void calls.push(`proxy ${serving ? 'serves' : 'does not serve'}`),
    report: () => null,
    bgpReport: () => null,
    stop: async (forGood) => void calls.push(`stop${forGood ? ' for good' : ''}`),
  };
  return { control, calls };
}

test('nothing is started while there is nothing to announce, and nothing is stopped then', async () => {
  const { control, calls } = fakeAnnouncer();
  const announcer = startWhenWanted(control, false);
  announcer.want(NOTHING, 1);
  await announcer.stop(true);
  assert.deepEqual(calls, []);
});

test('the first VIP starts it, what was known of the proxy is told, and the last one does not stop it', async () => {
  const { control, calls } = fakeAnnouncer();
  const announcer = startWhenWanted(control, false);
  announcer.setProxy({ pid: 1, serving: true });
  announcer.want(SOMETHING, 2);
  announcer.want({ ...NOTHING }, 3);
  await announcer.stop(false);
  assert.deepEqual(calls, ['proxy serves', 'start', 'want 1 at 2', 'want 0 at 3', 'stop']);
});

test('the same wanted state is told once, however often it is seen', () => {
  const { control, calls } = fakeAnnouncer();
  const announcer = startWhenWanted(control, false);
  for (let round = 0; round < 3; round += 1) announcer.want(SOMETHING, 2);
  assert.deepEqual(calls, ['start', 'want 1 at 2']);
});

test('where it is to run always, the first word starts it, so that what an earlier run has left goes', () => {
  const { control, calls } = fakeAnnouncer();
  startWhenWanted(control, true).want(NOTHING, 1);
  assert.deepEqual(calls, ['start', 'want 0 at 1']);
});
