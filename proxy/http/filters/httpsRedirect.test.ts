import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizePath } from '../../route/normalizePath.ts';
import type { RequestHead } from '../exchange.ts';
import { Fields } from '../fields.ts';
import type { FilterAnswer } from './filter.ts';
import { httpsRedirect } from './httpsRedirect.ts';

const filter = httpsRedirect({ type: 'httpsRedirect', status: 308, exemptPrefixes: ['/.well-known/acme-challenge'] });

function redirect(target: string, more: { scheme?: 'http' | 'https'; host?: string } = {}): FilterAnswer | null {
  const { scheme = 'http', host = 'gw.test:8080' } = more;
  const request: RequestHead = {
    method: 'GET',
    scheme: 'http',
    authority: host,
    target,
    fields: new Fields(),
    bodyLength: 0,
    upgrade: null,
    expectsContinue: false,
    protocol: 'HTTP/1.1',
  };
  const client = { address: '192.0.2.1', scheme, host, port: '80', trustedPeer: false };
  return filter({ request, path: normalizePath(target) ?? '*', client });
}

test('a plain request is sent to the same URL on HTTPS, without the port', () => {
  assert.deepEqual(redirect('/a?b=c')?.fields, [['Location', 'https://gw.test/a?b=c']]);
  assert.deepEqual(redirect('*')?.fields, [['Location', 'https://gw.test/']]);
  assert.deepEqual(redirect('/', { host: '[2001:db8::1]:80' })?.fields, [['Location', 'https://[2001:db8::1]/']]);
  assert.equal(redirect('/')?.status, 308);
});

test('a request that came over HTTPS passes', () => {
  assert.equal(redirect('/a', { scheme: 'https' }), null);
});

test('exempt paths pass by whole elements, after normalisation', () => {
  assert.equal(redirect('/.well-known/acme-challenge'), null);
  assert.equal(redirect('/.well-known/acme-challenge/token?x'), null);
  assert.notEqual(redirect('/.well-known/acme-challenger'), null);
  assert.notEqual(redirect('/.well-known/acme-challenge/../../admin'), null);
  assert.notEqual(redirect('/.well-known/acme-challenge/%2e%2e/admin'), null);
});

test('a request that names no host is refused instead of being sent to nowhere', () => {
  assert.deepEqual([redirect('/', { host: '' })?.status, redirect('/', { host: '' })?.fields], [400, []]);
});
