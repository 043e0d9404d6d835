import type { BalancePolicy, Cluster, ClusterKey, CookieAffinity, Endpoint } from '../../../core/ir/cluster.ts';
import type { Clock } from '../../../core/time/clock.ts';
import { ClusterState } from '../clusterState.ts';
import type { BalanceRequest } from '../request.ts';
import { seededRandom } from '../../../core/testing/seededRandom.ts';

/** A clock that stands still until it is moved. */
export interface FakeClock extends Clock {
  advance(ms: number): void;
}

/** A clock at 1,000 ms. */
export function fakeClock(): FakeClock {
  let nowMs = 1_000;
  return {
    now: () => nowMs,
    advance(ms) {
      nowMs += ms;
    },
  };
}

/** `10.0.0.index:80`. */
export function endpoint(index: number, fields: Partial<Endpoint> = {}): Endpoint {
  return { host: `10.0.${index >> 8}.${index & 255}`, port: 80, weight: 1, state: 'ready', ...fields };
}

/** That many endpoints of weight 1. */
export function endpoints(count: number): Endpoint[] {
  return Array.from({ length: count }, (_, index) => endpoint(index));
}

/** A cluster of those endpoints, round robin unless said otherwise. */
export function clusterOf(
  members: readonly Endpoint[],
  balance: BalancePolicy = { type: 'roundRobin' },
  affinity: CookieAffinity | null = null,
): Cluster {
  return {
    key: 'shop/web:80' as ClusterKey,
    name: 'shop-web-80',
    namespace: 'shop',
    service: 'web',
    port: '80',
    endpoints: members,
    unavailable: null,
    balance,
    affinity,
  };
}

/** A cluster state under a fake clock and a seeded random. */
export function stateOf(cluster: Cluster, seed = 1): { state: ClusterState; clock: FakeClock } {
  const clock = fakeClock();
  return { state: new ClusterState(cluster, { clock, random: seededRandom(seed) }), clock };
}

/** A request of that client with those cookies and headers. */
export function balanceRequest(
  fields: Partial<BalanceRequest> & { readonly cookies?: Readonly<Record<string, string>> } = {},
): BalanceRequest {
  const cookies = new Map(Object.entries(fields.cookies ?? {}));
  return {
    method: 'GET',
    scheme: 'http',
    host: 'shop.test',
    target: '/cart?item=7',
    remoteAddress: '192.0.2.1',
    header: () => undefined,
    cookie: (name) => cookies.get(name),
    ...fields,
  };
}

/** `host:port` of `count` choices in a row, nothing started. */
export function chooseMany(state: ClusterState, count: number, request = balanceRequest()): string[] {
  return Array.from({ length: count }, () => state.choose(request, null)?.target.key ?? 'none');
}

/** value → how often. */
export function tally(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
