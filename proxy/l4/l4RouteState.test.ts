import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint } from '../../core/ir/cluster.ts';
import { createManualClock } from '../../core/time/manualClock.ts';
import { ClusterTable } from '../balance/clusterTable.ts';
import { ClientPins } from './clientPins.ts';
import { L4RouteState } from './l4RouteState.ts';
import { clusterOf, routeOf, type ClusterSpecs, type RouteSpec } from './testing/startL4.ts';

const SEED = Number(process.env['GATEHOUSE_SEED'] ?? Date.now() % 2 ** 31);

function setUp(spec: RouteSpec, specs: ClusterSpecs) {
  let state = SEED || 1;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const clock = createManualClock();
  const clusters = new ClusterTable({ clock, random });
  const setClusters = (next: ClusterSpecs): void => {
    const upsert = Object.entries(next).map(([name, endpoints]) => clusterOf(name, endpoints));
    clusters.apply({ upsert: upsert.map((cluster) => [cluster.key, cluster] as const), remove: [] });
  };
  setClusters(specs);
  const route = new L4RouteState(routeOf(spec), { clusters, clock, random });
  /** The service and port a client comes to; the connection is closed at once unless `keep`. */
  const visit = (address: string, keep = false): string | null => {
    const pick = route.choose(address);
    if (pick === null) return null;
    route.entered(address, pick);
    if (!keep) route.left(address, pick, false);
    return `${pick.cluster.cluster.service} ${pick.target.endpoint.port}`;
  };
  const count = (visits: number): number => {
    let canary = 0;
    for (let index = 0; index < visits; index += 1) if (visit('192.0.2.1')?.startsWith('canary') === true) canary += 1;
    return canary;
  };
  return { clock, clusters, setClusters, route, visit, count };
}

test('canaries get the share of their weight, within five standard deviations', (context) => {
  context.diagnostic(`GATEHOUSE_SEED=${SEED}`);
  const { route, count } = setUp({}, { main: [1, 2], canary: [3] });
  const draws = 100_000;
  for (const [weight, total] of [[0, 100], [1, 100], [10, 100], [50, 100], [100, 100], [1, 1_000_000], [1, 3]] as const) {
    route.update(routeOf({ targets: { main: total - weight, canary: weight } }));
    const share = weight / total;
    const bound = 5 * Math.sqrt(draws * share * (1 - share));
    const canary = count(draws);
    assert.ok(Math.abs(canary - draws * share) <= bound, `${canary} of ${draws} at ${weight}/${total}`);
  }
});

test('several canaries share with the primary by weight', () => {
  const { route, visit } = setUp({}, { main: [1], blue: [2], green: [3] });
  route.update(routeOf({ targets: { main: 50, blue: 30, green: 20 } }));
  const counts = new Map<string | null, number>();
  for (let index = 0; index < 50_000; index += 1) {
    const place = visit('192.0.2.1');
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  for (const [place, share] of [['main 1', 0.5], ['blue 2', 0.3], ['green 3', 0.2]] as const) {
    assert.ok(Math.abs((counts.get(place) ?? 0) - 50_000 * share) < 5 * Math.sqrt(50_000 * share * (1 - share)), place);
  }
});

test('a canary without endpoints leaves its share to the primary; without the primary there is nothing', () => {
  const { setClusters, visit, route } = setUp({ targets: { main: 1, canary: 99 } }, { main: [1], canary: [] });
  for (let index = 0; index < 50; index += 1) assert.equal(visit('192.0.2.1'), 'main 1');
  setClusters({ main: [], canary: [3] });
  assert.equal(visit('192.0.2.1'), null);
  route.update(routeOf({ targets: { gone: 1 } }));
  assert.equal(visit('192.0.2.1'), null);
});

test('a client keeps its endpoint until it has been silent for the timeout, open connections not being silence', () => {
  const { clock, visit } = setUp({ affinityTimeoutMs: 1_000 }, { main: [1, 2, 3, 4, 5, 6, 7, 8] });
  const first = visit('192.0.2.1');
  for (let round = 0; round < 20; round += 1) {
    clock.advance(999);
    assert.equal(visit('192.0.2.1'), first);
  }
  clock.advance(1_000);
  assert.notEqual(visit('192.0.2.1'), first);
  const open = visit('192.0.2.9', true);
  clock.advance(1_000_000);
  assert.equal(visit('192.0.2.9'), open);
});

test('a kept endpoint holds the draw, and is left when it is not ready, gone, or its weight is 0', () => {
  const { visit, setClusters, route } = setUp({ affinityTimeoutMs: 1_000, targets: { main: 0, canary: 1 } }, { main: [1], canary: [2] });
  assert.equal(visit('192.0.2.1'), 'canary 2');
  route.update(routeOf({ affinityTimeoutMs: 1_000, targets: { main: 1_000_000, canary: 1 } }));
  for (let index = 0; index < 20; index += 1) assert.equal(visit('192.0.2.1'), 'canary 2');
  route.update(routeOf({ affinityTimeoutMs: 1_000, targets: { main: 1, canary: 0 } }));
  assert.equal(visit('192.0.2.1'), 'main 1');
  const terminating: Endpoint = { host: '127.0.0.1', port: 1, weight: 1, state: 'terminating' };
  setClusters({ main: [terminating, 5], canary: [2] });
  assert.equal(visit('192.0.2.1'), 'main 5');
  setClusters({ main: [7], canary: [2] });
  assert.equal(visit('192.0.2.1'), 'main 7');
});

test('an endpoint that did not take the client is not kept', () => {
  const { route } = setUp({ affinityTimeoutMs: 1_000 }, { main: [1, 2] });
  const pick = route.choose('192.0.2.1');
  assert.ok(pick !== null);
  route.entered('192.0.2.1', pick);
  route.left('192.0.2.1', pick, true);
  const next = route.chooseIn(pick.cluster, '192.0.2.1', [pick.target]);
  assert.ok(next !== null && next.target !== pick.target);
  route.entered('192.0.2.1', next);
  for (let index = 0; index < 10; index += 1) assert.equal(route.choose('192.0.2.1')?.target, next.target);
});

test('what is kept is bounded: the client seen longest ago is forgotten', () => {
  const { route } = setUp({}, { main: [1] });
  const pick = route.choose('192.0.2.1');
  assert.ok(pick !== null);
  const pins = new ClientPins(createManualClock());
  for (let index = 0; index <= 16_384; index += 1) pins.opened(`client ${index}`, pick);
  assert.equal(pins.get('client 0', 1_000), null);
  assert.equal(pins.get('client 1', 1_000), pick);
  pins.opened('one more', pick);
  assert.equal(pins.get('client 1', 1_000), pick);
  assert.equal(pins.get('client 2', 1_000), null);
});

test('source ranges and trusted peers are compared by address, in both families', () => {
  const { route } = setUp(
    { sourceRanges: ['192.0.2.0/25', '2001:db8::/33', '198.51.100.7/32'], acceptProxyProtocol: { trustedCidrs: ['::1/128'] } },
    { main: [1] },
  );
  for (const address of ['192.0.2.0', '192.0.2.127', '2001:db8:7fff::1', '198.51.100.7']) assert.equal(route.admits(address), true, address);
  for (const address of ['192.0.2.128', '2001:db8:8000::1', '198.51.100.8', '::', '']) assert.equal(route.admits(address), false, address);
  assert.equal(route.trusts('::1'), true);
  assert.equal(route.trusts('127.0.0.1'), false);
});
