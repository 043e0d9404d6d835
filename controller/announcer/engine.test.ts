import { test } from 'node:test';
import assert from 'node:assert/strict';
import { NO_BGP } from './bgp/bgpWanted.ts';
import { AnnouncerEngine, LEAVING_MS } from './engine.ts';
import type { EngineEffect, EngineEvent } from './engine/engineEvents.ts';
import { RETURN_MS, SETTLE_MS } from './engine/settling.ts';
import { ONE_INTERFACE } from './engine/testing/simulatedLan.ts';
import { mapOfVips, members, SERVING, vipOf } from './ownership/testing/given.ts';
import type { L2Answer, MemberState } from './parts.ts';
import type { VipEvent, AnnouncerReport } from './report.ts';
import type { AnnouncedVip } from './wanted.ts';

const PROGRAMMED = { programmed: true, ports: 0, problems: [] };
const BOTH = ['node-a', 'node-b'];
/** Of two nodes node-a owns the first of these, node-b the second. */
const OURS = '10.1.0.0';
const THEIRS = '10.1.0.4';

/** An engine of node-a, its clock, and what it has said. */
class Bench {
  readonly engine: AnnouncerEngine;
  nowMs = 10_000;
  answers: readonly L2Answer[] = [];
  states: MemberState[] = [];
  events: VipEvent[] = [];
  reports: AnnouncerReport[] = [];
  effects: EngineEffect[] = [];

  constructor(options: { readonly quorum?: boolean; readonly inherited?: AnnouncerReport } = {}) {
    this.engine = new AnnouncerEngine({ settings: { nodeName: 'node-a', quorum: options.quorum ?? false }, inherited: options.inherited ?? null });
  }

  give(event: EngineEvent, afterMs = 0): this {
    this.nowMs += afterMs;
    const effects = this.engine.handle(event, { monotonicMs: this.nowMs, wallMs: 1_000_000 + this.nowMs });
    this.effects.push(...effects);
    for (const effect of effects) {
      if (effect.type === 'answers') this.answers = effect.answers;
      if (effect.type === 'memberState') this.states.push(effect.state);
      if (effect.type === 'event') this.events.push(effect.event);
      if (effect.type === 'report') this.reports.push(effect.report);
    }
    return this;
  }

  want(vips: readonly AnnouncedVip[], generation = 1): this {
    return this.give({
      type: 'wanted', generation, wanted: { ports: new Map(), vips: mapOfVips(vips), nodes: new Map(BOTH.map((node) => [node, []])), bgp: NO_BGP },
    });
  }

  /** Lets time pass as a process that runs sees it. */
  pass(ms: number): this {
    for (let passedMs = 0; passedMs < ms; passedMs += 50) this.give({ type: 'tick' }, Math.min(50, ms - passedMs));
    return this;
  }

  kernel(generation = 1, programmed = true): this {
    return this.give({ type: 'kernel', generation, report: { ...PROGRAMMED, programmed } });
  }

  alive(alive: ReadonlyMap<string, MemberState>, accused = false): this {
    return this.give({ type: 'membership', alive, members: [], accused });
  }

  addresses(): readonly string[] {
    return this.answers.map(({ address, leaving }) => address + (leaving ? ' leaving' : ''));
  }

  types(): readonly string[] {
    return this.effects.map(({ type }) => type);
  }
}

const VIPS = [vipOf(OURS, BOTH), vipOf(THEIRS, BOTH)];

/** Owns OURS beside a living node-b. */
function running(vips: readonly AnnouncedVip[] = VIPS, options: { readonly quorum?: boolean } = {}): Bench {
  const bench = new Bench(options);
  bench.give({ type: 'interfaces', interfaces: ONE_INTERFACE }).give({ type: 'proxy', serving: true }).want(vips).kernel().alive(members(BOTH));
  bench.give({ type: 'settled' }).give({ type: 'tick' }, 2_000);
  bench.effects = [];
  bench.events = [];
  return bench;
}

