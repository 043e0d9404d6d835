import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BalancePolicy, Endpoint } from '../../core/ir/cluster.ts';
import type { ClusterState } from './clusterState.ts';
import type { EndpointState } from './endpointState.ts';
import { balanceRequest, chooseMany, clusterOf, endpoint, endpoints, stateOf, tally } from './testing/clusters.ts';
import { seededRandom, testSeed } from '../../core/testing/seededRandom.ts';

function choose(state: ClusterState, tried: readonly EndpointState[] = []): EndpointState {
  const choice = state.choose(balanceRequest(), null, tried);
  assert.ok(choice !== null);
  return choice.target;
}

function eject(state: ClusterState, target: EndpointState): void {
  assert.equal(state.connectFailed(target), false);
  assert.equal(state.connectFailed(target), false);
  assert.equal(state.connectFailed(target), true);
}

test('terminating endpoints get nothing, and a cluster of such is not available', () => {
  const members = [endpoint(0, { state: 'terminating' }), endpoint(1)];
  const { state } = stateOf(clusterOf(members));
  assert.deepEqual([...tally(chooseMany(state, 10)).keys()], ['10.0.0.1:80']);
  state.update(clusterOf(members.slice(0, 1)));
  assert.equal(state.isAvailable, false);
  assert.equal(state.choose(balanceRequest(), null), null);
});

test('an ejected endpoint gets nothing for five seconds, then a tenth, then grows to its full share in ten seconds', () => {
  const { state, clock } = stateOf(clusterOf(endpoints(2)));
  const target = choose(state);
  eject(state, target);
  const shareOf = (): number => (tally(chooseMany(state, 1_100)).get(target.key) ?? 0) / 1_100;
  assert.equal(shareOf(), 0);
  clock.advance(4_999);
  assert.equal(shareOf(), 0);
  clock.advance(1);
  assert.ok(Math.abs(shareOf() - 0.1 / 1.1) < 0.005);
  clock.advance(5_000);
  assert.ok(Math.abs(shareOf() - 0.55 / 1.55) < 0.005);
  clock.advance(5_000);
  assert.equal(shareOf(), 0.5);
});

test('when every endpoint is ejected all are tried, and a success brings its own back first', () => {
  const { state } = stateOf(clusterOf(endpoints(3)));
  const all = [choose(state), choose(state), choose(state)];
  for (const target of all) eject(state, target);
  assert.equal(tally(chooseMany(state, 30)).size, 3);
  assert.ok(all[1] !== undefined);
  state.connectSucceeded(all[1]);
  assert.deepEqual([...tally(chooseMany(state, 30)).keys()], [all[1].key]);
});

test('a retry may go to an ejected endpoint when nothing else is left, and ends when all were tried', () => {
  const { state, clock } = stateOf(clusterOf(endpoints(3)));
  const later = choose(state);
  const sooner = choose(state);
  const good = choose(state);
  eject(state, sooner);
  clock.advance(100);
  eject(state, later);
  assert.equal(choose(state), good);
  assert.equal(choose(state, [good]), sooner);
  assert.equal(choose(state, [good, sooner]), later);
  assert.equal(state.choose(balanceRequest(), null, [good, sooner, later]), null);
});

test('what is known of an endpoint survives updates, and its coming and going while requests run', () => {
  const { state } = stateOf(clusterOf(endpoints(2)));
  const target = choose(state);
  state.started(target);
  state.started(target);
  eject(state, target);
  state.update(clusterOf(endpoints(2).filter((one) => one.host !== target.endpoint.host)));
  assert.equal(state.views().length, 1);
  state.finished(target, 5);
  state.update(clusterOf(structuredClone(endpoints(2))));
  const view = state.views().find((one) => one.endpoint === target.key);
  assert.deepEqual([view?.activeRequests, view?.isEjected], [1, true]);

  state.update(clusterOf([]));
  state.finished(target, 5);
  state.update(clusterOf(endpoints(2)));
  const fresh = state.views().find((one) => one.endpoint === target.key);
  assert.deepEqual([fresh?.activeRequests, fresh?.isEjected], [0, false]);
});

test('a weight that changes counts at once', () => {
  const { state } = stateOf(clusterOf(endpoints(2)));
  chooseMany(state, 5);
  state.update(clusterOf([endpoint(0, { weight: 9 }), endpoint(1)]));
  assert.equal(tally(chooseMany(state, 1_000)).get('10.0.0.0:80'), 900);
});

test('a policy that changes counts at once', () => {
  const { state } = stateOf(clusterOf(endpoints(5)));
  assert.equal(tally(chooseMany(state, 10)).size, 5);
  state.update(clusterOf(endpoints(5), { type: 'maglev', key: [{ type: 'remoteAddress' }], subsetSize: 1 }));
  assert.equal(tally(chooseMany(state, 10)).size, 1);
});

test('one address listed twice is one endpoint', () => {
  const { state } = stateOf(clusterOf([endpoint(0), endpoint(0), endpoint(1)]));
  assert.deepEqual([...tally(chooseMany(state, 10)).values()], [5, 5]);
  assert.equal(state.views().length, 2);
});

