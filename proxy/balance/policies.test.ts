import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BalancePolicy } from '../../core/ir/cluster.ts';
import type { EndpointState } from './endpointState.ts';
import { balanceRequest, chooseMany, clusterOf, endpoint, endpoints, stateOf, tally } from './testing/clusters.ts';
import { seededRandom, testSeed } from '../../core/testing/seededRandom.ts';

const BY_ADDRESS: BalancePolicy = { type: 'maglev', key: [{ type: 'remoteAddress' }], subsetSize: 1 };
const POLICIES: readonly BalancePolicy[] = [
  { type: 'roundRobin' },
  { type: 'leastConnections' },
  { type: 'ewma' },
  BY_ADDRESS,
  { ...BY_ADDRESS, subsetSize: 3 },
];

const WEIGHTS = [1, 2, 3, 4, 10];
const ROUNDS = 20_000;

/** How often idle endpoints of `WEIGHTS` are chosen, each request from another client. */
function idleShares(policy: BalancePolicy): { seed: number; counts: readonly number[] } {
  const seed = testSeed();
  const random = seededRandom(seed);
  const { state } = stateOf(clusterOf(WEIGHTS.map((weight, index) => endpoint(index, { weight })), policy), seed);
  const chosen = tally(
    Array.from({ length: ROUNDS }, () => {
      const request = balanceRequest({ remoteAddress: `198.51.100.${random()}` });
      return state.choose(request, null)?.target.key ?? 'none';
    }),
  );
  return { seed, counts: WEIGHTS.map((_, index) => chosen.get(`10.0.0.${index}:80`) ?? 0) };
}

/** One shared suite for every policy. */
for (const policy of POLICIES) {
  const name = policy.type === 'maglev' ? `maglev with subsets of ${policy.subsetSize}` : policy.type;
  describe(name, () => {
    test('chooses none of no endpoints, and the one of one', () => {
      const { state } = stateOf(clusterOf([], policy));
      assert.equal(state.choose(balanceRequest(), null), null);
      state.update(clusterOf(endpoints(1), policy));
      assert.deepEqual(chooseMany(state, 3), ['10.0.0.0:80', '10.0.0.0:80', '10.0.0.0:80']);
    });

    test('never chooses what was tried, and then nothing', () => {
      const { state } = stateOf(clusterOf(endpoints(5), policy));
      const tried: EndpointState[] = [];
      for (let attempt = 0; attempt < 5; attempt += 1) {
        const choice = state.choose(balanceRequest(), null, tried);
        assert.ok(choice !== null && !tried.includes(choice.target));
        tried.push(choice.target);
      }
      assert.equal(state.choose(balanceRequest(), null, tried), null);
    });

    test('gives idle endpoints shares that grow with their weights', () => {
      const { seed, counts } = idleShares(policy);
      const isGrowing = counts.every((count, index) => index === 0 || count > (counts[index - 1] ?? 0));
      assert.ok(isGrowing, `seed ${seed}: ${counts.join()}`);
    });

    test('describes a choice without changing the next ones', () => {
      const first = stateOf(clusterOf(endpoints(4), policy), 7).state;
      const second = stateOf(clusterOf(endpoints(4), policy), 7).state;
      for (let round = 0; round < 20; round += 1) {
        const described = second.describe(balanceRequest(), null);
        assert.ok(described.endpoint !== null && described.text.length > 0);
        assert.deepEqual(chooseMany(first, 3), chooseMany(second, 3));
      }
    });
  });
}

// Two choices never draw one endpoint twice and a subset is shared alike: there weights count, but not to the letter.
for (const policy of POLICIES.filter(({ type }) => type !== 'ewma').slice(0, 3)) {
  test(`${policy.type} gives idle endpoints shares in proportion to their weights`, () => {
    const { seed, counts } = idleShares(policy);
    for (const [index, weight] of WEIGHTS.entries()) {
      const share = weight / 20;
      // Five standard deviations of a fair draw, and half a per mille for the table's whole places.
      const bound = 5 * Math.sqrt(ROUNDS * share * (1 - share)) + ROUNDS / 2_000;
      const off = Math.abs((counts[index] ?? 0) - ROUNDS * share);
      assert.ok(off <= bound, `seed ${seed}: weight ${weight} is ${off} off, bound ${bound}`);
    }
  });
}

test('round robin with equal weights meets every endpoint once per round, whatever its random start', () => {
  for (const seed of [1, 2, 3, 4]) {
    const { state } = stateOf(clusterOf(endpoints(10)), seed);
    assert.deepEqual([...tally(chooseMany(state, 100)).values()], Array.from({ length: 10 }, () => 10));
  }
});

test('round robin spreads a heavy endpoint out instead of bursting', () => {
  const { state } = stateOf(clusterOf([endpoint(0, { weight: 5 }), endpoint(1), endpoint(2)]));
  const order = chooseMany(state, 7).map((key) => key.slice(7, 8));
  assert.deepEqual(order.join(''), '0010200');
});

test('round robin gives an ejected endpoint\'s share to all others alike, not to its neighbour', () => {
  const { state } = stateOf(clusterOf(endpoints(4)));
  const victim = state.choose(balanceRequest(), null)?.target;
  assert.ok(victim !== undefined);
  for (let failure = 0; failure < 3; failure += 1) state.connectFailed(victim);
  assert.deepEqual([...tally(chooseMany(state, 300)).values()], [100, 100, 100]);
});

