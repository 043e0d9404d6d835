/**
 * ns per choice of an endpoint for every policy at 3, 50 and 1,000 endpoints, calm and with one failing; cost of a
 * Maglev table.
 */
import { COOKIE_AFFINITY } from '../../proxy/balance/testing/cookieAffinity.ts';
import type { BalancePolicy, CookieAffinity } from '../../core/ir/cluster.ts';
import { ClusterState } from '../../proxy/balance/clusterState.ts';
import { buildMaglevTable } from '../../core/balance/maglevTable.ts';
import { balanceRequest, clusterOf, endpoint, endpoints } from '../../proxy/balance/testing/clusters.ts';
import { seededRandom } from '../../core/testing/seededRandom.ts';
import { systemClock } from '../../core/time/clock.ts';

const ROUNDS = 9;
const CHOICES = 100_000;

const POLICIES: readonly (readonly [name: string, policy: BalancePolicy])[] = [
  ['round robin', { type: 'roundRobin' }],
  ['least connections', { type: 'leastConnections' }],
  ['peak EWMA', { type: 'ewma' }],
  ['Maglev by address', { type: 'maglev', key: [{ type: 'remoteAddress' }], subsetSize: 1 }],
  ['Maglev, subsets of 3', { type: 'maglev', key: [{ type: 'remoteAddress' }], subsetSize: 3 }],
];

/** Median ns per call over the rounds; the first, cold one is left out. */
function measure(count: number, call: (index: number) => void): number {
  const rounds: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const startMs = performance.now();
    for (let index = 0; index < count; index += 1) call(index);
    if (round > 0) rounds.push(((performance.now() - startMs) * 1e6) / count);
  }
  return rounds.sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN;
}

function print(name: string, ns: number): void {
  console.log(`${name.padEnd(58)} ${ns.toFixed(0).padStart(9)} ns`);
}

function newState(count: number, policy: BalancePolicy): ClusterState {
  return new ClusterState(clusterOf(endpoints(count), policy), { clock: systemClock, random: seededRandom(1) });
}

const requests = Array.from({ length: 1_024 }, (_, index) => balanceRequest({ remoteAddress: `192.0.2.${index}` }));

function chooseAndFinish(state: ClusterState, affinity: CookieAffinity | null): (index: number) => void {
  return (index) => {
    const choice = state.choose(requests[index & 1_023] ?? balanceRequest(), affinity);
    if (choice === null) return;
    state.started(choice.target);
    state.finished(choice.target, 12);
  };
}

for (const [name, policy] of POLICIES) {
  for (const count of [3, 50, 1_000]) {
    print(`${name}, ${count} endpoints`, measure(CHOICES, chooseAndFinish(newState(count, policy), null)));
  }
}

{
  const members = endpoints(50).map((_, index) => endpoint(index, { weight: 1 + (index % 5) }));
  const state = new ClusterState(clusterOf(members), { clock: systemClock, random: seededRandom(1) });
  print('round robin, 50 endpoints of unlike weight', measure(CHOICES, chooseAndFinish(state, null)));
}

for (const [name, policy] of POLICIES) {
  const state = newState(50, policy);
  const victim = state.choose(balanceRequest(), null)?.target;
  const choose = chooseAndFinish(state, null);
  print(`${name}, 50 endpoints, one failing`, measure(CHOICES, (index) => {
    if (victim !== undefined && index % 1_000 === 0) state.connectFailed(victim);
    choose(index);
  }));
}

{
  const state = newState(50, { type: 'roundRobin' });
  const cookie = state.choose(balanceRequest(), COOKIE_AFFINITY)?.cookieValue ?? '';
  const held = balanceRequest({ cookies: { INGRESSCOOKIE: cookie } });
  print('a held session, 50 endpoints', measure(CHOICES, () => void state.choose(held, COOKIE_AFFINITY)));
  print('a new session, 50 endpoints', measure(CHOICES, () => void state.choose(balanceRequest(), COOKIE_AFFINITY)));
}

for (const count of [10, 64, 500, 5_000]) {
  const members = endpoints(count).map((one) => ({ key: `${one.host}:${one.port}`, weight: one.weight }));
  print(`Maglev table of ${count} endpoints`, measure(count > 500 ? 1 : 5, () => void buildMaglevTable(members)));
}
