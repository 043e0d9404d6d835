import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCurrentSnapshot, mergeDeltas } from './currentSnapshot.ts';
import type { SnapshotDelta } from './snapshot.ts';
import type { CertificateKey } from './certificate.ts';
import type { HostPattern } from '../net/hostPattern.ts';

const seed = Number(process.env['GATEHOUSE_SEED'] ?? Date.now() % 1_000_000);
const UNCHANGED = { upsert: [], remove: [] };
const HOSTS = ['a.test', 'b.test', 'c.test', '__proto__'].map((host) => host as HostPattern);

/** Numbers from 0 to `below`, the same for the same seed (Lehmer generator). */
function createRandom(state: number): (below: number) => number {
  let current = (state % 2_147_483_646) + 1;
  return (below) => {
    current = (current * 48_271) % 2_147_483_647;
    return current % below;
  };
}

function randomDelta(random: (below: number) => number, generation: number): SnapshotDelta {
  const remove = HOSTS.filter(() => random(3) === 0);
  const upsert = HOSTS.filter(() => random(3) === 0).map((host) => [host, `certificate-${random(9)}` as CertificateKey] as const);
  const unchanged = { virtualHosts: UNCHANGED, clusters: UNCHANGED, certificates: UNCHANGED, l4Listeners: UNCHANGED, passthrough: UNCHANGED };
  return { generation, settings: null, ...unchanged, serverNames: { upsert, remove } };
}

function sorted(delta: SnapshotDelta): SnapshotDelta {
  return { ...delta, serverNames: { remove: [], upsert: delta.serverNames.upsert.toSorted((left, right) => left[0] < right[0] ? -1 : 1) } };
}

test(`merged deltas lead where the single ones lead (GATEHOUSE_SEED=${seed})`, () => {
  const random = createRandom(seed);
  for (let round = 0; round < 300; round += 1) {
    const deltas = Array.from({ length: 1 + random(6) }, (_, index) => randomDelta(random, index + 1));
    const singly = createCurrentSnapshot();
    for (const delta of deltas) singly.apply(delta);
    const start = 1 + random(deltas.length);
    const merged = createCurrentSnapshot();
    for (const delta of deltas.slice(0, start - 1)) merged.apply(delta);
    merged.apply(deltas.slice(start - 1).reduce(mergeDeltas));
    assert.deepEqual(sorted(merged.full()), sorted(singly.full()));
    const caughtUp = createCurrentSnapshot();
    caughtUp.apply(singly.full());
    assert.deepEqual(caughtUp.full(), singly.full());
  }
});

test('nothing applied is generation 0', () => {
  assert.equal(createCurrentSnapshot().generation(), 0);
});
