import { test } from 'node:test';
import assert from 'node:assert/strict';
import { LEAVING_MS } from './engine.ts';
import { SimulatedLan, type Span } from './engine/testing/simulatedLan.ts';
import { seededRandom, testSeed } from '../../core/testing/seededRandom.ts';
import { mapOfVips, pool, vipOf } from './ownership/testing/given.ts';
import type { AnnouncedVip } from './wanted.ts';

const SEED = testSeed();
const ABC = ['node-a', 'node-b', 'node-c'];
/** More than any detection, settling and leaving take together. */
const LONG_MS = 3_000;

function lanOf(names: readonly string[], fields: Partial<AnnouncedVip> = {}, options: { readonly quorum?: boolean; readonly vips?: number } = {}): SimulatedLan {
  const vips = mapOfVips(pool(options.vips ?? 12).map((address) => vipOf(address, names, fields)));
  return new SimulatedLan(names, vips, { random: seededRandom(SEED), quorum: options.quorum ?? false });
}

function started(lan: SimulatedLan): SimulatedLan {
  for (const name of lan.nodes.keys()) {
    lan.start(name);
    lan.run(100);
  }
  lan.run(LONG_MS);
  return lan;
}

function ownersOf(lan: SimulatedLan, count = 12): readonly string[] {
  return pool(count).map((address) => lan.answering(address).join(' '));
}

function longest(spans: readonly Span[], wanted: (span: Span) => boolean): number {
  return Math.max(0, ...spans.filter(wanted).map(({ fromMs, toMs }) => toMs - fromMs));
}

const isGap = ({ nodes }: Span): boolean => nodes.length === 0;
const isOverlap = ({ nodes }: Span): boolean => nodes.length > 1;

test(`nodes that start one after the other end with exactly one answer per VIP, evenly spread (seed ${SEED})`, () => {
  const lan = started(lanOf(ABC));
  const owners = ownersOf(lan);
  for (const owner of owners) assert.ok(ABC.includes(owner), `answered by ${owner}`);
  for (const name of ABC) assert.ok(owners.filter((owner) => owner === name).length <= 5);
  const from = lan.nowMs;
  lan.run(10_000);
  assert.deepEqual(lan.irregular(from), []);
});

test(`a killed node's VIPs are answered for as soon as another knows, by exactly one (seed ${SEED})`, (t) => {
  const lan = started(lanOf(ABC));
  const from = lan.nowMs;
  lan.kill('node-b');
  lan.run(LONG_MS);
  const spans = lan.irregular(from);
  t.diagnostic(`longest silence ${longest(spans, isGap).toFixed(0)} ms, longest overlap ${longest(spans, isOverlap).toFixed(0)} ms`);
  assert.ok(longest(spans, isGap) <= 900, 'the detection of membership, and nothing on top of it');
  // One survivor may know before the other does, and none of their own VIPs moves slowly for it.
  assert.ok(longest(spans, isOverlap) <= LEAVING_MS);
  for (const owner of ownersOf(lan)) assert.ok(['node-a', 'node-c'].includes(owner));
});

test(`a node that stops hands over without a gap, and the overlap ends with the first frame of the new owner (seed ${SEED})`, () => {
  const lan = started(lanOf(ABC));
  const from = lan.nowMs;
  lan.stop('node-b');
  lan.run(LONG_MS);
  const spans = lan.irregular(from);
  assert.equal(longest(spans, isGap), 0);
  assert.ok(longest(spans, isOverlap) <= 5);
  assert.equal(lan.node('node-b').engine, null);
  for (const owner of ownersOf(lan)) assert.ok(['node-a', 'node-c'].includes(owner));
});

test(`a node that returns takes its VIPs without a gap, once it knows the others (seed ${SEED})`, () => {
  const lan = started(lanOf(ABC));
  const before = ownersOf(lan);
  lan.kill('node-b');
  lan.run(LONG_MS);
  const from = lan.nowMs;
  lan.start('node-b');
  lan.run(500);
  assert.ok(!ownersOf(lan).includes('node-b'), 'it listens first');
  lan.run(LONG_MS);
  assert.deepEqual(ownersOf(lan), before);
  const spans = lan.irregular(from);
  assert.equal(longest(spans, isGap), 0);
  assert.ok(longest(spans, isOverlap) <= 100);
});