test('a node takes nothing before it has heard the others and its kernel forwards', () => {
  const bench = new Bench().give({ type: 'interfaces', interfaces: ONE_INTERFACE }).give({ type: 'proxy', serving: true }).want(VIPS);
  assert.deepEqual(bench.types().slice(0, 2), ['ports', 'nodes']);
  assert.deepEqual(bench.states, [{ serving: true, unable: ['*'], held: [] }]);
  bench.give({ type: 'settled' });
  assert.deepEqual(bench.answers, []);
  bench.kernel(1, false);
  assert.deepEqual(bench.answers, [], 'programming has failed');
  bench.kernel();
  assert.deepEqual(bench.addresses(), [OURS, THEIRS], 'nobody else is alive');
  assert.deepEqual(bench.states.at(-1), SERVING);
});

test('a node that hears nothing settles 600 ms after it began to listen', () => {
  const bench = new Bench().give({ type: 'interfaces', interfaces: ONE_INTERFACE }).want(VIPS).kernel().alive(members(['node-a']));
  bench.pass(SETTLE_MS - 1);
  assert.deepEqual(bench.answers, []);
  bench.give({ type: 'tick' }, 1);
  assert.deepEqual(bench.addresses(), [OURS, THEIRS]);
});

test('a node that was kept from running settles later: what it has not heard yet may wait unread', () => {
  const bench = new Bench().give({ type: 'interfaces', interfaces: ONE_INTERFACE }).want(VIPS).kernel().alive(members(['node-a']));
  bench.pass(100).give({ type: 'tick' }, SETTLE_MS + 1_000);
  assert.deepEqual(bench.answers, []);
  bench.pass(SETTLE_MS);
  assert.deepEqual(bench.addresses(), [OURS, THEIRS]);
});

test('a node that the others do not count is silent at once, says that it can own nothing, and listens first when it is counted again', () => {
  const bench = running();
  const problems = ['membership: this node owns nothing: node-b can be heard'];
  bench.give({ type: 'membership', alive: members(BOTH), members: [], accused: true, doubt: 'node-b can be heard', problems });
  assert.deepEqual(bench.addresses(), []);
  assert.deepEqual(bench.states.at(-1)?.unable, ['*']);
  bench.pass(200);
  assert.deepEqual(bench.reports.at(-1)?.problems, problems);
  assert.deepEqual(bench.reports.at(-1)?.vips.map(({ owner }) => owner), ['node-b', 'node-b']);
  bench.give({ type: 'membership', alive: members(['node-a']), members: [], accused: false, doubt: null });
  assert.deepEqual(bench.addresses(), [], 'node-b may own all of them');
  bench.pass(100).alive(members(BOTH)).pass(100);
  assert.deepEqual(bench.addresses(), [OURS]);
  assert.equal(bench.engine.report().problems, undefined);
});

test('an announcer that inherits owns nothing while the others do not count it', () => {
  const inherited = running().engine.report();
  const bench = new Bench({ inherited });
  bench.give({ type: 'interfaces', interfaces: ONE_INTERFACE }).want(VIPS).kernel();
  assert.deepEqual(bench.addresses(), [OURS]);
  bench.give({ type: 'membership', alive: members(BOTH), members: [], accused: false, doubt: 'another machine is node-a' });
  assert.deepEqual(bench.addresses(), []);
});

test('the owner of a dead node is replaced in the very step in which its death is heard of', () => {
  const bench = running();
  assert.deepEqual(bench.addresses(), [OURS]);
  bench.alive(members(['node-a']));
  assert.deepEqual(bench.addresses(), [OURS, THEIRS]);
  assert.deepEqual(bench.events.map(({ type, address }) => `${type} ${address}`), [`moved ${THEIRS}`]);
});

