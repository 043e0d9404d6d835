import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createL2Machine } from './l2Machine.ts';
import { MAX_FRAMES_PER_WINDOW, WINDOW_MS } from './pacedQueue.ts';
import { ETH0, ETH1, VIP4, VIP6, answerFor, runUntil, wordsOf, type TimedAction } from './testing/lan.ts';

const BURST_MS = [50, 200, 1000, 2000, 4000];
const FRAMES4 = [
  '2: request 192.0.2.10 at 02:00:00:00:00:01 to 192.0.2.10 at 00:00:00:00:00:00, 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff',
  '2: reply 192.0.2.10 at 02:00:00:00:00:01 to 192.0.2.10 at 02:00:00:00:00:01, 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff',
];
const FRAME6 = '2: NA O 2001:db8::10 at 02:00:00:00:00:01 2001:db8::10 > ff02::1, 02:00:00:00:00:01 > 33:33:00:00:00:01';

function timed(seen: readonly TimedAction[]): (readonly [number, string])[] {
  return seen.map(({ atMs, action }) => [atMs, wordsOf([action]).join()]);
}

test('A take-over is announced at once, in both ARP forms, and again at 50, 200, 1000, 2000 and 4000 ms', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 0 });
  assert.deepEqual(wordsOf(machine.setAnswers([answerFor(VIP4)], 0)), FRAMES4);
  assert.deepEqual(timed(runUntil(machine, 1_000_000)), BURST_MS.flatMap((atMs) => FRAMES4.map((words) => [atMs, words])));
  assert.equal(machine.nextTickMs(), null);
  assert.equal(machine.counts().get(VIP4)?.gratuitousSent, 12);
});

test('For IPv6 it is an unsolicited advertisement to all nodes with override', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 0 });
  assert.deepEqual(wordsOf(machine.setAnswers([answerFor(VIP6)], 0)), [FRAME6]);
  assert.deepEqual(timed(runUntil(machine, 1_000_000)), BURST_MS.map((atMs) => [atMs, FRAME6]));
});

test('The same answers again announce nothing; a new interface, a new MAC, another announcement number do', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 0 });
  machine.setAnswers([answerFor(VIP4)], 0);
  runUntil(machine, 10_000);
  assert.deepEqual(machine.setAnswers([answerFor(VIP4)], 10_000), []);
  const interfaces = [ETH0, ETH1];
  assert.deepEqual(machine.setAnswers([answerFor(VIP4, { interfaces })], 10_001).map((action) => action.type === 'send' && action.interfaceIndex), [3, 3]);
  runUntil(machine, 20_000);
  const renewed = [ETH0, { ...ETH1, mac: '02:00:00:00:01:02' }];
  const [first] = wordsOf(machine.setAnswers([answerFor(VIP4, { interfaces: renewed })], 20_000));
  assert.match(first ?? '', /^3: request 192\.0\.2\.10 at 02:00:00:00:01:02 /);
  runUntil(machine, 30_000);
  assert.equal(machine.setAnswers([answerFor(VIP4, { interfaces: renewed, announcement: 1 })], 30_000).length, 4);
  runUntil(machine, 40_000);
  assert.deepEqual(machine.setAnswers([answerFor(VIP4, { interfaces: renewed, announcement: 1 })], 40_000), []);
});

test('When a link returns, what is owned is announced on it again, and nowhere else', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 0 });
  machine.setAnswers([answerFor(VIP4, { interfaces: [ETH0, ETH1] }), answerFor('192.0.2.11', { leaving: true })], 0);
  runUntil(machine, 10_000);
  assert.deepEqual(wordsOf(machine.linkUp(ETH0.index, 10_000)), FRAMES4);
  assert.ok(runUntil(machine, 100_000).every(({ action }) => action.type === 'send' && action.interfaceIndex === ETH0.index));
  assert.deepEqual(machine.linkUp(77, 100_000), []);
});