test(`a proxy that dies moves what needs it, and nothing that the kernel carries (seed ${SEED})`, () => {
  for (const needsProxy of [true, false]) {
    const lan = started(lanOf(ABC, { needsProxy }));
    const before = ownersOf(lan);
    const from = lan.nowMs;
    lan.setServing('node-a', false);
    lan.run(LONG_MS);
    assert.equal(ownersOf(lan).includes('node-a'), !needsProxy);
    if (!needsProxy) assert.deepEqual(ownersOf(lan), before);
    const spans = lan.irregular(from);
    assert.equal(longest(spans, isGap), 0);
    assert.ok(longest(spans, isOverlap) <= 100);
  }
});

test(`proxies that all die at once leave every VIP answered, and with one that serves all go there (seed ${SEED})`, () => {
  const lan = started(lanOf(ABC, { needsProxy: true }));
  for (const name of ABC) lan.setServing(name, false);
  lan.run(LONG_MS);
  const from = lan.nowMs;
  lan.run(LONG_MS);
  assert.deepEqual(lan.irregular(from), []);
  lan.setServing('node-c', true);
  lan.run(LONG_MS);
  assert.deepEqual(new Set(ownersOf(lan)), new Set(['node-c']));
});

test(`the last proxy that serves keeps its VIPs while it restarts (seed ${SEED})`, () => {
  const lan = started(lanOf(ABC, { needsProxy: true }));
  lan.setServing('node-a', false);
  lan.setServing('node-b', false);
  lan.run(LONG_MS);
  const from = lan.nowMs;
  lan.setServing('node-c', false);
  lan.run(1_000);
  assert.deepEqual(new Set(ownersOf(lan)), new Set(['node-c']));
  lan.setServing('node-c', true);
  lan.run(LONG_MS);
  assert.deepEqual(lan.irregular(from), []);
});

test(`after a partition of the network each side answers, and once it is healed exactly one node does (seed ${SEED})`, (t) => {
  for (const cutsFrames of [true, false]) {
    for (const sticky of [true, false]) {
      const lan = started(lanOf(ABC, { sticky }));
      lan.cutsFrames = cutsFrames;
      lan.partition(['node-a']);
      lan.run(5_000);
      for (const owner of ownersOf(lan)) assert.equal(owner.split(' ').length, 2, 'one on each side, as documented');
      const healedMs = lan.nowMs;
      lan.heal(['node-a']);
      lan.run(LONG_MS);
      const spans = lan.irregular(healedMs).filter(isOverlap).map((span) => ({ ...span, fromMs: healedMs }));
      t.diagnostic(`${sticky ? 'sticky, ' : ''}frames ${cutsFrames ? 'cut' : 'get through'}: the last overlap ends ${longest(spans, isOverlap).toFixed(0)} ms after healing`);
      assert.ok(longest(spans, isOverlap) <= 230 + LEAVING_MS);
      const from = lan.nowMs;
      lan.run(10_000);
      assert.deepEqual(lan.irregular(from), []);
    }
  }
});

test(`with quorum the smaller side of a partition is silent at once when it knows (seed ${SEED})`, () => {
  const lan = started(lanOf(ABC, {}, { quorum: true }));
  lan.partition(['node-a']);
  lan.run(LONG_MS);
  for (const owner of ownersOf(lan)) assert.ok(['node-b', 'node-c'].includes(owner));
  lan.heal(['node-a']);
  lan.run(LONG_MS);
  assert.ok(ownersOf(lan).includes('node-a'));
});

test(`sticky VIPs stay where they went when their node died (seed ${SEED})`, () => {
  const lan = started(lanOf(ABC, { sticky: true }));
  lan.kill('node-b');
  lan.run(LONG_MS);
  const before = ownersOf(lan);
  lan.start('node-b');
  const from = lan.nowMs;
  lan.run(10_000);
  assert.deepEqual(ownersOf(lan), before);
  assert.deepEqual(lan.irregular(from), []);
});

