import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFrom } from '../../core/testing/random.ts';
import { testSeed } from '../../core/testing/seededRandom.ts';
import { startCluster } from '../netns/cluster.ts';
import { lacksLab } from '../netns/lab.ts';
import { until } from '../support/until.ts';
import { allEstablished, bgpRoutesOf } from './lab/bgpViews.ts';
import { drawStep } from './lab/history/changes.ts';
import { hear, tableFaults, viewFaults, type AllHeard, type NextHops, type Routers } from './lab/history/heard.ts';
import { objectsOf, PASSWORD } from './lab/history/objects.ts';
import { expectedRoutes, isAnother, isUntouched, isUp, type Trail } from './lab/history/oracle.ts';
import { FIRST_WORLD, PLANS, ROUTER_ASN, SESSIONS, type SessionName } from './lab/history/world.ts';
import type { Neighbor, RouterOptions } from './lab/router.ts';
import { addRouterHost, type RouterHost } from './lab/routerHost.ts';
import { PROGRAMS, startRouter } from './lab/startRouter.ts';

const skip = lacksLab(...PROGRAMS.bird, ...PROGRAMS.frr);
const STEPS = Number(process.env['GATEHOUSE_HISTORY_STEPS'] ?? 36);
/** Of the routers: two seconds, as a flap would be no fault of Gatehouse's on a busy machine. */
const BFD_MULTIPLIER = 40;
/** Reports come a little later than routes. */
const VIEW_LIMIT_MS = 5_000;

test(`${STEPS} random changes: routers have what the objects say, and what a change is not about stands still`, { skip }, async (t) => {
  const seed = testSeed();
  t.diagnostic(`GATEHOUSE_SEED=${seed} GATEHOUSE_HISTORY_STEPS=${STEPS}`);
  const random = randomFrom(seed);
  const cluster = await startCluster(t, { lab: { nodes: 1, pods: 2 }, objects: (lab) => objectsOf(lab, FIRST_WORLD) });
  const { lab } = cluster;
  const gatehouse = cluster.gatehouse(1);
  const nextHops = lab.node(1).addresses;
  const [birdHost, frrHost] = await Promise.all([addRouterHost(t, lab, 1), addRouterHost(t, lab, 2)]);
  const [bird, frr] = await Promise.all([
    startRouter(t, 'bird', birdHost, optionsOf('bird', birdHost, nextHops)),
    startRouter(t, 'frr', frrHost, optionsOf('frr', frrHost, nextHops)),
  ]);
  const routers: Routers = { bird, frr };
  await allEstablished(gatehouse, SESSIONS);

  let world = FIRST_WORLD;
  let heard = await agreement(routers, { before: null, trail: [world], nextHops });
  const kept = { sessions: 0, tables: 0 };
  for (let step = 1; step <= STEPS; step += 1) {
    const { what, worlds } = drawStep(world, random);
    const trail = [world, ...worlds];
    try {
      for (const each of worlds) await cluster.change(objectsOf(lab, each));
      heard = await agreement(routers, { before: heard, trail, nextHops });
    } catch (error) {
      const found = error instanceof Error ? error.message : String(error);
      throw new Error(`GATEHOUSE_SEED=${seed}, step ${step}, ${what}: ${found}`, { cause: error });
    }
    kept.sessions += SESSIONS.filter((name) => !isAnother(trail, name)).length;
    kept.tables += SESSIONS.filter((name) => isUntouched(trail, name)).length;
    world = trail.at(-1) ?? world;
  }
  t.diagnostic(`of ${STEPS * SESSIONS.length} sessions ${kept.sessions} were to stay, and ${kept.tables} to hear of nothing`);

  let faults: readonly string[] = [];
  await until('the view says the same', async () => {
    const views = await bgpRoutesOf(gatehouse);
    faults = SESSIONS.flatMap((name) => viewFaults(name, views, heard[name].routes));
    return faults.length === 0;
  }, VIEW_LIMIT_MS).catch((error: unknown) => {
    throw new Error(`GATEHOUSE_SEED=${seed}: ${faults.join('\n')}`, { cause: error });
  });
});

function optionsOf(router: 'bird' | 'frr', { namespace }: RouterHost, node: NextHops): RouterOptions {
  const sessions = SESSIONS.filter((name) => PLANS[name].router === router).map((name) => PLANS[name]);
  return {
    asn: ROUTER_ASN[router], routerId: namespace.addresses.ipv4, bfdMultiplier: BFD_MULTIPLIER,
    neighbors: sessions.map(({ neighbor, internal, families, ownAsn, peerAsn, hasPassword, mayRestartGracefully }): Neighbor => ({
      name: neighbor, families, remoteAsn: ownAsn, localAsn: peerAsn, holdTimeS: 30, bfd: !internal, gracefulRestart: mayRestartGracefully,
      local: namespace.addresses[internal ? 'ipv6' : 'ipv4'], remote: node[internal ? 'ipv6' : 'ipv4'],
      ...(hasPassword ? { password: PASSWORD } : {}),
    })),
  };
}

interface Wanted {
  /** Heard before the change; null: nothing yet. */
  readonly before: AllHeard | null;
  /** Worlds since then: what was heard before is of the first. */
  readonly trail: Trail;
  readonly nextHops: NextHops;
}

/** Waits until all routers have what the objects say; throws for sessions and counters that should have stood still. */
async function agreement(routers: Routers, wanted: Wanted): Promise<AllHeard> {
  let faults: readonly string[] = [];
  const heard = await until('routers have what the objects say', async () => {
    const now = await hear(routers);
    faults = SESSIONS.flatMap((name) => sessionFaults(name, now, wanted));
    return faults.length === 0 && now;
  }).catch((error: unknown) => {
    throw new Error(faults.join('\n'), { cause: error });
  });
  assert.deepEqual(SESSIONS.flatMap((name) => flaps(name, heard, wanted)), []);
  return heard;
}

/** What is not yet as it is to become. */
function sessionFaults(name: SessionName, heard: AllHeard, { before, trail, nextHops }: Wanted): readonly string[] {
  const { session, routes } = heard[name];
  const world = trail.at(-1) ?? FIRST_WORLD;
  const faults = tableFaults(name, routes, { expected: expectedRoutes(world, name), nextHops });
  const isToBeUp = isUp(world, name);
  if (session.up !== isToBeUp) return [`${name} is ${session.up ? 'up' : 'down'}`, ...faults];
  if (isToBeUp && world.peers[name].bfdProfile !== null && session.bfdUp === false) return [`${name} is not watched by BFD`, ...faults];
  const earlier = before?.[name].session;
  const mustDiffer = isToBeUp && earlier?.up === true && isAnother(trail, name);
  return mustDiffer && session.incarnation === earlier.incarnation ? [`${name} is the session that it was`, ...faults] : faults;
}

/** What has happened, and should not have. */
function flaps(name: SessionName, { [name]: { session } }: AllHeard, { before, trail }: Wanted): readonly string[] {
  const earlier = before?.[name].session;
  if (earlier === undefined || isAnother(trail, name)) return [];
  if (session.incarnation !== earlier.incarnation) return [`${name} was another session: ${earlier.incarnation}, ${session.incarnation}`];
  if (!isUntouched(trail, name) || session.updates === earlier.updates) return [];
  return [`${name} heard of routes again: ${earlier.updates}, ${session.updates} updates`];
}
