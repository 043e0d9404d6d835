import assert from 'node:assert/strict';
import { test } from 'node:test';

import { seededRandom, testSeed } from '../../../../core/testing/seededRandom.ts';
import type { WantedPeer } from '../bgpWanted.ts';
import type { SessionOptions } from './sessionEvents.ts';
import { testPeer } from './testing/testPeer.ts';
import { twoMachines, type TwoMachines } from './testing/twoMachines.ts';

const FIRST = { localAsn: 64_512, remoteAsn: { type: 'number', asn: 65_001 }, routerId: '192.0.2.1' } as const;
const SECOND = { localAsn: 65_001, remoteAsn: { type: 'number', asn: 64_512 }, routerId: '192.0.2.2' } as const;
const RESTART = { gracefulRestart: { restartTimeMs: 120_000, longLivedStaleTimeMs: null } };

function pair(changes: readonly [Partial<WantedPeer>, Partial<WantedPeer>], random: () => number): readonly [SessionOptions, SessionOptions] {
  return [
    { peer: testPeer({ ...FIRST, ...changes[0] }), hostName: 'one', restarting: false, random },
    { peer: testPeer({ ...SECOND, ...changes[1] }), hostName: 'two', restarting: false, random },
  ];
}

function begin(options: readonly [SessionOptions, SessionOptions]): TwoMachines {
  const net = twoMachines(options);
  net.handle(0, { type: 'start' });
  net.handle(1, { type: 'start' });
  return net;
}

/** Deliveries in an order by lot, and time when there are none, until both are Established; fails after `limitMs`. */
function settle(net: TwoMachines, random: () => number, limitMs: number, says: string): void {
  const endMs = net.nowMs() + limitMs;
  for (let steps = 0; steps < 100_000; steps += 1) {
    const choices = net.choices();
    if (choices.length === 0 && net.session() !== null) return;
    const choice = choices[Math.floor(random() * choices.length)];
    if (choice !== undefined) choice.deliver();
    else if (!net.passToNextTimer() || net.nowMs() > endMs) break;
  }
  assert.fail(`no session after ${limitMs} ms: ${net.states()} (${says})`);
}

/** All orders of what reaches one side and of what reaches the other: how the two sides' events mix makes no difference. Answers how many end how. */
function everyInterleaving(changes: readonly [Partial<WantedPeer>, Partial<WantedPeer>]): { readonly orders: number; readonly lost: number } {
  const seen = new Set<string>();
  const prefixes: (readonly string[])[] = [[]];
  const counts = { orders: 0, lost: 0 };
  for (let prefix = prefixes.pop(); prefix !== undefined; prefix = prefixes.pop()) {
    const random = seededRandom(seen.size + 1);
    const net = begin(pair(changes, random));
    const path: string[] = [];
    const histories = ['', ''];
    for (;;) {
      const choices = net.choices();
      const wanted = prefix[path.length];
      const choice = wanted === undefined ? choices[0] : choices.find(({ label, side }) => `${side} ${label}` === wanted);
      if (choice === undefined) break;
      if (wanted === undefined) for (const other of choices.slice(1)) prefixes.push([...path, `${other.side} ${other.label}`]);
      path.push(`${choice.side} ${choice.label}`);
      histories[choice.side] += `${choice.label}, `;
      choice.deliver();
      const key = histories.join('| ');
      if (path.length >= prefix.length && seen.has(key)) break;
      if (path.length >= prefix.length) seen.add(key);
      if (net.choices().length > 0) continue;
      counts.orders += 1;
      if (net.session() === null) counts.lost += 1;
      settle(net, random, 10_000, path.join('; '));
      break;
    }
  }
  return counts;
}

test('Whatever the order in which two connections come up, both sides end with the same one', (t) => {
  for (const changes of [[{}, {}], [RESTART, RESTART], [{ routerId: '192.0.2.9' }, {}]] as const) {
    const { orders, lost } = everyInterleaving(changes);
    t.diagnostic(`${orders} orders, ${lost} of them need a second attempt`);
    assert.ok(orders > 10);
    assert.ok(lost * 3 <= orders, `${lost} of ${orders} orders lose both connections`);
  }
});

test('One side active and the other passive find each other, two passive ones wait for ever', () => {
  const random = seededRandom(1);
  settle(begin(pair([{ connect: 'active' }, { connect: 'passive' }], random)), random, 1_000, 'active and passive');
  settle(begin(pair([{ connect: 'passive' }, { connect: 'both' }], random)), random, 1_000, 'passive and both');
  const net = begin(pair([{ connect: 'passive' }, { connect: 'passive' }], random));
  assert.equal(net.passToNextTimer(), false);
  assert.equal(net.states(), 'Active and Active');
});

test('After 100 flaps of the network the session comes back within the longest pause', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const net = begin(pair([{ connectTimeMs: 30_000 }, { connectTimeMs: 30_000 }], random));
  for (let flap = 0; flap < 100; flap += 1) {
    settle(net, random, 200_000, `seed ${seed}, flap ${flap}`);
    const told = Math.floor(random() * 3);
    net.breakAll((side) => told === 2 || told === side);
  }
  settle(net, random, 200_000, `seed ${seed}`);
});

test('Whatever happens to two sides, they have a session again when it has ceased', () => {
  const seed = testSeed();
  const modes: readonly WantedPeer['connect'][] = ['active', 'both', 'both', 'both'];
  for (let round = 0; round < 150; round += 1) {
    const random = seededRandom(seed + round);
    const draw = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];
    const one: Partial<WantedPeer> = {
      connect: draw(modes) ?? 'both', delayOpenMs: draw([0, 0, 2_000]) ?? 0, holdTimeMs: draw([90_000, 9_000]) ?? 0, ...(draw([{}, RESTART])),
    };
    const two: Partial<WantedPeer> = {
      connect: one.connect === 'active' ? 'passive' : 'both', routerId: draw(['192.0.2.0', '192.0.2.1', '192.0.2.2']) ?? '', ...(draw([{}, RESTART])),
    };
    const net = begin(pair([one, two] as const, random));
    for (let step = 0; step < 150; step += 1) disturb(net, random);
    net.setReachable(true);
    for (const side of [0, 1] as const) net.handle(side, { type: 'start' });
    settle(net, random, 1_000_000, `seed ${seed + round}`);
  }
});

function disturb(net: TwoMachines, random: () => number): void {
  const side = random() < 0.5 ? 0 : 1;
  const lot = random();
  const choices = net.choices();
  if (lot < 0.7 && choices.length > 0) choices[Math.floor(random() * choices.length)]?.deliver();
  else if (lot < 0.9) net.passToNextTimer();
  else if (lot < 0.92) net.breakAll((told) => random() < 0.5 || told === side);
  else if (lot < 0.94) net.setReachable(random() < 0.5);
  else if (lot < 0.96) net.handle(side, { type: 'stop', how: random() < 0.5 ? 'silent' : 'reset', hard: random() < 0.5, text: 'test' });
  else if (lot < 0.98) net.handle(side, { type: 'start' });
  else net.handle(side, { type: 'bfd', up: random() < 0.5 });
}
