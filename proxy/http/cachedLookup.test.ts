import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { test } from 'node:test';
import { createCachedLookup, type Resolve } from './cachedLookup.ts';

const ADDRESSES: LookupAddress[] = [{ address: '192.0.2.1', family: 4 }, { address: '2001:db8::1', family: 6 }];

function ask(lookup: LookupFunction, name: string, all: boolean): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  let isInside = true;
  lookup(name, { all }, (error, address, family) => {
    assert.equal(isInside, false, 'net.connect expects the answer later');
    resolve(error === null ? (all ? address : [address, family]) : error.code);
  });
  isInside = false;
  return promise;
}

/** A resolver that answers a turn later, and the names it was asked for. */
function resolver(answer: { addresses?: LookupAddress[]; code?: string }): { resolve: Resolve; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    resolve: (hostname, done) => {
      asked.push(hostname);
      const error = answer.code === undefined ? null : Object.assign(new Error('a test'), { code: answer.code });
      setImmediate(() => done(error, answer.addresses ?? []));
    },
  };
}

test('a name is asked for once, however many ask at the same time and soon after', async () => {
  const { resolve, asked } = resolver({ addresses: ADDRESSES });
  const lookup = createCachedLookup(resolve);
  const answers = await Promise.all([ask(lookup, 'a.test', true), ask(lookup, 'a.test', false), ask(lookup, 'b.test', true)]);
  assert.deepEqual(answers, [ADDRESSES, ['192.0.2.1', 4], ADDRESSES]);
  assert.deepEqual(await ask(lookup, 'a.test', true), ADDRESSES);
  assert.deepEqual(asked, ['a.test', 'b.test']);
});

test('a failure reaches everybody who waits and is not kept; a name without addresses is one', async () => {
  for (const { code, addresses } of [{ code: 'EAI_AGAIN', addresses: undefined }, { code: undefined, addresses: [] }]) {
    const { resolve, asked } = resolver({ ...(code === undefined ? {} : { code }), ...(addresses === undefined ? {} : { addresses }) });
    const lookup = createCachedLookup(resolve);
    const expected = code ?? 'ENOTFOUND';
    assert.deepEqual(await Promise.all([ask(lookup, 'a.test', true), ask(lookup, 'a.test', false)]), [expected, expected]);
    assert.equal(await ask(lookup, 'a.test', true), expected);
    assert.equal(asked.length, 2);
  }
});
