import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFrom } from '../../core/testing/random.ts';
import { testSeed } from '../../core/testing/seededRandom.ts';
import { forwardedPort, vip, wantedOf } from './testing/announcerFacts.ts';
import { applyWantedDelta, diffWanted, isEmptyDelta, NOTHING_WANTED } from './wantedDelta.ts';
import type { AnnouncerWanted } from './wanted.ts';

function drawWanted(draw: (below: number) => number): AnnouncerWanted {
  const some = Array.from({ length: 8 }, (_, index) => `192.0.2.${index}`).filter(() => draw(2) === 0);
  const vips = some.map((address) => vip(address, { sticky: draw(3) === 0 }));
  const wanted = wantedOf(vips, some.map((address) => forwardedPort(address, { address: '198.51.100.1', port: 1 + draw(2) })));
  return draw(2) === 0 ? wanted : { ...wanted, nodes: new Map([['a', []], [`b${draw(3)}`, ['192.0.2.1']]]) };
}

test('a delta leads from any state to any other', () => {
  const seed = testSeed();
  const { integer: draw } = randomFrom(seed);
  let state = NOTHING_WANTED;
  for (let generation = 1; generation < 500; generation += 1) {
    const wanted = drawWanted(draw);
    const before = draw(10) === 0 ? null : state;
    state = applyWantedDelta(state, diffWanted(before, { generation, wanted }));
    assert.deepEqual(state, wanted, `GATEHOUSE_SEED=${seed}, generation ${generation}`);
  }
});

test('what has not changed is neither sent nor made anew', () => {
  const wanted = wantedOf([vip('192.0.2.1')], [forwardedPort('192.0.2.1', { address: '198.51.100.1', port: 1 })]);
  const delta = diffWanted(wanted, { generation: 2, wanted: structuredClone(wanted) });
  assert.ok(isEmptyDelta(delta));
  const after = applyWantedDelta(wanted, delta);
  assert.equal(after.ports, wanted.ports);
  assert.equal(after.vips, wanted.vips);
  assert.equal(after.nodes, wanted.nodes);
});

test('the whole state replaces whatever was there, and is never empty', () => {
  const whole = diffWanted(null, { generation: 1, wanted: NOTHING_WANTED });
  assert.ok(!isEmptyDelta(whole));
  assert.deepEqual(applyWantedDelta(wantedOf([vip('192.0.2.1')]), whole), NOTHING_WANTED);
});
