import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CookieAffinity, Endpoint } from '../../core/ir/cluster.ts';
import type { ClusterState } from './clusterState.ts';
import type { Choice, EndpointState } from './endpointState.ts';
import { COOKIE_AFFINITY } from './testing/cookieAffinity.ts';
import { balanceRequest, clusterOf, endpoint, endpoints, stateOf, tally } from './testing/clusters.ts';

function affinityOf(fields: Partial<CookieAffinity>): CookieAffinity {
  return { ...COOKIE_AFFINITY, name: 'route', ...fields };
}

function chooseWith(
  state: ClusterState,
  affinity: CookieAffinity,
  cookie: string | null,
  tried: readonly EndpointState[] = [],
): Choice {
  const request = balanceRequest(cookie === null ? {} : { cookies: { route: cookie } });
  const choice = state.choose(request, affinity, tried);
  assert.ok(choice !== null);
  return choice;
}

/** A new session: its cookie and its endpoint. */
function newSession(state: ClusterState, affinity: CookieAffinity): { cookie: string; target: EndpointState } {
  const { target, cookieValue } = chooseWith(state, affinity, null);
  assert.ok(cookieValue !== null);
  return { cookie: cookieValue, target };
}

function eject(state: ClusterState, target: EndpointState): void {
  for (let failure = 0; failure < 3; failure += 1) state.connectFailed(target);
}

for (const mode of ['balanced', 'persistent'] as const) {
  describe(`${mode} affinity`, () => {
    const affinity = affinityOf({ mode });
    const setUp = (members: readonly Endpoint[] = endpoints(5)): ReturnType<typeof stateOf> =>
      stateOf(clusterOf(members, { type: 'roundRobin' }, affinity));

    test('sets an opaque cookie for a new session and keeps the session at its endpoint without setting it again', () => {
      const { state } = setUp();
      const { cookie, target } = newSession(state, affinity);
      assert.match(cookie, /^[0-9a-f]{32}\|[0-9a-f]{32}$/);
      assert.ok(cookie.endsWith(`|${state.affinityHash}`));
      for (let request = 0; request < 20; request += 1) {
        assert.deepEqual(chooseWith(state, affinity, cookie), { target, cookieValue: null });
      }
    });

    test('is understood by every worker', () => {
      const { cookie, target } = newSession(setUp().state, affinity);
      const other = stateOf(clusterOf(endpoints(5), { type: 'ewma' }, affinity), 99).state;
      assert.equal(chooseWith(other, affinity, cookie).target.key, target.key);
    });

    test('spreads new sessions over all endpoints', () => {
      const { state } = setUp();
      const counts = tally(Array.from({ length: 500 }, () => newSession(state, affinity).target.key));
      assert.ok(counts.size === 5 && [...counts.values()].every((count) => count > 50));
    });

    test('sends a session whose endpoint is ejected to one other, always the same, and back afterwards', () => {
      const { state, clock } = setUp();
      const { cookie, target } = newSession(state, affinity);
      eject(state, target);
      const visited = Array.from({ length: 10 }, () => chooseWith(state, affinity, cookie));
      assert.ok(visited.every((choice) => choice.cookieValue === null));
      const keys = new Set(visited.map((choice) => choice.target.key));
      assert.ok(keys.size === 1 && !keys.has(target.key));
      clock.advance(15_000);
      assert.equal(chooseWith(state, affinity, cookie).target, target);
    });

    test('tries another endpoint after a failed try and keeps the cookie', () => {
      const { state } = setUp();
      const { cookie, target } = newSession(state, affinity);
      const retry = chooseWith(state, affinity, cookie, [target]);
      assert.notEqual(retry.target, target);
      assert.equal(retry.cookieValue, null);
    });

    test('with change-on-failure begins a new session after a failed try', () => {
      const changing = affinityOf({ mode, changeOnFailure: true });
      const { state } = setUp();
      const { cookie, target } = newSession(state, changing);
      const retry = chooseWith(state, changing, cookie, [target]);
      assert.notEqual(retry.target, target);
      assert.ok(retry.cookieValue !== null);
      assert.equal(chooseWith(state, changing, retry.cookieValue).target, retry.target);
    });

    test('moves a session off a terminating endpoint', () => {
      const { state } = setUp();
      const { cookie, target } = newSession(state, affinity);
      const members = endpoints(5).map((one): Endpoint => {
        return one.host === target.endpoint.host ? { ...one, state: 'terminating' } : one;
      });
      state.update(clusterOf(members, { type: 'roundRobin' }, affinity));
      const moved = chooseWith(state, affinity, cookie);
      assert.notEqual(moved.target.key, target.key);
      assert.equal(moved.cookieValue !== null, mode === 'persistent');
    });

    test('stays at the only endpoint although it is ejected', () => {
      const { state } = setUp(endpoints(1));
      const { cookie, target } = newSession(state, affinity);
      eject(state, target);
      assert.deepEqual(chooseWith(state, affinity, cookie), { target, cookieValue: null });
    });

    test('survives hostile cookie values', () => {
      const { state } = setUp();
      const long = 'x'.repeat(300);
      for (const cookie of ['', '|', '||', '__proto__', 'constructor|x', '\xff\x01', long, `x|${state.affinityHash}`]) {
        const { cookieValue } = chooseWith(state, affinity, cookie);
        assert.ok(cookieValue === null || /^[0-9a-f]{32}\|[0-9a-f]{32}$/.test(cookieValue));
      }
    });

    test('is described by who holds the session, never by the cookie itself', () => {
      const { state } = setUp();
      const { cookie, target } = newSession(state, affinity);
      const held = state.describe(balanceRequest({ cookies: { route: cookie } }), affinity);
      assert.equal(held.endpoint, target.endpoint);
      assert.ok(held.text.includes('cookie route holds a session') && !held.text.includes(cookie.slice(0, 8)));
      assert.match(state.describe(balanceRequest(), affinity).text, /^a new session would begin/);
    });
  });
}

