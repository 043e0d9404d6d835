import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VirtualHost } from '../../core/ir/virtualHost.ts';
import type { HostPattern } from '../../core/net/hostPattern.ts';
import { seededRandom, testSeed } from '../../core/testing/seededRandom.ts';
import { normalizePath } from './normalizePath.ts';
import { RouteTable } from './routeTable.ts';
import { routeTo, virtualHost } from './testing/routes.ts';

type Hosts = readonly (readonly [HostPattern, VirtualHost])[];

function tableOf(hosts: Hosts): RouteTable<null> {
  const table = new RouteTable(() => null);
  table.apply({ upsert: hosts, remove: [] });
  return table;
}

/** Cluster of the matching route, or the kind of refusal. */
function target(table: RouteTable<unknown>, host: string, path: string): string {
  const match = table.match(host, normalizePath(path) ?? 'null');
  if (match.type !== 'route') return match.type;
  return match.route.action.type === 'forward' ? match.route.action.primary : 'respond';
}

interface Scenario {
  readonly name: string;
  readonly hosts: Hosts;
  /** [host, path, cluster or refusal] */
  readonly requests: readonly (readonly [string, string, string])[];
}

/** The path and host scenarios of ingress-controller-conformance (release 1.19), and what stands around them. */
const SCENARIOS: readonly Scenario[] = [
  {
    name: 'conformance: only a default backend takes every host and path',
    hosts: [virtualHost('*', { '/': 'default' })],
    requests: [
      ['my-host', '/', 'default'],
      ['some-host', '/sub-path', 'default'],
      ['', '/', 'default'],
      ['', '/sub-path/resource', 'default'],
      ['my-host', '/resource', 'default'],
      ['some-host', '/sub-path/', 'default'],
    ],
  },
  {
    name: 'conformance: a host rule takes its host only',
    hosts: [virtualHost('foo.bar.com', { '/': 'foo-bar' })],
    requests: [
      ['foo.bar.com', '/', 'foo-bar'],
      ['subdomain.bar.com', '/', 'noHost'],
    ],
  },
  {
    name: 'conformance: a wildcard stands for exactly one label',
    hosts: [virtualHost('*.foo.com', { '/': 'wildcard' })],
    requests: [
      ['bar.foo.com', '/', 'wildcard'],
      ['baz.bar.foo.com', '/', 'noHost'],
      ['foo.com', '/', 'noHost'],
    ],
  },
  {
    name: 'conformance: Exact /foo takes nothing else',
    hosts: [virtualHost('exact', { '=/foo': 'foo-exact' })],
    requests: [
      ['exact', '/foo', 'foo-exact'],
      ['exact', '/foo/', 'noPath'],
      ['exact', '/FOO', 'noPath'],
      ['exact', '/bar', 'noPath'],
    ],
  },
  {
    name: 'conformance: Prefix /foo takes /foo and /foo/, case-sensitively',
    hosts: [virtualHost('prefix', { '/foo': 'foo-prefix' })],
    requests: [
      ['prefix', '/foo', 'foo-prefix'],
      ['prefix', '/foo/', 'foo-prefix'],
      ['prefix', '/FOO', 'noPath'],
    ],
  },
  {
    name: 'conformance: of Prefix /aaa and /aaa/bbb the longer wins, by whole elements',
    hosts: [virtualHost('prefix', { '/aaa/bbb': 'longer', '/aaa': 'shorter' })],
    requests: [
      ['prefix', '/aaa/bbb', 'longer'],
      ['prefix', '/aaa/bbb/ccc', 'longer'],
      ['prefix', '/aaa/ccc', 'shorter'],
      ['prefix', '/aaaccc', 'noPath'],
    ],
  },
  {
    name: 'conformance: Exact /foo wins over Prefix /foo',
    hosts: [virtualHost('mixed', { '/foo': 'foo-prefix', '=/foo': 'foo-exact' })],
    requests: [
      ['mixed', '/foo', 'foo-exact'],
      ['mixed', '/foo/', 'foo-prefix'],
      ['mixed', '/foo/x', 'foo-prefix'],
    ],
  },
  {
    name: 'conformance: the trailing slash of Prefix /aaa/bbb/ is ignored',
    hosts: [virtualHost('slash', { '/aaa/bbb/': 'bbb' })],
    requests: [
      ['slash', '/aaa/bbb', 'bbb'],
      ['slash', '/aaa/bbb/', 'bbb'],
    ],
  },
  {
    name: 'conformance: Exact /foo/ does not take /foo',
    hosts: [virtualHost('slash', { '=/foo/': 'foo-slash' })],
    requests: [
      ['slash', '/foo', 'noPath'],
      ['slash', '/foo/', 'foo-slash'],
    ],
  },
  {
    name: 'an exact host wins over a wildcard, that over every host, and none falls through',
    hosts: [
      virtualHost('a.shop.test', { '/only': 'exact-host' }),
      virtualHost('*.shop.test', { '/only': 'wildcard', '/wild': 'wildcard' }),
      virtualHost('*', { '/': 'any' }),
    ],
    requests: [
      ['a.shop.test', '/only', 'exact-host'],
      ['a.shop.test', '/wild', 'noPath'],
      ['b.shop.test', '/only', 'wildcard'],
      ['b.shop.test', '/', 'noPath'],
      ['x.y.shop.test', '/', 'any'],
      ['127.0.0.1', '/', 'any'],
      ['[::1]', '/', 'any'],
      ['localhost', '/', 'any'],
    ],
  },
  {
    name: 'the root prefix takes what nothing else takes',
    hosts: [virtualHost('shop.test', { '/': 'root', '/api': 'api', '=/': 'index', '/api/v1/users': 'users' })],
    requests: [
      ['shop.test', '/', 'index'],
      ['shop.test', '/x', 'root'],
      ['shop.test', '/api/v1', 'api'],
      ['shop.test', '/api/v1/users/7', 'users'],
      ['shop.test', '/api/v1/users7', 'api'],
      ['shop.test', '/apis', 'root'],
    ],
  },
  {
    name: 'no spelling of a path slips past a rule',
    hosts: [virtualHost('shop.test', { '/': 'root', '/admin': 'guarded' })],
    requests: [
      ['shop.test', '/x/../admin', 'guarded'],
      ['shop.test', '//admin', 'guarded'],
      ['shop.test', '/%61dmin/x', 'guarded'],
      ['shop.test', '/admin%2fx', 'guarded'],
      ['shop.test', '/x/%2e%2e%2fadmin', 'guarded'],
      ['shop.test', '/./admin?y', 'guarded'],
    ],
  },
  {
    name: 'rules beyond ASCII and with encodings match every spelling of the same octets',
    hosts: [virtualHost('shop.test', { '/café': 'cafe', '=/a%20b': 'space', '/q?x': 'mark' })],
    requests: [
      ['shop.test', '/caf%C3%A9/menu', 'cafe'],
      ['shop.test', '/caf%c3%a9', 'cafe'],
      ['shop.test', '/a%20b', 'space'],
      ['shop.test', '/q', 'noPath'],
      ['shop.test', '/q%3fx', 'mark'],
    ],
  },
  {
    name: 'names of object properties are ordinary hosts and paths',
    hosts: [virtualHost('constructor', { '/__proto__': 'proto' })],
    requests: [
      ['constructor', '/__proto__/x', 'proto'],
      ['constructor', '/toString', 'noPath'],
      ['__proto__', '/', 'noHost'],
      ['hasownproperty', '/', 'noHost'],
    ],
  },
];