test('IPv6 endpoints are keyed in brackets', () => {
  const { state } = stateOf(clusterOf([endpoint(0, { host: 'fd00::1', port: 8080 })]));
  assert.equal(choose(state).key, '[fd00::1]:8080');
});

test('views tell state, weight, requests, ejection and share of every endpoint', () => {
  const { state, clock } = stateOf(clusterOf([endpoint(0, { weight: 4 }), endpoint(1, { state: 'terminating' })]));
  const target = choose(state);
  state.started(target);
  eject(state, target);
  clock.advance(5_000);
  const common = { cluster: 'shop/web:80', latencyMs: 0, isEjected: false };
  assert.deepEqual(state.views(), [
    { ...common, endpoint: '10.0.0.0:80', state: 'ready', weight: 4, activeRequests: 1, share: 0.4 },
    { ...common, endpoint: '10.0.0.1:80', state: 'terminating', weight: 1, activeRequests: 0, share: 0 },
  ]);
});

test('a description says why there is no endpoint, and how many are ejected', () => {
  const { state } = stateOf({ ...clusterOf([]), unavailable: 'Service shop/web does not exist' });
  assert.deepEqual(state.describe(balanceRequest(), null), { endpoint: null, text: 'Service shop/web does not exist' });
  state.update(clusterOf(endpoints(3)));
  eject(state, choose(state));
  assert.match(state.describe(balanceRequest(), null).text, /2 ready endpoints, 1 more ejected/);
});

const POLICIES: readonly BalancePolicy[] = [
  { type: 'roundRobin' },
  { type: 'leastConnections' },
  { type: 'ewma' },
  { type: 'maglev', key: [{ type: 'remoteAddress' }], subsetSize: 1 },
  { type: 'maglev', key: [{ type: 'remoteAddress' }], subsetSize: 2 },
];

test('through random updates, failures and time no choice falls outside the ready and untried endpoints', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const draw = (count: number): number => Math.floor(random() * count);
  for (const policy of POLICIES) {
    const { state, clock } = stateOf(clusterOf([], policy), seed);
    let members: Endpoint[] = [];
    const running: EndpointState[] = [];
    for (let step = 0; step < 4_000; step += 1) {
      if (draw(20) === 0) {
        members = endpoints(8)
          .filter(() => draw(3) > 0)
          .map((one) => ({ ...one, weight: 1 + draw(5), state: draw(4) === 0 ? 'terminating' : 'ready' }));
        state.update(clusterOf(members, policy));
      }
      clock.advance(draw(400));
      const ready = members.filter((one) => one.state === 'ready').map((one) => `${one.host}:80`);
      const tried: EndpointState[] = [];
      for (let attempt = draw(4); attempt >= 0; attempt -= 1) {
        const choice = state.choose(balanceRequest({ remoteAddress: `c${draw(50)}` }), null, tried);
        const context = `seed ${seed}, ${policy.type}, step ${step}`;
        if (choice === null) {
          assert.ok(ready.length <= tried.length, context);
          break;
        }
        assert.ok(ready.includes(choice.target.key) && !tried.includes(choice.target), context);
        tried.push(choice.target);
        state.started(choice.target);
        running.push(choice.target);
        if (draw(3) > 0) state.connectSucceeded(choice.target);
        else state.connectFailed(choice.target);
      }
      while (running.length > 10) state.finished(running.shift() as EndpointState, draw(2) === 0 ? null : draw(100));
    }
    for (const target of running) state.finished(target, 1);
    assert.ok(state.views().every((view) => view.activeRequests === 0), `seed ${seed}, ${policy.type}`);
  }
});

test('through random updates round robin keeps every endpoint within one round of its proportional share', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const { state } = stateOf(clusterOf([]), seed);
  for (let round = 0; round < 200; round += 1) {
    const count = 1 + Math.floor(random() * 8);
    const members = endpoints(count).map((one) => ({ ...one, weight: 1 + Math.floor(random() * 9) }));
    state.update(clusterOf(members));
    const total = members.reduce((sum, one) => sum + one.weight, 0);
    const counts = tally(chooseMany(state, total * 3));
    for (const { host, weight } of members) {
      const off = Math.abs((counts.get(`${host}:80`) ?? 0) - weight * 3);
      assert.ok(off <= weight + 2, `seed ${seed}, round ${round}: ${host} of weight ${weight} is ${off} off`);
    }
  }
});

test('the same seed, clock and calls give the same choices', () => {
  for (const policy of POLICIES) {
    const run = (): string[] => {
      const { state, clock } = stateOf(clusterOf(endpoints(6), policy), 42);
      return Array.from({ length: 200 }, (_, step) => {
        const target = choose(state);
        if (step % 7 === 0) state.connectFailed(target);
        clock.advance(50);
        return target.key;
      });
    };
    assert.deepEqual(run(), run());
  }
});