test(`VIPs that are shared are answered for by all nodes that are alive (seed ${SEED})`, () => {
  const lan = started(lanOf(ABC, { sharing: 'perClient' }));
  for (const owner of ownersOf(lan)) assert.equal(owner, 'node-a node-b node-c');
  lan.kill('node-c');
  lan.run(LONG_MS);
  for (const owner of ownersOf(lan)) assert.equal(owner, 'node-a node-b');
  assert.deepEqual(lan.node('node-a').answers.get('10.1.0.0')?.mode, { type: 'perClient', self: 'node-a', nodes: ['node-a', 'node-b'] });
  lan.stop('node-a');
  lan.run(LONG_MS);
  for (const owner of ownersOf(lan)) assert.equal(owner, 'node-b');
});

test(`an interface that goes takes the VIPs to other nodes (seed ${SEED})`, () => {
  const lan = started(lanOf(ABC));
  lan.setInterface('node-a', false);
  lan.run(LONG_MS);
  for (const owner of ownersOf(lan)) assert.ok(['node-b', 'node-c'].includes(owner));
  lan.setInterface('node-a', true);
  lan.run(LONG_MS);
  assert.ok(ownersOf(lan).includes('node-a'));
});

test(`an announcer that carries on from another one on its node moves nothing (seed ${SEED})`, () => {
  const lan = started(lanOf(ABC));
  lan.run(LONG_MS);
  const before = ownersOf(lan);
  lan.start('node-b', lan.node('node-b').report);
  const from = lan.nowMs;
  assert.deepEqual(ownersOf(lan), before, 'at once');
  lan.run(LONG_MS);
  assert.deepEqual(ownersOf(lan), before);
  assert.deepEqual(lan.irregular(from), []);
});

/** One thing that goes wrong or right in a cluster; it says when two nodes may answer at once for longer. */
function disturb(lan: SimulatedLan, random: () => number): { readonly repair: () => void; readonly isSplit: boolean } {
  const names = [...lan.nodes.keys()];
  const name = names[Math.floor(random() * names.length)] ?? '';
  const actions = [
    () => { lan.kill(name); return { repair: () => lan.start(name), isSplit: false }; },
    () => { lan.stop(name); return { repair: () => lan.start(name), isSplit: false }; },
    () => { lan.setServing(name, false); return { repair: () => lan.setServing(name, true), isSplit: false }; },
    () => { lan.setInterface(name, false); return { repair: () => lan.setInterface(name, true), isSplit: false }; },
    () => { lan.partition([name]); return { repair: () => lan.heal([name]), isSplit: true }; },
  ];
  return actions[Math.floor(random() * actions.length)]?.() ?? { repair: () => {}, isSplit: false };
}

test(`whatever happens, in any order: exactly one answers once it is quiet, and never two for longer than documented (seed ${SEED})`, (t) => {
  const random = seededRandom(SEED);
  let overlapMs = 0;
  let disturbances = 0;
  for (let round = 0; round < 12; round += 1) {
    const names = Array.from({ length: 2 + Math.floor(random() * 4) }, (_, index) => `node-${index}`);
    const vips = pool(10).map((address, index) => vipOf(address, names, { sticky: index % 3 === 0, needsProxy: index % 2 === 0 }));
    const lan = started(new SimulatedLan(names, mapOfVips(vips), { random }));
    for (let step = 0; step < 12; step += 1) {
      const from = lan.nowMs;
      const { repair, isSplit } = disturb(lan, random);
      disturbances += 1;
      lan.run(1_200 + random() * LONG_MS);
      if (!isSplit) overlapMs = Math.max(overlapMs, longest(lan.irregular(from), isOverlap));
      repair();
      lan.run(LONG_MS);
      const quietMs = lan.nowMs;
      lan.run(500);
      assert.deepEqual(lan.irregular(quietMs), [], `round ${round}, step ${step}`);
    }
  }
  t.diagnostic(`${disturbances} disturbances; without a partition the longest overlap was ${overlapMs.toFixed(0)} ms`);
  assert.ok(overlapMs <= LEAVING_MS);
});
