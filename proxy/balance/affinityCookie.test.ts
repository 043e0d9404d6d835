import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CookieAffinity } from '../../core/ir/cluster.ts';
import { clusterAffinityHash, opaqueHash, parseAffinityCookie, printAffinityCookie } from './affinityCookie.ts';
import type { CookieContext } from './affinityCookie.ts';
import { COOKIE_AFFINITY } from './testing/cookieAffinity.ts';
import { seededRandom, testSeed } from '../../core/testing/seededRandom.ts';

const CONTEXT: CookieContext = { routePath: '/cart', isHttps: false, userAgent: undefined, epochMs: 1_700_000_000_000 };
const MOJAVE_SAFARI =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1.2 Safari/605.1.15';

type Case = readonly [name: string, affinity: Partial<CookieAffinity>, context: Partial<CookieContext>, text: string];

const CASES: readonly Case[] = [
  ['a plain cookie has the route path and HttpOnly', {}, {}, 'INGRESSCOOKIE=v; Path=/cart; HttpOnly'],
  ['on HTTPS it is Secure', {}, { isHttps: true }, 'INGRESSCOOKIE=v; Path=/cart; Secure; HttpOnly'],
  ['Secure can be forced', { secure: 'always' }, {}, 'INGRESSCOOKIE=v; Path=/cart; Secure; HttpOnly'],
  [
    'path and domain are taken',
    { path: '/x', domain: 'Shop.test' },
    {},
    'INGRESSCOOKIE=v; Domain=shop.test; Path=/x; HttpOnly',
  ],
  [
    'a leading dot of the domain is dropped',
    { domain: '.shop.test' },
    {},
    'INGRESSCOOKIE=v; Domain=shop.test; Path=/cart; HttpOnly',
  ],
  [
    'Expires and Max-Age are counted from now',
    { expiresSeconds: 172_800, maxAgeSeconds: 60 },
    {},
    'INGRESSCOOKIE=v; Expires=Thu, 16 Nov 2023 22:13:20 GMT; Max-Age=60; Path=/cart; HttpOnly',
  ],
  [
    'Expires may lie in the past',
    { expiresSeconds: -1e12 },
    {},
    'INGRESSCOOKIE=v; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/cart; HttpOnly',
  ],
  [
    'Expires has a last date',
    { expiresSeconds: 1e300 },
    {},
    'INGRESSCOOKIE=v; Expires=Fri, 31 Dec 9999 23:59:59 GMT; Path=/cart; HttpOnly',
  ],
  ['SameSite is taken', { sameSite: 'Lax' }, {}, 'INGRESSCOOKIE=v; Path=/cart; HttpOnly; SameSite=Lax'],
  [
    'SameSite=None goes to old clients too unless conditional',
    { sameSite: 'None' },
    { userAgent: MOJAVE_SAFARI },
    'INGRESSCOOKIE=v; Path=/cart; HttpOnly; SameSite=None',
  ],
  [
    'conditional SameSite=None is kept from old clients',
    { sameSite: 'None', conditionalSameSiteNone: true },
    { userAgent: MOJAVE_SAFARI },
    'INGRESSCOOKIE=v; Path=/cart; HttpOnly',
  ],
  [
    'conditional SameSite=None goes to other clients',
    { sameSite: 'None', conditionalSameSiteNone: true },
    { userAgent: 'curl/8' },
    'INGRESSCOOKIE=v; Path=/cart; HttpOnly; SameSite=None',
  ],
  [
    'conditional concerns None only',
    { sameSite: 'Strict', conditionalSameSiteNone: true },
    { userAgent: MOJAVE_SAFARI },
    'INGRESSCOOKIE=v; Path=/cart; HttpOnly; SameSite=Strict',
  ],
  [
    'a path cannot begin another attribute or field',
    { path: '/a; Domain=evil\r\nX: y' },
    {},
    'INGRESSCOOKIE=v; Path=/a%3B%20Domain=evil%0D%0AX:%20y; HttpOnly',
  ],
  ['a path beyond ASCII is spelled as in a URL', {}, { routePath: '/café' }, 'INGRESSCOOKIE=v; Path=/caf%C3%A9; HttpOnly'],
  ['a domain that is no host name is left out', { domain: 'a; Path=/' }, {}, 'INGRESSCOOKIE=v; Path=/cart; HttpOnly'],
];

for (const [name, affinity, context, text] of CASES) {
  test(`Set-Cookie: ${name}`, () => {
    assert.equal(printAffinityCookie({ ...COOKIE_AFFINITY, ...affinity }, 'v', { ...CONTEXT, ...context }), text);
  });
}

test('a name that is no token sets no cookie', () => {
  for (const name of ['', 'a b', 'a;b', 'a=b', 'a\r\nb', 'ä']) {
    assert.equal(printAffinityCookie({ ...COOKIE_AFFINITY, name }, 'v', CONTEXT), null);
  }
});

test('no configuration adds an attribute or a line', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const text = (): string =>
    Array.from({ length: 6 }, () => String.fromCharCode(Math.floor(random() * (random() < 0.8 ? 128 : 65_536)))).join('');
  for (let round = 0; round < 5_000; round += 1) {
    const affinity = { ...COOKIE_AFFINITY, name: text(), path: text(), domain: text() };
    const printed = printAffinityCookie(affinity, 'v', CONTEXT) ?? 'v; Path=; HttpOnly';
    assert.match(printed, /^[\x20-\x7e]+$/, `seed ${seed}: ${JSON.stringify(affinity)}`);
    assert.ok(/^[^;]*; (Domain=[^;]*; )?Path=[^;]*; HttpOnly$/.test(printed), `seed ${seed}: ${printed}`);
  }
});

test('a cookie value is read in its two parts, the old one-part form included, and bounded', () => {
  assert.deepEqual(parseAffinityCookie('abc|def'), { session: 'abc', clusterHash: 'def' });
  assert.deepEqual(parseAffinityCookie('abc'), { session: 'abc', clusterHash: null });
  assert.deepEqual(parseAffinityCookie('a|b|c'), { session: 'a', clusterHash: 'b|c' });
  for (const value of [undefined, '', '|def', 'x'.repeat(257)]) assert.equal(parseAffinityCookie(value), null);
});

test('hashes are opaque hex, and names that join to one text stay apart', () => {
  assert.match(opaqueHash('x'), /^[0-9a-f]{32}$/);
  const one = clusterAffinityHash({ namespace: 'a-b', service: 'c', port: '80' });
  const other = clusterAffinityHash({ namespace: 'a', service: 'b-c', port: '80' });
  assert.notEqual(one, other);
});
