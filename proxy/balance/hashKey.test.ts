import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HashPart } from '../../core/ir/cluster.ts';
import { hashKey, queryValue } from './hashKey.ts';
import { balanceRequest } from './testing/clusters.ts';

const request = balanceRequest({
  cookies: { user: 'u1' },
  header: (name) => (name === 'x-tenant' ? 't1' : undefined),
});

const PARTS: readonly (readonly [part: HashPart, key: string | null])[] = [
  [{ type: 'text', value: 'fixed' }, 'fixed'],
  [{ type: 'remoteAddress' }, '192.0.2.1'],
  [{ type: 'host' }, 'shop.test'],
  [{ type: 'requestUri' }, '/cart?item=7'],
  [{ type: 'path' }, '/cart'],
  [{ type: 'method' }, 'GET'],
  [{ type: 'scheme' }, 'http'],
  [{ type: 'header', name: 'x-tenant' }, 't1'],
  [{ type: 'header', name: 'x-other' }, null],
  [{ type: 'cookie', name: 'user' }, 'u1'],
  [{ type: 'cookie', name: 'other' }, null],
  [{ type: 'query', name: 'item' }, '7'],
  [{ type: 'query', name: 'other' }, null],
];

for (const [part, key] of PARTS) {
  test(`the hash key of ${JSON.stringify(part)} is ${JSON.stringify(key)}`, () => {
    assert.equal(hashKey([part], request), key);
  });
}

test('parts are joined in order, and one filled part is enough', () => {
  const parts: HashPart[] = [{ type: 'text', value: 'a' }, { type: 'header', name: 'x-other' }, { type: 'host' }];
  assert.equal(hashKey(parts, request), 'ashop.test');
  assert.equal(hashKey(parts.slice(0, 2), request), null);
});

test('a query parameter is read raw, the first of its name, whatever the letter case of the name', () => {
  assert.equal(queryValue('/?a=1&b=2', 'b'), '2');
  assert.equal(queryValue('/?A=1&a=2', 'a'), '1');
  assert.equal(queryValue('/?ab=1&a=%20', 'a'), '%20');
  assert.equal(queryValue('/?a', 'a'), '');
  assert.equal(queryValue('/?x=?a=1', 'a'), '');
  assert.equal(queryValue('/a=1', 'a'), '');
});
