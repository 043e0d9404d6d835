import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { silentLogger } from '../../../../core/log/logger.ts';
import type { BfdEndpoint, BfdReport, BfdSpeakerEvents, BfdState } from '../../bfd/bfdSpeaker.ts';
import type { BfdSettings } from '../../bfd/bfdSettings.ts';
import type { Link } from '../../parts.ts';
import type { WantedPeer } from '../bgpWanted.ts';
import { createBfdCompanion } from './bfdCompanion.ts';
import { wantedPeer } from './testing/speakerFacts.ts';

const SETTINGS: BfdSettings = { receiveIntervalMs: 50, transmitIntervalMs: 50, detectMultiplier: 3, echoIntervalMs: null, echoReceiveIntervalMs: 50, passive: false, hops: { type: 'single' } };
const PEER = wantedPeer('net/router', { bfd: SETTINGS, sourceAddress: '10.0.0.1', remote: { type: 'address', address: '10.0.0.2' } });
const INTERNAL: WantedPeer = { ...PEER, remoteAsn: { type: 'internal' }, bfd: { ...SETTINGS, hops: { type: 'multihop', minimumTtl: 250 } } };
const FAR = `${PEER.name} (several hops)`;
const ETH0: Link = {
  index: 3, name: 'eth0', mac: '02:00:00:00:00:03', up: true, loopback: false, noArp: false, broadcast: true, master: null, kind: '',
  addresses: [{ address: '10.0.0.1', prefixLength: 24, usable: true }],
};

/** One peer, and a BFD that is played by the test: what BGP hears, and which sessions there are. */
function startCompanion(t: TestContext) {
  let sessions: readonly BfdEndpoint[] = [];
  let events: BfdSpeakerEvents = { changed: () => {} };
  let reports: ReadonlyMap<string, BfdReport> = new Map();
  const heard: boolean[] = [];
  const companion = createBfdCompanion({
    logger: silentLogger,
    createBfd: (given) => {
      events = given;
      return { start: () => Promise.resolve(), setSessions: (next) => { sessions = next; }, reports: () => Promise.resolve(reports), stop: () => Promise.resolve() };
    },
    news: (_, isUp) => { heard.push(isUp); },
    changed: () => {},
  });
  t.after(() => companion.stop());
  return {
    companion, heard,
    names: () => sessions.map(({ name }) => name),
    follow: (peer: WantedPeer, links: readonly Link[] = [ETH0]) =>
      { companion.follow([{ peer, lastEnds: () => null, bfd: () => {}, withoutBfd: () => { heard.push(true); } }], links); },
    tell: (state: BfdState, remoteState: BfdState, name = PEER.name, withoutFault = false) => { events.changed({ name, state, remoteState, why: '', withoutFault }); },
    setReports: (next: ReadonlyMap<string, BfdReport>) => { reports = next; },
  };
}

test('a session that was up and goes down is news once, one that never was is none', (t) => {
  const { follow, tell, heard } = startCompanion(t);
  follow(PEER);
  for (const [state, remoteState] of [['Down', 'Down'], ['Init', 'Down'], ['Down', 'Down'], ['Up', 'Up']] as const) tell(state, remoteState);
  assert.deepEqual(heard, [true]);
  tell('Down', 'Down');
  tell('Down', 'Init');
  assert.deepEqual(heard, [true, false]);
});

test('a peer that takes its session down by intent, and is silent afterwards, is not lost', (t) => {
  const { follow, tell, heard } = startCompanion(t);
  follow(PEER);
  tell('Up', 'Up');
  tell('Down', 'AdminDown');
  tell('Down', 'Down');
  assert.deepEqual(heard, [true]);
  tell('Init', 'Down');
  tell('Down', 'Down');
  assert.deepEqual(heard, [true], 'it has not been up since');
  tell('Up', 'Up');
  tell('Down', 'Down');
  assert.deepEqual(heard, [true, true, false], 'and counts again once it has');
});

test('a peer that begins its session anew is not lost', (t) => {
  const { follow, tell, heard } = startCompanion(t);
  follow(PEER);
  tell('Up', 'Up');
  tell('Down', 'Down', PEER.name, true);
  tell('Down', 'Down');
  assert.deepEqual(heard, [true]);
});

test('for a peer that stops BFD while it is lost nobody waits any longer', (t) => {
  const { follow, tell, heard } = startCompanion(t);
  follow(PEER);
  tell('Up', 'Up');
  tell('Down', 'Down');
  tell('Down', 'AdminDown');
  assert.deepEqual(heard, [true, false, true]);
});

test('what this side ends by intent is no news, even if it was just told to be up', (t) => {
  const { follow, tell, heard } = startCompanion(t);
  follow(PEER);
  tell('Up', 'Up');
  follow(PEER, [{ ...ETH0, name: 'eth1' }]);
  tell('Up', 'Up');
  tell('AdminDown', 'Down');
  tell('Down', 'Down');
  assert.deepEqual(heard, [true, true]);
});

test('an address that goes with its link leaves the session, which then tells that the peer is lost', (t) => {
  const { follow, tell, heard, names } = startCompanion(t);
  follow(PEER);
  tell('Up', 'Up');
  follow(PEER, [{ ...ETH0, up: false, addresses: [] }]);
  assert.deepEqual(names(), [PEER.name]);
  tell('Down', 'Down');
  assert.deepEqual(heard, [true, false]);
});

test('of two ways to a peer the one that comes up is kept until it goes down, and only that one is news', (t) => {
  const { follow, tell, heard, names } = startCompanion(t);
  follow(INTERNAL);
  assert.deepEqual(names(), [PEER.name, FAR]);
  tell('Init', 'Down');
  tell('Up', 'Up', FAR);
  assert.deepEqual(names(), [FAR]);
  tell('Down', 'Down');
  tell('Up', 'Up');
  follow(INTERNAL);
  assert.deepEqual([names(), heard], [[FAR], [true]]);
  tell('Down', 'Down', FAR);
  assert.deepEqual([names(), heard], [[PEER.name, FAR], [true, false]]);
});

test('the report is that of the way that is up, else of one where the peer was heard', async (t) => {
  const { companion, follow, tell, setReports } = startCompanion(t);
  const report = (name: string, received: number, state: BfdState = 'Down'): [string, BfdReport] => [name, {
    name, state, sinceMs: 0, remoteState: 'Down', diagnostic: '', remoteDiagnostic: '', transmitIntervalMs: 1, receiveIntervalMs: 1, detectionTimeMs: 1,
    echoIntervalMs: null, sent: 0, received, dropped: 0, downs: 0,
  }];
  follow(INTERNAL);
  setReports(new Map([report(PEER.name, 0), report(FAR, 7)]));
  tell('Down', 'Down', FAR);
  await Promise.resolve();
  const seen = companion.reports().get(PEER.name);
  assert.deepEqual([seen?.name, seen?.received, companion.reports().size], [PEER.name, 7, 1]);
});