test('a node whose link returns while it hears nobody listens first, and takes only what is left then', () => {
  const bench = running();
  bench.give({ type: 'interfaces', interfaces: { ...ONE_INTERFACE, choose: () => [] } }).alive(members(['node-a']));
  assert.deepEqual(bench.addresses(), []);
  bench.give({ type: 'interfaces', interfaces: ONE_INTERFACE }, 1_000);
  assert.deepEqual(bench.addresses(), [], 'node-b may own all of them');
  assert.deepEqual(bench.states.at(-1)?.unable, ['*']);
  bench.pass(SETTLE_MS + 100).alive(members(BOTH));
  assert.deepEqual(bench.addresses(), [], 'what node-b holds may follow in a moment');
  bench.give({ type: 'tick' }, 100);
  assert.deepEqual(bench.addresses(), [OURS]);
});

test('a node whose link returns and that is truly alone takes all of them after that time', () => {
  const bench = running();
  bench.give({ type: 'interfaces', interfaces: { ...ONE_INTERFACE, choose: () => [] } }).alive(members(['node-a']));
  bench.pass(1_000).give({ type: 'interfaces', interfaces: ONE_INTERFACE }).pass(RETURN_MS);
  assert.deepEqual(bench.addresses(), [OURS, THEIRS]);
});

test('a link that was away for so short a time that nobody can have missed the node changes nothing', () => {
  const bench = running();
  bench.give({ type: 'interfaces', interfaces: { ...ONE_INTERFACE, choose: () => [] } });
  bench.give({ type: 'interfaces', interfaces: ONE_INTERFACE }, 300);
  assert.deepEqual(bench.addresses(), [OURS]);
});

test('a process that stood still claims nothing that it held before: whoever holds it now keeps it', () => {
  const bench = running([vipOf(OURS, BOTH, { sticky: true })]);
  assert.deepEqual(bench.states.at(-1)?.held, [OURS]);
  bench.give({ type: 'lapsed' });
  assert.deepEqual(bench.states.at(-1)?.held, []);
  bench.alive(members(BOTH, { 'node-b': { held: [OURS] } }));
  assert.deepEqual(bench.addresses(), []);
  bench.give({ type: 'tick' }, LEAVING_MS);
  assert.deepEqual(bench.addresses(), [], 'nor does it come back later');
});

test('what moves to a living node is answered for until that one is heard, or for a second', () => {
  const bench = running([vipOf(OURS, BOTH, { needsProxy: true }), vipOf('10.1.0.5', ['node-a'], { needsProxy: true })]);
  bench.give({ type: 'proxy', serving: false });
  assert.deepEqual(bench.addresses(), [`${OURS} leaving`, '10.1.0.5'], 'nobody else can take the second');
  bench.give({ type: 'takenOver', address: OURS });
  assert.deepEqual(bench.addresses(), ['10.1.0.5']);
  bench.give({ type: 'proxy', serving: true }).give({ type: 'proxy', serving: false });
  bench.give({ type: 'tick' }, LEAVING_MS - 1);
  assert.deepEqual(bench.addresses(), [`${OURS} leaving`, '10.1.0.5']);
  bench.give({ type: 'tick' }, 1);
  assert.deepEqual(bench.addresses(), ['10.1.0.5']);
});

test('what the new owner has already is given up at once', () => {
  const lose = (bench: Bench): readonly string[] => bench.give({ type: 'proxy', serving: false }).addresses();
  const vip = vipOf(OURS, BOTH, { needsProxy: true });
  assert.deepEqual(lose(running([vip]).give({ type: 'lapsed' })), [], 'this process was stopped');
  assert.deepEqual(lose(running([vip]).alive(members(BOTH), true)), [], 'others have thought it dead');
  const conflict = { type: 'conflict', address: OURS, interface: 'eth0', mac: '02:00:00:00:00:02', defended: true, atMs: 5 } as const;
  assert.deepEqual(lose(running([vip]).give(conflict)), [], 'it was heard on the wire');
  const alone = running([vipOf(OURS, BOTH, { sticky: true })]).alive(members(['node-a']));
  assert.deepEqual(alone.addresses(), [OURS]);
  const heldBoth = running([vipOf(THEIRS, BOTH, { sticky: true })]);
  heldBoth.alive(members(['node-a']));
  heldBoth.alive(members(BOTH, { 'node-b': { held: [THEIRS] } }));
  assert.ok(heldBoth.addresses().every((address) => !address.endsWith('leaving')), 'two held it, as after a partition');
});

