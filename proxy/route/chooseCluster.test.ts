import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, testSeed } from '../../core/testing/seededRandom.ts';
import { COOKIE_AFFINITY, canary, decide, drawing, onHeader, requestWith, type Decision } from './testing/canaries.ts';

interface Row extends Decision {
  readonly name: string;
  readonly expect: readonly [cluster: string, reason: string];
}

const ALWAYS_NEVER = onHeader({ type: 'alwaysNever' });
const VALUE = onHeader({ type: 'value', value: 'blue' });
const PATTERN = onHeader({ type: 'pattern', pattern: 'blue|green$' });
const FULL = { weight: 100 };
const sessionOf = (cluster: string): Record<string, string> => ({ INGRESSCOOKIE: `abc|hash-${cluster}` });

/** The decision table of ingress-nginx's single canary. */
const SINGLE: readonly Row[] = [
  { name: 'a route without canary goes to the primary', canaries: [], expect: ['main', 'noCanary'] },
  {
    name: "step 1: the primary's session beats header always",
    canaries: [canary('c', ALWAYS_NEVER)],
    affinity: COOKIE_AFFINITY,
    request: requestWith({ 'x-canary': 'always' }, sessionOf('main')),
    expect: ['main', 'primarySession'],
  },
  {
    name: "step 1: the primary's session is kept for a legacy canary too",
    canaries: [canary('c', { ...FULL, affinity: 'legacy' })],
    affinity: COOKIE_AFFINITY,
    request: requestWith({}, sessionOf('main')),
    expect: ['main', 'primarySession'],
  },
  {
    name: 'step 2: a canary without endpoints is never taken, header always included',
    canaries: [canary('c', { ...ALWAYS_NEVER, ...FULL })],
    unavailable: ['c'],
    request: requestWith({ 'x-canary': 'always' }),
    expect: ['main', 'canaryUnavailable'],
  },
  {
    name: 'step 2: a session of a canary without endpoints goes to the primary',
    canaries: [canary('c', FULL)],
    unavailable: ['c'],
    affinity: COOKIE_AFFINITY,
    request: requestWith({}, sessionOf('c')),
    expect: ['main', 'canaryUnavailable'],
  },
  {
    name: "step 3: the canary's session beats header never",
    canaries: [canary('c', ALWAYS_NEVER)],
    affinity: COOKIE_AFFINITY,
    request: requestWith({ 'x-canary': 'never' }, sessionOf('c')),
    expect: ['c', 'canarySession'],
  },
  {
    name: 'step 3: a legacy canary has no sessions',
    canaries: [canary('c', { affinity: 'legacy', weight: 0 })],
    affinity: COOKIE_AFFINITY,
    request: requestWith({}, sessionOf('c')),
    random: drawing(1),
    expect: ['main', 'weight'],
  },
  {
    name: 'steps 1 and 3: a cookie of the old one-part form decides nothing',
    canaries: [canary('c', FULL)],
    affinity: COOKIE_AFFINITY,
    request: requestWith({}, { INGRESSCOOKIE: 'hash-main' }),
    random: drawing(100),
    expect: ['c', 'weight'],
  },
  {
    name: 'steps 1 and 3: a cookie of another cluster decides nothing',
    canaries: [canary('c', FULL)],
    affinity: COOKIE_AFFINITY,
    request: requestWith({}, sessionOf('elsewhere')),
    random: drawing(100),
    expect: ['c', 'weight'],
  },
  {
    name: 'steps 1 and 3: without affinity no cookie counts',
    canaries: [canary('c', FULL)],
    request: requestWith({}, sessionOf('main')),
    random: drawing(1),
    expect: ['c', 'weight'],
  },
  {
    name: 'a primary without endpoints keeps the request even when the header says always',
    canaries: [canary('c', ALWAYS_NEVER)],
    unavailable: ['main'],
    request: requestWith({ 'x-canary': 'always' }),
    expect: ['main', 'primaryUnavailable'],
  },
  {
    name: 'step 4: header always takes the canary at weight 0',
    canaries: [canary('c', ALWAYS_NEVER)],
    request: requestWith({ 'x-canary': 'always' }),
    expect: ['c', 'header'],
  },
  {
    name: 'step 4: header never beats cookie always and weight 100',
    canaries: [canary('c', { ...ALWAYS_NEVER, ...FULL, cookie: 'canary' })],
    request: requestWith({ 'x-canary': 'never' }, { canary: 'always' }),
    expect: ['main', 'headerRefused'],
  },
  {
    name: 'step 4: any other header value goes on to the cookie',
    canaries: [canary('c', { ...ALWAYS_NEVER, cookie: 'canary' })],
    request: requestWith({ 'x-canary': 'ALWAYS' }, { canary: 'always' }),
    expect: ['c', 'cookie'],
  },
  {
    name: 'step 4: an empty header goes on to the weight',
    canaries: [canary('c', { ...ALWAYS_NEVER, ...FULL })],
    request: requestWith({ 'x-canary': '' }),
    random: drawing(50),
    expect: ['c', 'weight'],
  },
  {
    name: 'step 4: the header value selects the canary',
    canaries: [canary('c', VALUE)],
    request: requestWith({ 'x-canary': 'blue' }),
    expect: ['c', 'header'],
  },
  {
    name: 'step 4: the header value is compared exactly',
    canaries: [canary('c', VALUE)],
    request: requestWith({ 'x-canary': 'Blue' }),
    random: drawing(1),
    expect: ['main', 'weight'],
  },
  {
    name: 'step 4: with a header value, always is an ordinary string and goes on to the weight',
    canaries: [canary('c', VALUE)],
    request: requestWith({ 'x-canary': 'always' }),
    random: drawing(1),
    expect: ['main', 'weight'],
  },
  {
    name: 'step 4: with a header value, never is an ordinary string and cookie always takes the canary',
    canaries: [canary('c', { ...VALUE, cookie: 'canary' })],
    request: requestWith({ 'x-canary': 'never' }, { canary: 'always' }),
    expect: ['c', 'cookie'],
  },
  {
    name: 'step 4: a header pattern is searched anywhere in the value',
    canaries: [canary('c', PATTERN)],
    request: requestWith({ 'x-canary': 'my-blue-shirt' }),
    expect: ['c', 'header'],
  },
  {
    name: 'step 4: a header pattern may anchor itself',
    canaries: [canary('c', { ...PATTERN, ...FULL })],
    request: requestWith({ 'x-canary': 'greenish' }),
    random: drawing(100),
    expect: ['c', 'weight'],
  },
  {
    name: 'step 4: a header pattern is case-sensitive',
    canaries: [canary('c', PATTERN)],
    request: requestWith({ 'x-canary': 'BLUE' }),
    random: drawing(1),
    expect: ['main', 'weight'],
  },
  {
    name: 'step 4: with a header pattern, never is an ordinary string',
    canaries: [canary('c', { ...PATTERN, ...FULL })],
    request: requestWith({ 'x-canary': 'never' }),
    random: drawing(100),
    expect: ['c', 'weight'],
  },
  {
    name: 'step 4: a pattern that cannot be compiled sends a request with the header to the primary at once',
    canaries: [canary('c', { ...onHeader({ type: 'pattern', pattern: '(?=x)' }), ...FULL, cookie: 'canary' })],
    request: requestWith({ 'x-canary': 'x' }, { canary: 'always' }),
    expect: ['main', 'headerRefused'],
  },
  {
    name: 'step 4: a rule marked refuse sends a request with the header to the primary at once',
    canaries: [canary('c', { ...onHeader({ type: 'refuse' }), ...FULL, cookie: 'canary' })],
    request: requestWith({ 'x-canary': 'x' }, { canary: 'always' }),
    expect: ['main', 'headerRefused'],
  },
  {
    name: 'step 4: a pattern that cannot be compiled means nothing to a request without the header',
    canaries: [canary('c', { ...onHeader({ type: 'refuse' }), cookie: 'canary' })],
    request: requestWith({}, { canary: 'always' }),
    expect: ['c', 'cookie'],
  },
  {
    name: 'step 5: cookie always takes the canary at weight 0',
    canaries: [canary('c', { cookie: 'canary' })],
    request: requestWith({}, { canary: 'always' }),
    expect: ['c', 'cookie'],
  },
  {
    name: 'step 5: cookie never beats weight 100',
    canaries: [canary('c', { cookie: 'canary', ...FULL })],
    request: requestWith({}, { canary: 'never' }),
    expect: ['main', 'cookieRefused'],
  },
  {
    name: 'step 5: any other cookie value goes on to the weight',
    canaries: [canary('c', { cookie: 'canary', ...FULL })],
    request: requestWith({}, { canary: 'yes' }),
    random: drawing(7),
    expect: ['c', 'weight'],
  },
  { name: 'step 6: weight 0 is never', canaries: [canary('c')], random: drawing(1), expect: ['main', 'weight'] },
  {
    name: 'step 6: a negative weight is never',
    canaries: [canary('c', { weight: -5 })],
    random: drawing(1),
    expect: ['main', 'weight'],
  },
  {
    name: 'step 6: weight equal to the total is always',
    canaries: [canary('c', FULL)],
    random: drawing(100),
    expect: ['c', 'weight'],
  },
  {
    name: 'step 6: weight above the total is always',
    canaries: [canary('c', { weight: 150 })],
    random: drawing(100),
    expect: ['c', 'weight'],
  },
  {
    name: 'step 6: a draw equal to the weight takes the canary',
    canaries: [canary('c', { weight: 29 })],
    random: drawing(29),
    expect: ['c', 'weight'],
  },
  {
    name: 'step 6: a draw above the weight takes the primary',
    canaries: [canary('c', { weight: 29 })],
    random: drawing(30),
    expect: ['main', 'weight'],
  },
  {
    name: 'step 6: the total is the denominator',
    canaries: [canary('c', { weight: 1, weightTotal: 1_000 })],
    random: drawing(1, 1_000),
    expect: ['c', 'weight'],
  },
  {
    name: 'step 6: one in a thousand is not two in a thousand',
    canaries: [canary('c', { weight: 1, weightTotal: 1_000 })],
    random: drawing(2, 1_000),
    expect: ['main', 'weight'],
  },
];