test('balanced sessions move in proportion when the cluster grows, persistent ones stay', () => {
  const moved = { balanced: 0, persistent: 0 };
  for (const mode of ['balanced', 'persistent'] as const) {
    const affinity = affinityOf({ mode });
    const { state } = stateOf(clusterOf(endpoints(4), { type: 'roundRobin' }, affinity));
    const sessions = Array.from({ length: 1_000 }, () => newSession(state, affinity));
    state.update(clusterOf(endpoints(5), { type: 'roundRobin' }, affinity));
    for (const { cookie, target } of sessions) if (chooseWith(state, affinity, cookie).target !== target) moved[mode] += 1;
  }
  assert.equal(moved.persistent, 0);
  assert.ok(moved.balanced > 130 && moved.balanced < 290, `${moved.balanced} of 1000 moved, 200 expected`);
});

test('persistent sessions of one lost endpoint are spread over the others by client', () => {
  const affinity = affinityOf({ mode: 'persistent' });
  const { state } = stateOf(clusterOf(endpoints(5), { type: 'roundRobin' }, affinity));
  const { cookie, target } = newSession(state, affinity);
  eject(state, target);
  const keys = Array.from({ length: 100 }, (_, client) => {
    const request = balanceRequest({ cookies: { route: cookie }, remoteAddress: `c${client}` });
    return state.choose(request, affinity)?.target.key ?? 'none';
  });
  assert.equal(tally(keys).size, 4);
});

test('a cookie of another cluster or of the old form still names its endpoint when hashing', () => {
  const affinity = affinityOf({ mode: 'balanced' });
  const { state } = stateOf(clusterOf(endpoints(5), { type: 'roundRobin' }, affinity));
  const { cookie, target } = newSession(state, affinity);
  const [session] = cookie.split('|');
  assert.deepEqual(chooseWith(state, affinity, session ?? ''), { target, cookieValue: null });
  assert.deepEqual(chooseWith(state, affinity, `${session}|other`), { target, cookieValue: null });
});

test('weights count for new sessions of both modes', () => {
  for (const mode of ['balanced', 'persistent'] as const) {
    const affinity = affinityOf({ mode });
    const members = [endpoint(0), endpoint(1, { weight: 9 })];
    const { state } = stateOf(clusterOf(members, { type: 'roundRobin' }, affinity));
    const counts = tally(Array.from({ length: 1_000 }, () => newSession(state, affinity).target.key));
    const light = counts.get('10.0.0.0:80') ?? 0;
    assert.ok(light > 50 && light < 150, `${mode}: ${light}`);
  }
});
