/**
 * ns per routed request at 10, 1,000 and 100,000 hosts (path normalised, route matched), per canary decision, and per
 * change of one host. Hosts are asked for in random order, as new strings, the way a codec hands them over.
 */
import type { ClusterKey } from '../../core/ir/cluster.ts';
import { seededRandom } from '../../core/testing/seededRandom.ts';
import { compileCanarySplit, type CanarySplit } from '../../proxy/route/canarySplit.ts';
import { chooseCluster, type SplitCluster } from '../../proxy/route/chooseCluster.ts';
import { cookieValue } from '../../proxy/route/cookieValue.ts';
import { normalizePath } from '../../proxy/route/normalizePath.ts';
import { RouteTable } from '../../proxy/route/routeTable.ts';
import { canary } from '../../proxy/route/testing/canaries.ts';
import { virtualHost } from '../../proxy/route/testing/routes.ts';

const ROUNDS = 9;
const REQUESTS = 200_000;
const TARGETS = ['/', '/api/v1/users?page=2', '/api/v1/orders/77', '/static/app.js', '/cart/', '/x/../api/v1/users'];
const random = seededRandom(1);

/** Median ns per call over the rounds; the first, cold one is left out. */
function measure(count: number, call: (index: number) => unknown): number {
  const rounds: number[] = [];
  let sink = 0;
  for (let round = 0; round <= ROUNDS; round += 1) {
    const startMs = performance.now();
    for (let index = 0; index < count; index += 1) if (call(index) === null) sink += 1;
    if (round > 0) rounds.push(((performance.now() - startMs) * 1e6) / count);
  }
  if (sink === count) throw new Error('every call came to nothing');
  return rounds.sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN;
}

function print(name: string, ns: number): void {
  console.log(`${name.padEnd(58)} ${ns.toFixed(0).padStart(8)} ns`);
}

/** Octets of random names: decoding one anew per request gives a string without a cached hash, like a received one. */
function octetsOf(count: number, name: (index: number) => string): (index: number) => string {
  const octets = Array.from({ length: 4_096 }, () => Buffer.from(name(Math.floor(random() * count)), 'latin1'));
  return (index) => octets[index & 4_095]?.toString('latin1') ?? '';
}

function tableOf(hosts: number): RouteTable<null> {
  const table = new RouteTable(() => null);
  const paths = { '/': 'web', '/api/v1': 'api', '/api/v1/users': 'users', '=/cart': 'cart' };
  const upsert = Array.from({ length: hosts }, (_, index) => virtualHost(`shop-${index}.example.test`, paths));
  table.apply({ upsert, remove: [] });
  return table;
}

function benchHosts(): void {
  for (const hosts of [10, 1_000, 100_000]) {
    const table = tableOf(hosts);
    const hostAt = octetsOf(hosts, (index) => `shop-${index}.example.test`);
    const ns = measure(REQUESTS, (index) => {
      return table.match(hostAt(index), normalizePath(TARGETS[index % TARGETS.length] ?? '') ?? '');
    });
    print(`normalise and match, ${hosts} hosts x 4 routes`, ns);
  }
}

function benchRoutes(): void {
  const routes = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`/api/v1/r${index}`, 'api']));
  const table = new RouteTable(() => null);
  table.apply({ upsert: [virtualHost('shop.test', routes)], remove: [] });
  const pathAt = octetsOf(10_000, (index) => `/api/v1/r${index}/x`);
  print('match, 1 host x 10,000 routes', measure(REQUESTS, (index) => table.match('shop.test', pathAt(index))));
}

function benchParsing(): void {
  const cookies = 'a=1; bb=22; session=0123456789abcdef; d=4; canary=always';
  print('normalise a clean path of 13 octets', measure(REQUESTS, () => normalizePath('/api/v1/users?page=2')));
  print('normalise an encoded path', measure(REQUESTS, () => normalizePath('/x/%2e%2e/api//v1/users?page=2')));
  print('one cookie of five', measure(REQUESTS, () => cookieValue(cookies, 'canary')));
}

function splitOf(count: number): CanarySplit {
  const header = { name: 'x-canary', rule: { type: 'pattern', pattern: '^v[0-9]+$' } } as const;
  const canaries = Array.from({ length: count }, (_, index) =>
    canary(`c${index}`, { weight: 10, cookie: 'canary', header }),
  );
  return compileCanarySplit({ type: 'forward', primary: 'main' as ClusterKey, canaries });
}

function benchCanaries(): void {
  const cluster: SplitCluster = { isAvailable: true, affinity: null, affinityHash: 'h' };
  const clusters = { get: () => cluster };
  const plain = { request: { header: () => undefined, cookie: () => undefined }, clusters, random };
  const withHeader = { ...plain, request: { header: () => 'version-77', cookie: () => undefined } };
  for (const count of [0, 1, 3]) {
    const split = splitOf(count);
    print(`choose among the primary and ${count} canaries`, measure(REQUESTS, () => chooseCluster(split, plain)));
  }
  const split = splitOf(1);
  print('the same with a header to search', measure(REQUESTS, () => chooseCluster(split, withHeader)));
}

function benchChange(): void {
  const table = tableOf(10_000);
  const changes = Array.from({ length: 2_000 }, (_, index) => {
    const paths = { '/': `v${index}`, '/api/v1': 'api', '/api/v1/users': 'users', '=/cart': 'cart' };
    return virtualHost(`shop-${index % 1_000}.example.test`, paths);
  });
  const ns = measure(changes.length, (index) => {
    const change = changes[index];
    if (change !== undefined) table.apply({ upsert: [change], remove: [] });
    return change;
  });
  print('apply a change of one host among 10,000', ns);
}

benchHosts();
benchRoutes();
benchParsing();
benchCanaries();
benchChange();