/** Several canaries on one rule: what the reference leaves undone. */
const SEVERAL: readonly Row[] = [
  {
    name: 'several: draws within the first share take the first canary',
    canaries: [canary('a', { weight: 10 }), canary('b', { weight: 20 })],
    random: drawing(10),
    expect: ['a', 'weight'],
  },
  {
    name: 'several: draws above it and within the second take the second',
    canaries: [canary('a', { weight: 10 }), canary('b', { weight: 20 })],
    random: drawing(11),
    expect: ['b', 'weight'],
  },
  {
    name: 'several: draws above all shares take the primary',
    canaries: [canary('a', { weight: 10 }), canary('b', { weight: 20 })],
    random: drawing(31),
    expect: ['main', 'weight'],
  },
  {
    name: 'several: shares of different totals add up',
    canaries: [canary('a', { weight: 10 }), canary('b', { weight: 1, weightTotal: 1_000 })],
    random: drawing(101, 1_000),
    expect: ['b', 'weight'],
  },
  {
    name: 'several: shares beyond the whole are cut, the older first served',
    canaries: [canary('a', { weight: 80 }), canary('b', { weight: 80 })],
    random: drawing(100),
    expect: ['b', 'weight'],
  },
  {
    name: 'several: each has its own header rule',
    canaries: [canary('a', { ...VALUE, ...FULL }), canary('b', onHeader({ type: 'value', value: 'green' }))],
    request: requestWith({ 'x-canary': 'green' }),
    expect: ['b', 'header'],
  },
  {
    name: 'several: of two that the header chooses the older is taken',
    canaries: [canary('a', ALWAYS_NEVER), canary('b', ALWAYS_NEVER)],
    request: requestWith({ 'x-canary': 'always' }),
    expect: ['a', 'header'],
  },
  {
    name: 'several: the header of the last is asked before the cookie of the first',
    canaries: [canary('a', { cookie: 'canary' }), canary('b', ALWAYS_NEVER)],
    request: requestWith({ 'x-canary': 'always' }, { canary: 'always' }),
    expect: ['b', 'header'],
  },
  {
    name: 'several: the cookie of the last is asked before the weight of the first',
    canaries: [canary('a', FULL), canary('b', { cookie: 'canary' })],
    request: requestWith({}, { canary: 'always' }),
    expect: ['b', 'cookie'],
  },
  {
    name: 'several: never excludes its own canary only',
    canaries: [canary('a', { ...ALWAYS_NEVER, weight: 50 }), canary('b', { weight: 50 })],
    request: requestWith({ 'x-canary': 'never' }),
    random: drawing(51),
    expect: ['b', 'weight'],
  },
  {
    name: 'several: the share of an excluded canary goes to the primary',
    canaries: [canary('a', { ...ALWAYS_NEVER, weight: 50 }), canary('b', { weight: 50 })],
    request: requestWith({ 'x-canary': 'never' }),
    random: drawing(50),
    expect: ['main', 'weight'],
  },
  {
    name: 'several: a canary refused by header is not asked for its cookie',
    canaries: [canary('a', { ...ALWAYS_NEVER, cookie: 'a' }), canary('b', { cookie: 'b' })],
    request: requestWith({ 'x-canary': 'never' }, { a: 'always', b: 'always' }),
    expect: ['b', 'cookie'],
  },
  {
    name: 'several: a canary without endpoints is skipped and its share goes to the primary',
    canaries: [canary('a', { weight: 50 }), canary('b', { weight: 50 })],
    unavailable: ['a'],
    random: drawing(50),
    expect: ['main', 'weight'],
  },
  {
    name: 'several: a session of the second stays there',
    canaries: [canary('a', { ...ALWAYS_NEVER, ...FULL }), canary('b')],
    affinity: COOKIE_AFFINITY,
    request: requestWith({ 'x-canary': 'always' }, sessionOf('b')),
    expect: ['b', 'canarySession'],
  },
  {
    name: 'several: when every one is refused the primary is taken without a draw',
    canaries: [canary('a', { ...ALWAYS_NEVER, ...FULL }), canary('b', { cookie: 'b', ...FULL })],
    request: requestWith({ 'x-canary': 'never' }, { b: 'never' }),
    expect: ['main', 'cookieRefused'],
  },
];

