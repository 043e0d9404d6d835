import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, testSeed } from '../../../core/testing/seededRandom.ts';
import { mapOfVips, pool, vipOf } from '../../announcer/ownership/testing/given.ts';
import type { Span } from '../../announcer/engine/testing/simulatedLan.ts';
import { FINE_WEATHER, LeasedLan } from './testing/leasedLan.ts';

const SEED = testSeed();
const HISTORIES = 60;
const STEPS = 12;
/** A lease by the slowest clock, and what leads to and follows from it. */
const CALM_MS = 60_000;

/** Of every three VIPs the last is sticky. */
function lanOf(count: number, vips: number, random: () => number): LeasedLan {
  const names = Array.from({ length: count }, (_, index) => `node-${index}`);
  const addresses = pool(vips);
  return new LeasedLan(names, mapOfVips(addresses.map((address, index) => vipOf(address, names, { ownership: 'lease', sticky: index % 3 === 2 }))), random);
}

async function started(lan: LeasedLan): Promise<LeasedLan> {
  for (const name of lan.lan.nodes.keys()) {
    lan.start(name);
    await lan.run(50);
  }
  await lan.run(6_000);
  return lan;
}

function overlaps(lan: LeasedLan): readonly Span[] {
  return lan.lan.irregular(0).filter(({ nodes }) => nodes.length > 1);
}

function longestGap(lan: LeasedLan, fromMs: number): number {
  return Math.max(0, ...lan.lan.irregular(fromMs).filter(({ nodes }) => nodes.length === 0).map((span) => span.toMs - Math.max(span.fromMs, fromMs)));
}

function ownersOf(lan: LeasedLan, vips: number): readonly string[] {
  return pool(vips).map((address) => lan.lan.answering(address).join(' '));
}

test(`VIPs with a Lease spread over the nodes as others do, each answered by exactly one (seed ${SEED})`, async () => {
  const lan = await started(lanOf(3, 6, seededRandom(SEED)));
  const owners = ownersOf(lan, 6).filter((_, index) => index % 3 !== 2);
  for (const name of lan.lan.nodes.keys()) assert.ok([1, 2].includes(owners.filter((owner) => owner === name).length), owners.join());
  const fromMs = lan.lan.nowMs;
  await lan.run(30_000);
  assert.deepEqual(lan.lan.irregular(fromMs), []);
  assert.deepEqual(overlaps(lan), []);
});

test(`a node that dies is followed after its lease, never before its right has ended (seed ${SEED})`, async (t) => {
  const lan = await started(lanOf(3, 6, seededRandom(SEED)));
  const fromMs = lan.lan.nowMs;
  lan.killController('node-1');
  lan.lan.kill('node-1');
  await lan.run(25_000);
  t.diagnostic(`silent for ${longestGap(lan, fromMs).toFixed(0)} ms`);
  assert.ok(longestGap(lan, fromMs) <= 18_000);
  for (const owner of ownersOf(lan, 6)) assert.ok(['node-0', 'node-2'].includes(owner), owner);
  assert.deepEqual(overlaps(lan), []);
});

test(`a planned move and a stop in good order cost less than a second and a half (seed ${SEED})`, async (t) => {
  const lan = await started(lanOf(3, 6, seededRandom(SEED)));
  const moveMs = lan.lan.nowMs;
  lan.lan.setInterface('node-1', false);
  await lan.run(10_000);
  lan.lan.setInterface('node-1', true);
  await lan.run(10_000);
  t.diagnostic(`moves: silent for ${longestGap(lan, moveMs).toFixed(0)} ms`);
  const stopMs = lan.lan.nowMs;
  lan.stop('node-1');
  await lan.run(10_000);
  t.diagnostic(`stop: silent for ${longestGap(lan, stopMs).toFixed(0)} ms`);
  assert.ok(longestGap(lan, moveMs) <= 1_500);
  for (const owner of ownersOf(lan, 6)) assert.ok(['node-0', 'node-2'].includes(owner), owner);
  assert.deepEqual(overlaps(lan), []);
});

test(`a node that the API server does not answer is silent in time, and another one takes over (seed ${SEED})`, async (t) => {
  const lan = await started(lanOf(3, 6, seededRandom(SEED)));
  const fromMs = lan.lan.nowMs;
  lan.cutOff.add('node-1');
  await lan.run(12_000);
  assert.ok(!ownersOf(lan, 6).includes('node-1'));
  await lan.run(15_000);
  t.diagnostic(`silent for ${longestGap(lan, fromMs).toFixed(0)} ms`);
  for (const owner of ownersOf(lan, 6)) assert.ok(['node-0', 'node-2'].includes(owner), owner);
  lan.cutOff.delete('node-1');
  await lan.run(20_000);
  assert.ok(ownersOf(lan, 6).includes('node-1'), 'what is its own goes back');
  assert.deepEqual(overlaps(lan), []);
});

test(`without an API server all nodes are silent, and with it back each has its VIPs again at once (seed ${SEED})`, async (t) => {
  const lan = await started(lanOf(3, 6, seededRandom(SEED)));
  const before = ownersOf(lan, 6);
  lan.isServerAway = true;
  await lan.run(7_000);
  assert.deepEqual(ownersOf(lan, 6), before, 'while the rights hold, nothing happens');
  await lan.run(33_000);
  assert.deepEqual(new Set(ownersOf(lan, 6)), new Set(['']));
  lan.isServerAway = false;
  const fromMs = lan.lan.nowMs;
  await lan.run(8_000);
  t.diagnostic(`silent for ${longestGap(lan, fromMs).toFixed(0)} ms after its return`);
  const after = ownersOf(lan, 6);
  for (const [index, owner] of after.entries()) if (index % 3 === 2) assert.match(owner, /^node-\d$/);
    else assert.equal(owner, before[index]);
  assert.deepEqual(overlaps(lan), []);
});