for (const scenario of SCENARIOS) {
  test(scenario.name, () => {
    const table = tableOf(scenario.hosts);
    for (const [host, path, expected] of scenario.requests) {
      assert.equal(target(table, host, path), expected, `${host} ${path}`);
    }
  });
}

test('of two rules for one path the first stands', () => {
  const host = 'shop.test' as HostPattern;
  const table = tableOf([[host, { host, routes: [routeTo('/a', 'older'), routeTo('/a/', 'newer')] }]]);
  assert.equal(target(table, 'shop.test', '/a'), 'older');
});

test('a removed host is gone, and its requests go where they would without it', () => {
  const table = tableOf([virtualHost('a.test', { '/': 'a' }), virtualHost('*', { '/': 'any' })]);
  table.apply({ upsert: [], remove: ['a.test' as HostPattern] });
  assert.equal(target(table, 'a.test', '/'), 'any');
  assert.equal(table.size, 1);
});

test('compiled routes stay the same objects while their content does, and state is made once per change', () => {
  const compiled: string[] = [];
  const table = new RouteTable((route, host) => compiled.push(`${host}${route.match.value}`));
  const first = [virtualHost('a.test', { '/': 'a', '/x': 'x', '=/y': 'y' }), virtualHost('b.test', { '/': 'b' })];
  table.apply({ upsert: first, remove: [] });
  const before = ['/', '/x', '/y'].map((path) => table.match('a.test', path));
  const other = table.match('b.test', '/');
  assert.deepEqual(compiled, ['a.test/', 'a.test/x', 'a.test/y', 'b.test/']);

  const changed = structuredClone([virtualHost('a.test', { '/': 'a', '/x': 'changed', '=/y': 'y' })]);
  table.apply({ upsert: changed, remove: [] });
  assert.equal(table.match('a.test', '/'), before[0]);
  assert.notEqual(table.match('a.test', '/x'), before[1]);
  assert.equal(table.match('a.test', '/y'), before[2]);
  assert.equal(table.match('b.test', '/'), other);
  assert.deepEqual(compiled.slice(4), ['a.test/x']);
});