for (const row of [...SINGLE, ...SEVERAL]) {
  test(row.name, () => {
    const { cluster, reason } = decide(row);
    assert.deepEqual([cluster, reason], row.expect);
  });
}

test('a sticky canary takes its affinity from the primary, a legacy one has none', () => {
  const sticky = decide({ canaries: [canary('c', FULL)], random: drawing(1) });
  const legacy = decide({ canaries: [canary('c', { ...FULL, affinity: 'legacy' })], random: drawing(1) });
  assert.equal(sticky.affinityFrom, 'main');
  assert.equal(legacy.affinityFrom, null);
  assert.equal(decide({ canaries: [] }).affinityFrom, 'main');
});

test('every integer draw of every weight falls as 1..total ≤ weight says, at both edges of the draw', () => {
  for (const weightTotal of [100, 101, 1_000]) {
    for (const weight of [0, 1, 28, 29, 50, 57, 58, 99, 100]) {
      for (let draw = 1; draw <= weightTotal; draw += 1) {
        const expected = draw <= weight ? 'c' : 'main';
        const canaries = [canary('c', { weight, weightTotal })];
        assert.equal(decide({ canaries, random: drawing(draw, weightTotal) }).cluster, expected);
      }
    }
  }
});

test('weights are kept within five standard deviations over 40,000 draws', () => {
  const seed = testSeed();
  const draws = 40_000;
  const random = seededRandom(seed);
  const canaries = [
    canary('a', { weight: 5 }),
    canary('b', { weight: 20 }),
    canary('c', { weight: 7, weightTotal: 1_000 }),
    canary('d', { weight: 1, weightTotal: 7_919 }),
  ];
  const counts = new Map<string, number>();
  for (let draw = 0; draw < draws; draw += 1) {
    const { cluster } = decide({ canaries, random });
    counts.set(cluster, (counts.get(cluster) ?? 0) + 1);
  }
  const small = 7 / 1_000 + 1 / 7_919;
  const shares = { a: 0.05, b: 0.2, c: 7 / 1_000, d: 1 / 7_919, main: 0.75 - small };
  for (const [cluster, share] of Object.entries(shares)) {
    const bound = 5 * Math.sqrt(draws * share * (1 - share));
    const off = Math.abs((counts.get(cluster) ?? 0) - draws * share);
    assert.ok(off <= bound, `seed ${seed}: ${cluster} got ${counts.get(cluster)}, ${off} off, bound ${bound}`);
  }
});

test('totals without a usable common multiple still share out within bounds', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const totals = [2_147_483_647, 2_147_483_629, 2_147_483_587];
  const canaries = totals.map((weightTotal) => canary(`t${weightTotal}`, { weight: weightTotal >> 2, weightTotal }));
  let primary = 0;
  for (let draw = 0; draw < 10_000; draw += 1) if (decide({ canaries, random }).cluster === 'main') primary += 1;
  assert.ok(Math.abs(primary - 2_500) <= 5 * Math.sqrt(10_000 * 0.25 * 0.75), `seed ${seed}: ${primary}`);
});