test('round robin describes the endpoint it will choose next', () => {
  const { state } = stateOf(clusterOf(endpoints(3)));
  chooseMany(state, 1);
  const { endpoint: next } = state.describe(balanceRequest(), null);
  assert.deepEqual(chooseMany(state, 1), [`${next?.host}:${next?.port}`]);
});

test('least connections prefers the endpoint with fewer active requests per weight', () => {
  const { state } = stateOf(clusterOf([endpoint(0), endpoint(1, { weight: 3 })], { type: 'leastConnections' }));
  const started = [];
  for (let request = 0; request < 8; request += 1) {
    const target = state.choose(balanceRequest(), null)?.target;
    assert.ok(target !== undefined);
    state.started(target);
    started.push(target.key);
  }
  assert.deepEqual(tally(started), new Map([['10.0.0.0:80', 2], ['10.0.0.1:80', 6]]));
});

test('ewma moves requests away from a slow endpoint and back once it has recovered', () => {
  const { state, clock } = stateOf(clusterOf(endpoints(2), { type: 'ewma' }));
  const serve = (count: number, slowMs: number): number => {
    let slow = 0;
    for (let request = 0; request < count; request += 1) {
      const target = state.choose(balanceRequest(), null)?.target;
      assert.ok(target !== undefined);
      const isSlow = target.key === '10.0.0.0:80';
      if (isSlow) slow += 1;
      state.started(target);
      clock.advance(5);
      state.finished(target, isSlow ? slowMs : 10);
    }
    return slow;
  };
  const whileSlow = serve(1_000, 500);
  assert.ok(whileSlow < 20, `${whileSlow} of 1000 went to the slow endpoint`);
  clock.advance(120_000);
  const afterwards = serve(1_000, 10);
  assert.ok(afterwards > 300, `${afterwards} of 1000 went to the recovered endpoint`);
});

test('ewma takes a new endpoint for as fast as the others, not for infinitely fast', () => {
  const policy: BalancePolicy = { type: 'ewma' };
  const { state } = stateOf(clusterOf(endpoints(3), policy));
  for (let request = 0; request < 30; request += 1) {
    const target = state.choose(balanceRequest(), null)?.target;
    assert.ok(target !== undefined);
    state.started(target);
    state.finished(target, 40);
  }
  state.update(clusterOf(endpoints(4), policy));
  const fresh = state.views().find((view) => view.endpoint === '10.0.0.3:80');
  assert.ok(fresh !== undefined && fresh.latencyMs > 0);
});

test('a failed try says nothing about latency', () => {
  const { state } = stateOf(clusterOf(endpoints(1), { type: 'ewma' }));
  const target = state.choose(balanceRequest(), null)?.target;
  assert.ok(target !== undefined);
  state.started(target);
  state.finished(target, null);
  assert.equal(state.views()[0]?.latencyMs, 0);
});

test('maglev sends one key to one endpoint in every worker, whatever the seed and the order of endpoints', () => {
  const one = stateOf(clusterOf(endpoints(9), BY_ADDRESS), 1).state;
  const other = stateOf(clusterOf(endpoints(9).reverse(), BY_ADDRESS), 2).state;
  for (let client = 0; client < 200; client += 1) {
    const request = balanceRequest({ remoteAddress: `2001:db8::${client}` });
    assert.deepEqual(chooseMany(one, 2, request), chooseMany(other, 2, request));
  }
});

test('maglev moves only the keys of an ejected endpoint, to several others, and gives them back', () => {
  const { state, clock } = stateOf(clusterOf(endpoints(5), BY_ADDRESS));
  const owners = (): string[] =>
    Array.from({ length: 2_000 }, (_, client) => {
      return state.choose(balanceRequest({ remoteAddress: `c${client}` }), null)?.target.key ?? 'none';
    });
  const before = owners();
  const victim = state.choose(balanceRequest(), null)?.target;
  assert.ok(victim !== undefined);
  for (let failure = 0; failure < 3; failure += 1) state.connectFailed(victim);
  const during = owners();
  assert.ok(during.every((owner, client) => owner === before[client] || before[client] === victim.key));
  assert.equal(tally(during.filter((_, client) => before[client] === victim.key)).size, 4);
  clock.advance(5_000 + 10_000);
  assert.deepEqual(owners(), before);
});

test('maglev spreads requests that have nothing to hash', () => {
  const byHeader: BalancePolicy = { type: 'maglev', key: [{ type: 'header', name: 'x' }], subsetSize: 1 };
  const { state } = stateOf(clusterOf(endpoints(4), byHeader));
  assert.equal(tally(chooseMany(state, 8)).size, 4);
});

test('subset hashing keeps a key to its subset, spreads it there, and differs between keys', () => {
  const inThrees: BalancePolicy = { type: 'maglev', key: [{ type: 'remoteAddress' }], subsetSize: 3 };
  const { state } = stateOf(clusterOf(endpoints(20), inThrees));
  const subsets = new Set<string>();
  for (let client = 0; client < 50; client += 1) {
    const counts = tally(chooseMany(state, 300, balanceRequest({ remoteAddress: `c${client}` })));
    assert.equal(counts.size, 3);
    assert.ok([...counts.values()].every((count) => count > 50));
    subsets.add([...counts.keys()].sort().join());
  }
  assert.ok(subsets.size > 40);
});
