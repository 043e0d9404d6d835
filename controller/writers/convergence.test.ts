import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, testSeed } from '../../core/testing/seededRandom.ts';
import { KubeError, type KubeErrorCode } from '../cluster/kubeApi.ts';
import type { ServiceStatus } from '../translate/translation.ts';
import { ADDRESS_ASSIGNED } from './serviceCondition.ts';
import { createWorld, inputOf, putService, servicePath, serviceStatus, type World } from './testing/world.ts';
import type { WriterInput } from './writerInput.ts';

const SEED = testSeed();
const HISTORIES = 40;
const STEPS = 60;
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];
const FAILURES: readonly KubeErrorCode[] = ['conflict', 'server', 'timeout', 'unreachable', 'tooManyRequests'];
const FOREIGN_CONDITION = {
  type: 'example.com/Ready',
  status: 'True',
  lastTransitionTime: '2020-01-01T00:00:00Z',
  reason: 'Fine',
  message: 'ü',
  observedGeneration: 3,
};

interface History {
  readonly world: World;
  readonly random: () => number;
  /** name → what translation says of it; those that are not in it are not ours. */
  readonly statuses: Map<string, ServiceStatus>;
  /** Names of Services that never were ours → their JSON. */
  readonly foreign: Map<string, string>;
  /** Names of Services that somebody else has given a condition. */
  readonly marked: Set<string>;
  /** Things that give a reason to write. */
  causes: number;
}

function pickOf<T>(random: () => number, choices: readonly T[]): T {
  const choice = choices[Math.floor(random() * choices.length)];
  assert.ok(choice !== undefined);
  return choice;
}

/** One thing that happens in a cluster. */
function change(history: History): void {
  const { world, random, statuses, foreign } = history;
  const name = pickOf(random, NAMES.filter((candidate) => !foreign.has(candidate)));
  const path = servicePath(name);
  history.causes += 1;
  switch (Math.floor(random() * 6)) {
    case 0:
      statuses.set(name, serviceStatus(name, []));
      return;
    case 1:
      // Somebody changes something that is no concern of ours.
      world.api.put(path, { ...world.api.at(path), metadata: { ...world.api.at(path).metadata, annotations: { note: String(random()) } } });
      return;
    case 2:
      // Another controller, or a person, writes the status.
      history.marked.add(name);
      world.api.put(path, { ...world.api.at(path), status: { loadBalancer: { ingress: [{ ip: '198.51.100.7' }] }, conditions: [FOREIGN_CONDITION] } });
      return;
    case 3:
      history.marked.add(name);
      putService(world.api, name, { status: { loadBalancer: {}, conditions: [FOREIGN_CONDITION] } });
      return;
    default:
      statuses.set(name, serviceStatus(name, [`192.0.2.${Math.floor(random() * 250)}`, '2001:db8::1'].slice(0, 1 + Math.floor(random() * 2))));
  }
}

function factsOf({ statuses }: History): Partial<WriterInput> {
  return { services: [...statuses.values()], ipModeOf: () => 'Proxy' };
}

async function live(history: History): Promise<void> {
  const { world, random } = history;
  const { api, writer, time, leadership } = world;
  let stale: WriterInput | null = null;
  api.fault = () => (random() < 0.3 ? new KubeError(pickOf(random, FAILURES), 'by chance', { retryAfterMs: random() < 0.5 ? 700 : null }) : null);
  for (let step = 0; step < STEPS; step += 1) {
    change(history);
    if (random() < 0.3) stale = inputOf(api, factsOf(history));
    if (random() < 0.2 && stale !== null) writer.update(stale);
    if (random() < 0.8) writer.update(inputOf(api, factsOf(history)));
    if (random() < 0.1) leadership.set(!leadership.isLeader());
    await time.advance(Math.floor(random() * 3_000));
  }
  api.fault = () => null;
  leadership.set(true);
  for (let round = 0; round < 4; round += 1) {
    writer.update(inputOf(api, factsOf(history)));
    await time.advance(400_000);
  }
}

function assertAsWanted({ world, statuses, foreign, marked }: History): void {
  for (const [name, { addresses }] of statuses) {
    const status = world.api.at(servicePath(name)).status as {
      readonly loadBalancer: { readonly ingress?: readonly { readonly ip: string }[] };
      readonly conditions: readonly { readonly type: string; readonly status: string }[];
    };
    const given = (status.loadBalancer.ingress ?? []).map(({ ip }) => ip);
    // What others wrote stands where we have nothing to say.
    if (addresses.length > 0 || given[0] !== '198.51.100.7') assert.deepEqual(given, addresses, name);
    const own = status.conditions.filter(({ type }) => type === ADDRESS_ASSIGNED);
    assert.deepEqual(own.map((condition) => condition.status), [addresses.length > 0 ? 'True' : 'False'], name);
    const others = status.conditions.filter(({ type }) => type !== ADDRESS_ASSIGNED);
    assert.deepEqual(others, marked.has(name) ? [FOREIGN_CONDITION] : [], name);
  }
  for (const [name, json] of foreign) assert.equal(JSON.stringify(world.api.at(servicePath(name))), json);
}

for (const dropsIpMode of [false, true]) {
  const server = dropsIpMode ? 'an API server that drops ipMode' : 'an API server';
  test(`whatever happens, statuses at ${server} become what is wanted, foreign bytes stay, and then it is quiet (GATEHOUSE_SEED=${SEED})`, async () => {
    for (let index = 0; index < HISTORIES; index += 1) {
      const world = createWorld();
      world.api.dropsIpMode = dropsIpMode;
      const history: History = { world, random: seededRandom(SEED + index), statuses: new Map(), foreign: new Map(), marked: new Set(), causes: 0 };
      for (const name of NAMES) putService(world.api, name);
      for (const name of ['e', 'f']) {
        const status = { loadBalancer: { ingress: [{ ip: '198.51.100.1', ipMode: 'VIP' }] }, conditions: [FOREIGN_CONDITION] };
        history.foreign.set(name, JSON.stringify(putService(world.api, name, { spec: { loadBalancerClass: 'example.com/other' }, status })));
      }
      await live(history);
      assertAsWanted(history);
      assert.equal(world.writer.pending, 0);
      world.taken();
      await world.tell(factsOf(history));
      assert.deepEqual(world.taken(), []);
      const written = world.writer.counts().writes.filter(({ outcome }) => outcome === 'written').reduce((sum, { count }) => sum + count, 0);
      // Each thing that happens, and each election, is a reason to write each object once at most.
      assert.ok(written <= history.causes * 2 + NAMES.length, `${written} writes for ${history.causes} causes`);
      await world.writer.stop();
      assert.equal(world.time.timers, 0);
    }
  });
}