test('a match gives the state that was made for its route', () => {
  const table = new RouteTable((route) => route.match.value.toUpperCase());
  table.apply({ upsert: [virtualHost('a.test', { '/x': 'x' })], remove: [] });
  const match = table.match('a.test', '/x/y');
  assert.equal(match.type === 'route' ? match.state : null, '/X');
});

/** Counts Map look-ups while `run` runs: the only work of a match that could grow with the table. */
function countLookups(run: () => void): number {
  // eslint-disable-next-line typescript/unbound-method -- called with its own `this` below
  const original = Map.prototype.get;
  let count = 0;
  Map.prototype.get = function get(this: Map<unknown, unknown>, key: unknown): unknown {
    count += 1;
    return original.call(this, key);
  };
  try {
    run();
  } finally {
    Map.prototype.get = original;
  }
  return count;
}

test('the look-ups of a match do not grow with the number of hosts', () => {
  const counts = [10, 1_000, 20_000].map((hosts) => {
    const paths = { '/': 'a', '/b': 'b' };
    const table = tableOf(Array.from({ length: hosts }, (_, index) => virtualHost(`h${index}.test`, paths)));
    return countLookups(() => table.match(`h${hosts - 1}.test`, '/b/c/d'));
  });
  assert.deepEqual(counts, [2, 2, 2]);
});

test('the look-ups of a match do not grow with the number of routes of the host', () => {
  const counts = [1, 100, 10_000].map((routes) => {
    const paths = Object.fromEntries(Array.from({ length: routes }, (_, index) => [`/api/v${index}`, `c${index}`]));
    const table = tableOf([virtualHost('a.test', paths)]);
    return countLookups(() => table.match('a.test', `/api/v${routes - 1}/users/7`));
  });
  assert.deepEqual(counts, [2, 2, 2]);
});

test('the look-ups of a match are bounded by the rules, however deep the request path is', () => {
  const table = tableOf([virtualHost('a.test', { '/a/a/a': 'deep', '/': 'root', '=/exact': 'exact' })]);
  const count = countLookups(() => table.match('a.test', '/a'.repeat(4_000)));
  assert.ok(count <= 4, `${count} look-ups`);
  assert.equal(target(table, 'a.test', '/b'.repeat(4_000)), 'root');
});

/** What Ingress v1 says, rule by rule: longest path first, exact before prefix. */
function byDefinition(host: VirtualHost, path: string): string {
  let best = { length: -1, isExact: false, cluster: 'noPath' };
  for (const { match, action } of host.routes) {
    const isExact = match.type === 'exact';
    const value = isExact ? match.value : match.value.replace(/\/$/, '');
    const isMatch = isExact ? path === value : path === value || path.startsWith(`${value}/`);
    const isBetter = value.length > best.length || (value.length === best.length && isExact && !best.isExact);
    if (!isMatch || !isBetter || action.type !== 'forward') continue;
    best = { length: value.length, isExact, cluster: action.primary };
  }
  return best.cluster;
}

test('the table agrees with the definition of Ingress v1 on random rules and paths, through random updates', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const randomPath = (): string =>
    Array.from({ length: Math.floor(random() * 5) }, () => `/${pick(['a', 'b', 'aa'])}`).join('');
  const table = new RouteTable(() => null);
  for (let round = 0; round < 300; round += 1) {
    const paths = new Map<string, string>();
    for (let rule = 0; rule < 8; rule += 1) paths.set(`${pick(['', '='])}${randomPath() || '/'}`, `c${rule}`);
    const upsert = [virtualHost('a.test', Object.fromEntries(paths))] as const;
    table.apply(structuredClone({ upsert, remove: [] }));
    for (let request = 0; request < 40; request += 1) {
      const path = `${randomPath()}${pick(['', '/'])}` || '/';
      const context = `seed ${seed}: ${path} in ${JSON.stringify([...paths])}`;
      assert.equal(target(table, 'a.test', path), byDefinition(upsert[0][1], path), context);
    }
  }
});
