import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../core/log/logger.ts';
import { SnapshotRollout } from './snapshotRollout.ts';
import type { SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { WorkerSlotState } from './workerSlot.ts';

const UNCHANGED = { upsert: [], remove: [] };

function delta(generation: number): SnapshotDelta {
  const unchanged = { clusters: UNCHANGED, certificates: UNCHANGED, serverNames: UNCHANGED, l4Listeners: UNCHANGED, passthrough: UNCHANGED };
  return { generation, settings: null, virtualHosts: UNCHANGED, ...unchanged };
}

/** A slot that keeps what it is given. */
class RecordingSlot {
  state: WorkerSlotState = 'serving';
  generation = 0;
  readonly given: number[] = [];

  apply({ generation }: SnapshotDelta): void {
    this.given.push(generation);
  }
}

/** Two serving slots at generation 1. */
function createRollout(): { rollout: SnapshotRollout; first: RecordingSlot; second: RecordingSlot } {
  const [first, second] = [new RecordingSlot(), new RecordingSlot()];
  const rollout = new SnapshotRollout(silentLogger);
  rollout.begin([first, second]);
  rollout.apply(delta(1));
  for (const slot of [first, second]) slot.generation = 1;
  return { rollout, first, second };
}

test('the first snapshot goes to all at once', () => {
  const { first, second } = createRollout();
  assert.deepEqual([first.given, second.given], [[1], [1]]);
});

test('a delta reaches the others when one serves it, joined with what came meanwhile', () => {
  const { rollout, first, second } = createRollout();
  for (const generation of [2, 3, 4]) rollout.apply(delta(generation));
  assert.deepEqual([first.given, second.given], [[1, 2], [1]]);
  first.generation = 2;
  rollout.changed();
  assert.equal(rollout.proven.generation(), 2);
  assert.deepEqual([first.given, second.given], [[1, 2, 4], [1, 2]]);
  first.generation = 4;
  rollout.changed();
  assert.deepEqual(second.given, [1, 2, 4]);
});

test('a delta that ends two workers is held back until the next one comes, and is part of it', () => {
  const { rollout, first, second } = createRollout();
  rollout.apply(delta(2));
  first.state = 'down';
  rollout.changed();
  assert.deepEqual(second.given, [1, 2]);
  first.state = 'serving';
  second.state = 'down';
  rollout.changed();
  second.state = 'serving';
  rollout.changed();
  assert.deepEqual([first.given, second.given], [[1, 2], [1, 2]]);
  assert.equal(rollout.proven.generation(), 1);
  rollout.apply(delta(3));
  assert.deepEqual(first.given, [1, 2, 3]);
});

test('while no worker serves, a delta waits for the first that does', () => {
  const { rollout, first, second } = createRollout();
  first.state = 'down';
  second.state = 'down';
  rollout.apply(delta(2));
  assert.deepEqual(second.given, [1]);
  second.state = 'serving';
  rollout.changed();
  assert.deepEqual(second.given, [1, 2]);
});