test(`an announcer that is stopped loses its VIPs once its time is over, and says nothing when it goes on (seed ${SEED})`, async () => {
  const lan = await started(lanOf(3, 6, seededRandom(SEED)));
  lan.lan.pause('node-1');
  await lan.run(20_000);
  for (const owner of ownersOf(lan, 6)) assert.ok(['node-0', 'node-2'].includes(owner), owner);
  lan.lan.resume('node-1');
  await lan.run(10_000);
  assert.ok(ownersOf(lan, 6).includes('node-1'));
  assert.deepEqual(overlaps(lan), []);
});

test(`an announcer whose main thread hangs answers no longer than it may (seed ${SEED})`, async () => {
  const lan = await started(lanOf(3, 6, seededRandom(SEED)));
  lan.lan.block('node-1');
  await lan.run(7_000);
  assert.ok(ownersOf(lan, 6).includes('node-1'), 'nobody else does');
  await lan.run(13_000);
  for (const owner of ownersOf(lan, 6)) assert.ok(['node-0', 'node-2'].includes(owner), owner);
  assert.deepEqual(overlaps(lan), []);
});

test(`an announcer that is replaced at once has its VIPs back at once (seed ${SEED})`, async (t) => {
  const lan = await started(lanOf(3, 6, seededRandom(SEED)));
  const before = ownersOf(lan, 6);
  const fromMs = lan.lan.nowMs;
  lan.killAnnouncer('node-1', 300);
  await lan.run(5_000);
  t.diagnostic(`silent for ${longestGap(lan, fromMs).toFixed(0)} ms`);
  assert.ok(longestGap(lan, fromMs) <= 400);
  assert.deepEqual(ownersOf(lan, 6), before);
  assert.deepEqual(overlaps(lan), []);
});

/** One thing that goes wrong, and what sets it right. */
function disturb(lan: LeasedLan, name: string, random: () => number): () => void {
  const { clocks } = lan.lan.node(name);
  const actions: readonly (() => () => void)[] = [
    () => {
      lan.cutOff.add(name);
      return () => lan.cutOff.delete(name);
    },
    () => {
      lan.isServerAway = true;
      return () => { lan.isServerAway = false; };
    },
    () => {
      lan.lan.partition([name]);
      return () => lan.lan.heal([name]);
    },
    () => {
      lan.lan.pause(name);
      return () => lan.lan.resume(name);
    },
    () => {
      lan.lan.block(name);
      return () => lan.lan.resume(name);
    },
    () => {
      lan.pauseController(name);
      return () => lan.resumeController(name);
    },
    () => {
      lan.lan.pause(name);
      lan.pauseController(name);
      return () => {
        const isAnnouncerFirst = random() < 0.5;
        if (isAnnouncerFirst) lan.lan.resume(name);
        lan.resumeController(name);
        if (!isAnnouncerFirst) lan.lan.after(random() * 2_000, () => lan.lan.resume(name));
      };
    },
    () => {
      lan.killAnnouncer(name, random() * 2_000);
      return () => {};
    },
    () => {
      lan.killController(name);
      return () => lan.start(name);
    },
    () => {
      lan.killController(name);
      lan.lan.kill(name);
      return () => lan.start(name);
    },
    () => {
      lan.stop(name);
      return () => {
        lan.killController(name);
        lan.start(name);
      };
    },
    () => {
      lan.lan.setInterface(name, false);
      return () => lan.lan.setInterface(name, true);
    },
    () => {
      clocks.wallOffsetMs += (random() - 0.5) * 120_000;
      return () => {};
    },
    () => {
      lan.weather = { lostRequests: random() * 0.6, lostAnswers: random() * 0.6, slow: random() * 0.6 };
      return () => { lan.weather = FINE_WEATHER; };
    },
  ];
  return actions[Math.floor(random() * actions.length)]?.() ?? (() => {});
}

test(`whatever goes wrong, in ${HISTORIES} histories never two nodes answer for a VIP, and in the end one does (seed ${SEED})`, async (t) => {
  let disturbances = 0;
  let moves = 0;
  for (let history = 0; history < HISTORIES; history += 1) {
    const random = seededRandom(SEED + history);
    const lan = await started(lanOf(2 + Math.floor(random() * 3), 3, random));
    const names = [...lan.lan.nodes.keys()];
    let repairs: (() => void)[] = [];
    for (let step = 0; step < STEPS; step += 1) {
      const before = ownersOf(lan, 3);
      repairs.push(disturb(lan, names[Math.floor(random() * names.length)] ?? '', random));
      disturbances += 1;
      await lan.run(random() < 0.5 ? random() * 3_000 : random() * 25_000);
      assert.deepEqual(overlaps(lan), [], `history of GATEHOUSE_SEED=${SEED + history}, step ${step}`);
      moves += ownersOf(lan, 3).filter((owner, index) => owner !== before[index]).length;
      // Now and then two things are wrong at once.
      if (repairs.length < 2 && random() < 0.4) continue;
      for (const repair of repairs) repair();
      repairs = [];
    }
    for (const repair of repairs) repair();
    await lan.run(CALM_MS);
    assert.deepEqual(overlaps(lan), [], `history of GATEHOUSE_SEED=${SEED + history}`);
    const calmMs = lan.lan.nowMs;
    await lan.run(5_000);
    assert.deepEqual(lan.lan.irregular(calmMs), [], `GATEHOUSE_SEED=${SEED + history}: ${ownersOf(lan, 3).join()}`);
  }
  t.diagnostic(`${disturbances} disturbances, ${moves} changes of owner`);
  assert.ok(moves > HISTORIES);
});
