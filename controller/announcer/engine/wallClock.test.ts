import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, testSeed } from '../../../core/testing/seededRandom.ts';
import { mapOfVips, pool, vipOf } from '../ownership/testing/given.ts';
import { SimulatedLan, type Span } from './testing/simulatedLan.ts';

const SEED = testSeed();
const ABC = ['node-a', 'node-b', 'node-c'];
const ADDRESSES = pool(12);
const LONG_MS = 3_000;
const HOUR_MS = 3_600_000;

interface Course {
  readonly spans: readonly Span[];
  readonly owners: readonly string[];
  readonly moves: readonly string[];
}

/** A death, a stop, a process that stands still, a partition and its end; `setClocks` is called before each of them. */
function runOf(setClocks: (lan: SimulatedLan, step: number) => void): Course {
  const vips = mapOfVips(ADDRESSES.map((address, index) => vipOf(address, ABC, { sticky: index % 2 === 0 })));
  const lan = new SimulatedLan(ABC, vips, { random: seededRandom(SEED) });
  const events: ((lan: SimulatedLan) => void)[] = [
    () => ABC.forEach((name) => lan.start(name)),
    () => lan.kill('node-b'),
    () => lan.start('node-b'),
    () => lan.pause('node-c'),
    () => lan.resume('node-c'),
    () => lan.partition(['node-a']),
    () => lan.heal(['node-a']),
    () => lan.stop('node-a'),
  ];
  const owners: string[] = [];
  for (const [step, happens] of events.entries()) {
    setClocks(lan, step);
    happens(lan);
    // Clocks are set while things are on their way, too.
    lan.run(LONG_MS / 4);
    setClocks(lan, step + events.length);
    lan.run(LONG_MS);
    owners.push(ADDRESSES.map((address) => lan.answering(address).join('+')).join(' '));
  }
  const moves = ABC.flatMap((name) => lan.node(name).lastEvents.map((event) => `${name}: ${JSON.stringify({ ...event, atMs: 0 })}`));
  return { spans: lan.irregular(0), owners, moves };
}

test(`wall clocks that are wrong by hours, or are set, move nothing and delay nothing (GATEHOUSE_SEED=${SEED})`, () => {
  const right = runOf(() => {});
  const wrong = runOf((lan, step) => {
    // node-a is hours behind, node-b ahead, and node-c jumps forth and back.
    lan.node('node-a').clocks.wallOffsetMs = -12 * HOUR_MS;
    lan.node('node-b').clocks.wallOffsetMs = 12 * HOUR_MS;
    lan.node('node-c').clocks.wallOffsetMs = (step % 2 === 0 ? 5 : -5) * HOUR_MS;
  });
  assert.ok(right.moves.length > 0);
  assert.deepEqual(wrong, right);
});
