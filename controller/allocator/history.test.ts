import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, testSeed } from '../../core/testing/seededRandom.ts';
import { allocate, type AllocationInput, type AllocationResult } from './allocate.ts';
import type { Assignments } from './assignment.ts';
import { judge, type World } from './testing/oracle.ts';
import { change, copyOf, createPick, emptyWorld, servicesOf, shuffled, type OpenWorld, type Pick } from './testing/randomWorld.ts';

const SEED = testSeed();
const HISTORIES = 250;
const STEPS = 40;
const NONE: Assignments = new Map();

function inputOf(world: World, previous: Assignments, mode: AllocationInput['mode'] = 'give'): AllocationInput {
  return {
    pools: [...world.pools.values()],
    services: servicesOf(world),
    namespaces: [...world.namespaces.values()],
    previous,
    mode,
    loadBalancerClass: { name: 'gatehouse.dev/lb', required: world.classRequired },
    openelbOptIn: world.optIn,
  };
}

/** What the leader's writer does: statuses of our own Services become what has been decided. */
function write(world: OpenWorld, { assignments, changes }: AllocationResult): void {
  for (const { service, after } of changes) if (after.length === 0) world.statuses.delete(service);
  for (const key of world.statuses.keys()) if (!assignments.has(key)) world.statuses.delete(key);
  for (const [key, { addresses }] of assignments) world.statuses.set(key, addresses);
}

function assertOrderDoesNotMatter(world: World, was: Assignments, now: AllocationResult, pick: Pick): void {
  const input = inputOf(world, new Map(shuffled(was, pick)));
  const mixed = allocate({
    ...input,
    pools: shuffled(input.pools, pick),
    services: shuffled(input.services, pick),
    namespaces: shuffled(input.namespaces, pick),
  });
  assert.deepEqual([...mixed.assignments], [...now.assignments]);
  assert.deepEqual(mixed.problems, now.problems);
  assert.deepEqual(mixed.refusals, now.refusals);
  assert.deepEqual(mixed.pools, now.pools);
}

/** Two processes beside each other: one gives, the other follows; both are judged after every step. */
function live(seed: number): void {
  const pick = createPick(seededRandom(seed));
  const world = emptyWorld();
  let leader: Assignments = NONE;
  let follower: Assignments = NONE;
  let before = copyOf(world);
  for (let step = 0; step < STEPS; step += 1) {
    change(world, pick);
    const now = allocate(inputOf(world, leader));
    judge({ world, before, was: leader, result: now, mode: 'give' });
    assertOrderDoesNotMatter(world, leader, now, pick);
    const again = allocate(inputOf(world, now.assignments));
    assert.deepEqual([...again.assignments], [...now.assignments], 'a second run changes nothing');
    assert.deepEqual(again.changes, []);
    leader = again.assignments;
    const early = allocate(inputOf(world, follower, 'keep'));
    judge({ world, before, was: follower, result: early, mode: 'keep' });
    follower = early.assignments;
    // A leader that ends before it has written leaves the statuses as they were.
    const unwritten = pick([false, false, false, false, false, false, true]);
    if (!unwritten) {
      write(world, now);
      const late = allocate(inputOf(world, follower, 'keep'));
      judge({ world, before: world, was: follower, result: late, mode: 'keep' });
      assert.deepEqual([...late.assignments], [...now.assignments], 'whoever follows agrees with the leader');
      follower = late.assignments;
    }
    before = copyOf(world);
    if (unwritten || pick([false, false, false, true])) [leader, follower] = [follower, leader];
    if (pick([false, false, false, false, true])) leader = NONE;
    if (pick([false, false, false, false, true])) follower = NONE;
  }
}

test(`Whatever happens to pools, Services, leaders and processes, addresses obey the rules (GATEHOUSE_SEED=${SEED})`, () => {
  for (let history = 0; history < HISTORIES; history += 1) {
    try {
      live(SEED + history);
    } catch (error) {
      throw new Error(`GATEHOUSE_SEED=${SEED + history}`, { cause: error });
    }
  }
});

test(`A restart from the statuses alone keeps every address (GATEHOUSE_SEED=${SEED})`, () => {
  for (let history = 0; history < HISTORIES; history += 1) {
    const pick = createPick(seededRandom(SEED - history));
    const world = emptyWorld();
    let now = allocate(inputOf(world, NONE));
    for (let step = 0; step < STEPS; step += 1) {
      change(world, pick);
      now = allocate(inputOf(world, now.assignments));
    }
    write(world, now);
    assert.deepEqual([...allocate(inputOf(world, NONE)).assignments], [...now.assignments], `GATEHOUSE_SEED=${SEED - history}`);
  }
});
