import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WantedRoute } from '../bgpWanted.ts';
import { routeOf, vipOf } from '../testing/bgpFacts.ts';
import { DRAIN_MS, RouteBook, type RouteConditions } from './routeBook.ts';

const READY: RouteConditions = { serving: true, forwarded: new Set(['192.0.2.1', '192.0.2.2']), stopping: false };
const PREFIX = '192.0.2.1/32';

function at(monotonicMs: number): { readonly monotonicMs: number; readonly wallMs: number } {
  return { monotonicMs, wallMs: 1_000_000 + monotonicMs };
}

function decide(book: RouteBook, route: WantedRoute, conditions: Partial<RouteConditions>, ms: number): string {
  const { state, sinceMs } = book.decide(new Map([[route.prefix, route]]), { ...READY, ...conditions }, at(ms)).get(route.prefix) ?? {};
  return `${state} since ${(sinceMs ?? 0) - 1_000_000}`;
}

test('a route is announced as long as nothing is in the way of one of its VIPs', () => {
  const cases: readonly (readonly [Parameters<typeof vipOf>[1], Partial<RouteConditions>, string, RegExp])[] = [
    [{}, {}, 'announced', /carried here/],
    [{ needsProxy: true }, {}, 'announced', /carried here/],
    [{ needsProxy: true }, { serving: false }, 'withdrawn', /the proxy of this node does not serve/],
    [{}, { serving: false }, 'announced', /carried here/],
    [{ needsKernel: true }, {}, 'announced', /carried here/],
    [{ needsKernel: true }, { forwarded: new Set() }, 'withdrawn', /the kernel does not forward it yet/],
    [{}, { forwarded: new Set() }, 'announced', /carried here/],
    [{ endpoints: 'none' }, {}, 'withdrawn', /^its Service has no ready endpoint$/],
    [{ endpoints: 'none', services: ['shop/a', 'shop/b'] }, {}, 'withdrawn', /^none of its Services has a ready endpoint$/],
    [{ endpoints: 'elsewhere', draining: true }, {}, 'withdrawn', /^externalTrafficPolicy is Local and no ready endpoint is on this node$/],
    [{ endpoints: 'elsewhere', services: ['shop/a', 'shop/b'] }, {}, 'withdrawn', /^externalTrafficPolicy is Local and one of its Services has no ready endpoint on this node$/],
  ];
  for (const [vip, conditions, state, reason] of cases) {
    const route = routeOf('192.0.2.1', { vips: [vipOf('192.0.2.1', vip)] });
    const found = new RouteBook().decide(new Map([[PREFIX, route]]), { ...READY, ...conditions }, at(0)).get(PREFIX);
    assert.equal(found?.state, state, JSON.stringify([vip, conditions]));
    assert.match(found.reason, reason);
  }
  const aggregate = routeOf('192.0.2.0', { prefix: '192.0.2.0/24', vips: [vipOf('192.0.2.1', { needsProxy: true }), vipOf('192.0.2.9', { draining: true })] });
  assert.equal(decide(new RouteBook(), aggregate, {}, 0), 'announced since 0');
  assert.equal(decide(new RouteBook(), aggregate, { serving: false }, 0), 'withdrawn since 0');
});