test('a VIP that is wanted no more is silent at once', () => {
  const bench = running().want([vipOf(THEIRS, BOTH)], 2);
  assert.deepEqual(bench.addresses().filter((address) => address.startsWith(OURS)), []);
  assert.deepEqual(bench.events.find(({ address }) => address === OURS), {
    type: 'moved', address: OURS, from: 'node-a', to: null, reason: 'it is no longer wanted', atMs: 1_000_000 + bench.nowMs,
  });
});

test('a lost quorum silences at once', () => {
  const bench = running(VIPS, { quorum: true }).alive(members(['node-a']));
  assert.deepEqual(bench.answers, []);
  assert.equal(bench.events.length, 2);
});

test('a new VIP is answered for once the kernel forwards it, or has had two seconds', () => {
  const fresh = vipOf('10.1.0.9', ['node-a']);
  const bench = running().want([...VIPS, fresh], 2);
  assert.deepEqual(bench.addresses(), [OURS]);
  bench.kernel(1);
  assert.deepEqual(bench.addresses(), [OURS], 'an answer to what was asked before');
  bench.kernel(2, false);
  assert.deepEqual(bench.addresses(), [OURS, fresh.address]);
  assert.equal(bench.answers[1]?.probe, true, 'new to everybody: the network is asked first');
  assert.equal(bench.answers[0]?.probe, false);
  const stuck = running().want([...VIPS, fresh], 2).give({ type: 'tick' }, 2_000);
  assert.deepEqual(stuck.addresses(), [OURS, fresh.address]);
});

test('when a member returns, what it may have answered for meanwhile is announced again', () => {
  const only = vipOf('10.1.0.9', ['node-a']);
  const bench = running([...VIPS, only]).alive(members(['node-a']));
  bench.alive(members(BOTH));
  const announced = new Map(bench.answers.map(({ address, announcement }) => [address, announcement]));
  assert.equal(announced.get(OURS), 1);
  assert.equal(announced.get(only.address), 0, 'it is no candidate for that');
});

test('a node that others think dead announces again, at most once a second', () => {
  const bench = running();
  for (let round = 0; round < 5; round += 1) bench.alive(members(BOTH), true);
  assert.equal(bench.answers[0]?.announcement, 1);
  bench.give({ type: 'tick' }, 1_000).alive(members(BOTH), true);
  assert.equal(bench.answers[0]?.announcement, 2);
});

test('a node that stops leaves first, is silent when all is taken over, and ends once', () => {
  const bench = running([vipOf(OURS, BOTH), vipOf('10.1.0.9', ['node-a'])]).give({ type: 'stop' });
  assert.deepEqual(bench.types().slice(0, 1), ['leave']);
  assert.deepEqual(bench.addresses(), [`${OURS} leaving`], 'nobody can take the other one');
  bench.give({ type: 'stop' }).give({ type: 'takenOver', address: OURS }).give({ type: 'tick' }, 5_000);
  assert.deepEqual(bench.types().filter((type) => type === 'stopped' || type === 'leave'), ['leave', 'stopped']);
  assert.deepEqual(bench.answers, []);
});

test('a node that stops and hears nobody ends after a second; one that has nothing ends at once', () => {
  const bench = running().give({ type: 'stop' }).give({ type: 'tick' }, LEAVING_MS - 1);
  assert.ok(!bench.types().includes('stopped'));
  assert.ok(bench.give({ type: 'tick' }, 1).types().includes('stopped'));
  assert.ok(new Bench().give({ type: 'stop' }).types().includes('stopped'));
});