test('Repetitions of 1,000 VIPs are spread over the interval', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 10_000 });
  machine.setAnswers(Array.from({ length: 1000 }, (_, at) => answerFor(`10.0.${at >> 8}.${at & 255}`)), 0);
  runUntil(machine, 20_000);
  const perSecond = new Map<number, number>();
  const seen = runUntil(machine, 39_999.9);
  for (const { atMs } of seen) perSecond.set(Math.floor(atMs / 1000), (perSecond.get(Math.floor(atMs / 1000)) ?? 0) + 1);
  assert.ok(Math.abs(seen.length - 4000) <= 10, `two intervals of two frames each (got ${seen.length})`);
  for (const [second, frames] of perSecond) assert.ok(frames > 100 && frames < 350, `second ${second}: ${frames}`);
});

test('A take-over of 1,000 VIPs is paced on each interface, and every VIP is announced within half a second', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 0 });
  const answers = Array.from({ length: 1000 }, (_, at) => answerFor(`10.0.${at >> 8}.${at & 255}`, { interfaces: [ETH0, ETH1] }));
  const seen = [...machine.setAnswers(answers, 0).map((action) => ({ atMs: 0, action })), ...runUntil(machine, 60_000)];
  assert.equal(seen.length, 1000 * 2 * 2 * 6);
  const perWindow = new Map<string, number>();
  for (const { atMs, action } of seen) {
    const key = `${action.type === 'send' ? action.interfaceIndex : 0}/${Math.floor(atMs / WINDOW_MS)}`;
    perWindow.set(key, (perWindow.get(key) ?? 0) + 1);
  }
  assert.ok(Math.max(...perWindow.values()) <= MAX_FRAMES_PER_WINDOW);
  const firstMs = new Map<string, number>();
  for (const { atMs, action } of seen) {
    const words = wordsOf([action]).join().split(' at ')[0] ?? '';
    if (!firstMs.has(words)) firstMs.set(words, atMs);
  }
  assert.equal(firstMs.size, 1000 * 2 * 2);
  assert.ok(Math.max(...firstMs.values()) <= 500, `last at ${Math.max(...firstMs.values())} ms`);
});

test('An answer is never delayed by announcements that wait', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 0 });
  machine.setAnswers(Array.from({ length: 1000 }, (_, at) => answerFor(`10.0.${at >> 8}.${at & 255}`)), 0);
  assert.equal(machine.nextTickMs(), WINDOW_MS);
  assert.deepEqual(machine.tick(WINDOW_MS - 1), []);
  assert.equal(machine.tick(WINDOW_MS).length, MAX_FRAMES_PER_WINDOW);
});

test('Groups are the solicited-node groups of the VIPs of an interface and all nodes', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 0 });
  assert.deepEqual(machine.groups(ETH0.index), []);
  machine.setAnswers([answerFor(VIP4), answerFor(VIP6), answerFor('2001:db8:1::10'), answerFor('fe80::1:2:3', { interfaces: [ETH1] })], 0);
  assert.deepEqual(machine.groups(ETH0.index), [
    { address: 'ff02::1', mac: '33:33:00:00:00:01' }, { address: 'ff02::1:ff00:10', mac: '33:33:ff:00:00:10' },
  ]);
  assert.deepEqual(machine.groups(ETH1.index), [
    { address: 'ff02::1', mac: '33:33:00:00:00:01' }, { address: 'ff02::1:ff02:3', mac: '33:33:ff:02:00:03' },
  ]);
  machine.setAnswers([answerFor(VIP4)], 1);
  assert.deepEqual(machine.groups(ETH0.index), []);
});

test('Counts go on when a VIP has left and comes back', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 0 });
  machine.setAnswers([answerFor(VIP4)], 0);
  machine.setAnswers([], 1);
  assert.equal(machine.counts().get(VIP4)?.gratuitousSent, 2);
  machine.setAnswers([answerFor(VIP4)], 2);
  assert.equal(machine.counts().get(VIP4)?.gratuitousSent, 4);
});

test('An address that is none is refused', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 0 });
  assert.throws(() => machine.setAnswers([answerFor('192.0.2')], 0), TypeError);
  assert.throws(() => machine.setAnswers([answerFor(VIP4, { interfaces: [{ ...ETH0, mac: '' }] })], 0), TypeError);
});
