import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeRulePath } from '../../proxy/route/normalizePath.ts';
import { canonicalPath } from './canonicalPath.ts';

const PIECES = ['/', 'a', 'A', '%61', '%2F', '%2f', '.', '..', '%2e', '%', '%zz', '%00', '%25', '%C3%B6', 'ö', '//', '|', ' '];

test('ordinary paths stand as they are', () => {
  for (const path of ['/', '/a', '/a/b/', '/a.b', '/a-b_c~d']) assert.equal(canonicalPath(path), path);
});

test('spellings of one path are one', () => {
  assert.equal(canonicalPath('/%61dmin'), '/admin');
  assert.equal(canonicalPath('/x/../admin'), '/admin');
  assert.equal(canonicalPath('/.well-known/x'), '/.well-known/x');
  assert.equal(canonicalPath('//a//b/.'), '/a/b/');
  assert.equal(canonicalPath('/ö'), canonicalPath('/%C3%B6'));
  assert.equal(canonicalPath('/%2541'), '/%41');
});

test('paths the proxy takes for equal are equal here, whatever they are made of', () => {
  /** what the proxy compares → what is compared here */
  const seen = new Map<string, string>();
  for (const one of PIECES) for (const two of PIECES) for (const three of PIECES) {
    const path = `/${one}${two}${three}`;
    const normalized = normalizeRulePath(path);
    const canonical = canonicalPath(path);
    const before = seen.get(normalized);
    if (before === undefined) seen.set(normalized, canonical);
    else assert.equal(canonical, before, path);
  }
});