test('an aggregate is announced while one of its VIPs is of use, and says which are not', () => {
  const [first, second] = [vipOf('192.0.2.1', { needsProxy: true }), vipOf('192.0.2.9', { endpoints: 'none' })];
  const route = routeOf('192.0.2.0', { prefix: '192.0.2.0/24', vips: [first, second, vipOf('192.0.2.10', { endpoints: 'none' })] });
  const book = new RouteBook();
  const find = (wanted: WantedRoute, conditions: Partial<RouteConditions>, ms: number) =>
    book.decide(new Map([[wanted.prefix, wanted]]), { ...READY, ...conditions }, at(ms)).get(wanted.prefix);
  const announced = find(route, {}, 0);
  assert.equal(announced?.state, 'announced');
  assert.deepEqual([...announced.obstacles], [['192.0.2.9', 'its Service has no ready endpoint'], ['192.0.2.10', 'its Service has no ready endpoint']]);
  assert.equal(find({ ...route }, {}, 1), announced);
  const withdrawn = find(route, { serving: false }, 2);
  assert.deepEqual([withdrawn?.state, withdrawn?.reason], ['withdrawn', 'none of its 3 addresses is carried here: the proxy of this node does not serve; its Service has no ready endpoint']);
  // Those that are left are all to be drained: what has no endpoints does not keep it.
  assert.equal(find(route, {}, 3)?.state, 'announced');
  assert.equal(find({ ...route, vips: [{ ...first, draining: true }, second] }, {}, 4)?.state, 'draining');
});

test('what loses its last endpoint is withdrawn at once, announced or drained, and what has none is not drained', () => {
  const without = routeOf('192.0.2.1', { vips: [vipOf('192.0.2.1', { endpoints: 'elsewhere', draining: true })] });
  for (const draining of [false, true]) {
    const book = new RouteBook();
    decide(book, routeOf('192.0.2.1'), {}, 0);
    decide(book, routeOf('192.0.2.1', { vips: [vipOf('192.0.2.1', { draining })] }), {}, 1);
    assert.equal(decide(book, without, {}, 2), 'withdrawn since 2');
    assert.equal(book.dueMs(), null);
    assert.equal(decide(book, without, { stopping: true }, 3), 'withdrawn since 2');
    assert.equal(decide(book, routeOf('192.0.2.1'), {}, 4), 'announced since 4');
  }
});

test('what was announced is drained for a while and then withdrawn, once', () => {
  const book = new RouteBook();
  const route = routeOf('192.0.2.1');
  const draining = routeOf('192.0.2.1', { vips: [vipOf('192.0.2.1', { draining: true })] });
  assert.equal(decide(book, route, {}, 0), 'announced since 0');
  assert.equal(decide(book, draining, {}, 10), 'draining since 10');
  assert.equal(book.dueMs(), 10 + DRAIN_MS);
  assert.equal(decide(book, draining, {}, 10 + DRAIN_MS - 1), 'draining since 10');
  assert.equal(decide(book, draining, {}, 10 + DRAIN_MS), `withdrawn since ${10 + DRAIN_MS}`);
  assert.equal(book.dueMs(), null);
  assert.equal(decide(book, draining, {}, 99_999), `withdrawn since ${10 + DRAIN_MS}`);
  assert.equal(decide(book, route, {}, 100_000), 'announced since 100000');
});

test('what was never announced is not announced just to be drained', () => {
  const draining = routeOf('192.0.2.1', { vips: [vipOf('192.0.2.1', { draining: true })] });
  assert.equal(decide(new RouteBook(), draining, {}, 0), 'withdrawn since 0');
  assert.equal(decide(new RouteBook(), routeOf('192.0.2.1'), { stopping: true }, 0), 'withdrawn since 0');
});

test('a proxy that ends withdraws a draining route at once, and who stops drains everything', () => {
  const book = new RouteBook();
  const vips = [vipOf('192.0.2.1', { needsProxy: true })];
  decide(book, routeOf('192.0.2.1', { vips }), {}, 0);
  assert.equal(decide(book, routeOf('192.0.2.1', { vips }), { stopping: true }, 5), 'draining since 5');
  assert.equal(decide(book, routeOf('192.0.2.1', { vips }), { stopping: true, serving: false }, 6), 'withdrawn since 6');
});

test('a route that is wanted no more is forgotten', () => {
  const book = new RouteBook();
  decide(book, routeOf('192.0.2.1'), {}, 0);
  assert.equal(book.decide(new Map(), READY, at(1)).size, 0);
  assert.equal(decide(book, routeOf('192.0.2.1', { vips: [vipOf('192.0.2.1', { draining: true })] }), {}, 2), 'withdrawn since 2');
});
