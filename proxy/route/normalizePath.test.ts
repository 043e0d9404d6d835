import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, testSeed } from '../../core/testing/seededRandom.ts';
import { normalizePath, normalizeRulePath } from './normalizePath.ts';

const CASES: readonly (readonly [target: string, path: string | null, why: string])[] = [
  ['/', '/', 'the root'],
  ['/shop/cart', '/shop/cart', 'a clean path'],
  ['/shop/cart/', '/shop/cart/', 'a trailing slash stays'],
  ['/shop?x=/../y', '/shop', 'the query is cut and not looked at'],
  ['/a?b?c', '/a', 'the first question mark begins the query'],
  ['/r?u=%0d%0a', '/r', 'an encoding in the query is not looked at'],
  ['/r?u=%zz', '/r', 'a broken encoding in the query is not looked at'],
  ['/a#b', '/a', 'a fragment is cut'],
  ['/.well-known/acme-challenge/x', '/.well-known/acme-challenge/x', 'a segment may begin with a dot'],
  ['/..x/...', '/..x/...', 'three dots are a name'],
  ['/x/../admin', '/admin', 'parent segment'],
  ['/x/%2e%2e/admin', '/admin', 'encoded dots'],
  ['/x/%2E%2E/admin', '/admin', 'encoded dots in upper case'],
  ['/x/.%2e/admin', '/admin', 'mixed dots'],
  ['/x/..%2fadmin', '/admin', 'an encoded slash separates, as in nginx'],
  ['/x/%2e%2e%2fadmin', '/admin', 'everything encoded'],
  ['/x//../admin', '/admin', 'slashes are merged before the parent is taken, as in nginx'],
  ['/./admin', '/admin', 'single dot'],
  ['/admin/.', '/admin/', 'single dot at the end leaves a folder'],
  ['/admin/x/..', '/admin/', 'parent at the end leaves a folder'],
  ['/a/..', '/', 'back at the root'],
  ['/a/..?q', '/', 'parent right before the query'],
  ['//admin', '/admin', 'double slash in front'],
  ['/a///b//', '/a/b/', 'runs of slashes'],
  ['/%61dmin', '/admin', 'an encoded letter'],
  ['/a%20b', '/a b', 'an encoded space'],
  ['/a%3fb=1', '/a?b=1', 'an encoded question mark begins no query'],
  ['/a%23b', '/a#b', 'an encoded number sign begins no fragment'],
  ['/x/%252e%252e/admin', '/x/%2e%2e/admin', 'decoded once, not twice'],
  ['/%c0%ae%c0%ae/admin', '/\xc0\xae\xc0\xae/admin', 'overlong dots are opaque octets'],
  ['/caf%C3%A9', '/caf\xc3\xa9', 'octets, not characters'],
  ['/x/..;/admin', '/x/..;/admin', 'a path parameter makes it an ordinary segment, as in nginx'],
  ['/__proto__/constructor', '/__proto__/constructor', 'names of properties are names'],
  ['/..', null, 'above the root'],
  ['/../../etc/passwd', null, 'far above the root'],
  ['/a/../..', null, 'above the root after a detour'],
  ['/%2e%2e', null, 'above the root, encoded'],
  ['//..', null, 'empty segments hold no depth'],
  ['/a%00b', null, 'NUL'],
  ['/a%zz', null, 'no hexadecimal digits'],
  ['/a%', null, 'percent at the end'],
  ['/a%4', null, 'one digit at the end'],
  ['/a%4?x', null, 'one digit before the query'],
  ['/a% 41', null, 'a space where a digit belongs'],
  ['', null, 'empty'],
  ['*', null, 'asterisk form'],
  ['admin', null, 'no leading slash'],
  ['?x', null, 'query alone'],
];

for (const [target, path, why] of CASES) {
  test(`normalizePath reads ${JSON.stringify(target)} as ${JSON.stringify(path)}: ${why}`, () => {
    assert.equal(normalizePath(target), path);
  });
}

test('normalizePath gives a clean target back as the same string', () => {
  const target = '/shop/.well-known/cart';
  assert.equal(normalizePath(target), target);
});

test('a rule path is compared by octets, decoded like a request, and never widened by a question mark', () => {
  assert.equal(normalizeRulePath('/café'), normalizePath('/caf%C3%A9'));
  assert.equal(normalizeRulePath('/a%20b'), '/a b');
  assert.equal(normalizeRulePath('/a?b'), '/a?b');
  assert.equal(normalizeRulePath('/50%'), '/50%');
  assert.equal(normalizeRulePath('/..'), '/..');
});

test('a normalised path holds no dot segment, no double slash and no NUL, and stays itself when spelled out again', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const pieces = ['/', '/', '.', '..', '%2e', '%2F', '%25', '%00', '%', 'a', 'b;', '?', '%c3%a9', '//', '%3f', '~'];
  for (let round = 0; round < 20_000; round += 1) {
    let target = '/';
    for (let count = Math.floor(random() * 9); count > 0; count -= 1) {
      target += pieces[Math.floor(random() * pieces.length)] ?? '';
    }
    const path = normalizePath(target);
    if (path === null) continue;
    const context = `seed ${seed}: ${JSON.stringify(target)} → ${JSON.stringify(path)}`;
    assert.ok(path.startsWith('/'), context);
    assert.ok(!path.includes('//') && !path.includes('\0'), context);
    assert.ok(path.split('/').every((segment) => segment !== '.' && segment !== '..'), context);
    assert.equal(normalizePath(path.replaceAll(/[%?#]/g, (char) => encodeURIComponent(char))), path, context);
  }
});

test('a hostile path of eight thousand octets is resolved in one pass', () => {
  assert.equal(normalizePath(`${'/a'.repeat(2_000)}${'/..'.repeat(1_999)}/b`), '/a/b');
  assert.equal(normalizePath('/%2e'.repeat(2_000)), '/');
});