test('an announcer that inherits answers at once for what its predecessor owned, and decides anew once it has listened', () => {
  const before = running();
  const bench = new Bench({ inherited: before.engine.report() });
  bench.give({ type: 'interfaces', interfaces: ONE_INTERFACE }).give({ type: 'proxy', serving: true }).want(VIPS, 7);
  assert.deepEqual(bench.addresses(), [OURS]);
  assert.deepEqual(bench.states, [SERVING], 'others are not told that it is not ready');
  bench.alive(members(BOTH)).give({ type: 'settled' }).give({ type: 'tick' }, 200);
  assert.deepEqual(bench.addresses(), [OURS]);
  assert.deepEqual(bench.events, []);
  assert.equal(bench.reports.at(-1)?.vips[0]?.sinceMs, before.engine.report().vips[0]?.sinceMs);
});

test('reports come at most every 100 ms, and only when something has changed', () => {
  const bench = running();
  const before = bench.reports.length;
  for (let index = 0; index < 50; index += 1) bench.give({ type: 'counts', counts: new Map() }, 10);
  assert.ok(bench.reports.length - before <= 6);
  bench.give({ type: 'tick' }, 100);
  const after = bench.reports.length;
  for (let index = 0; index < 20; index += 1) bench.give({ type: 'tick' }, 50);
  assert.equal(bench.reports.length, after);
});

test('a report has the number of a wanted state once the kernel has its ports, or has failed at them', () => {
  const bench = running();
  const numbers = () => bench.reports.map(({ generation }) => generation);
  const before = numbers().length;
  bench.want(VIPS, 2).give({ type: 'counts', counts: new Map() }, 200);
  bench.want(VIPS, 3).give({ type: 'counts', counts: new Map() }, 200);
  assert.deepEqual(numbers().slice(before), [1, 1], 'told of in passing, the ports are not in the kernel yet');
  bench.kernel(2).give({ type: 'counts', counts: new Map() }, 200);
  assert.equal(numbers().at(-1), 1, 'those of 3 are under way');
  bench.kernel(3, false).give({ type: 'tick' }, 200);
  assert.equal(numbers().at(-1), 3);
  assert.equal(bench.reports.at(-1)?.kernel.programmed, false);
});

test('a report says who owns what, since when, where, and why', () => {
  const [ours, theirs] = running().engine.report().vips;
  assert.deepEqual(ours, {
    address: OURS, owner: 'node-a', sharers: [], interfaces: ['eth0'], reason: 'node-a, of 2 candidates: highest hash', sinceMs: 1_010_000,
    conflicts: [], frames: { requestsReceived: 0, repliesSent: 0, gratuitousSent: 0, conflictsSeen: 0 },
  });
  assert.equal(theirs?.owner, 'node-b');
  assert.deepEqual(theirs?.interfaces, []);
});

test('conflicts are told once and when they are defended, are in the report for a minute, and are bounded', () => {
  const bench = running();
  const conflict = (mac: number, defended = false): EngineEvent => ({ type: 'conflict', address: OURS, interface: 'eth0', mac: `m${mac}`, defended, atMs: mac });
  bench.give(conflict(1)).give(conflict(1)).give(conflict(1, true)).give({ ...conflict(1), address: '192.0.2.99' } as EngineEvent);
  assert.deepEqual(bench.events.map((event) => [event.type, 'atMs' in event && event.atMs]), [['conflict', 1], ['conflict', 1]], 'when it was found');
  assert.deepEqual(bench.engine.report().vips[0]?.conflicts, ['eth0 m1']);
  for (let mac = 2; mac < 1_000; mac += 1) bench.give(conflict(mac));
  assert.equal(bench.engine.report().vips[0]?.conflicts.length, 8);
  bench.give({ type: 'tick' }, 60_000);
  assert.deepEqual(bench.engine.report().vips[0]?.conflicts, []);
});
